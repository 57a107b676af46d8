-- The table of `PostgresStore`. Schema and name are put in the place of {schema} and {table}.
CREATE TABLE IF NOT EXISTS {schema}.{table} (
    account bytea PRIMARY KEY,
    -- Drawn for each write; what a change compares.
    revision bytea NOT NULL CHECK (octet_length(revision) = 16),
    -- Sealed.
    envelope bytea NOT NULL
) WITH (fillfactor = 70);
