//! Why a store could not do something.

use alloc::boxed::Box;
use alloc::sync::Arc;
use core::error::Error;
use core::time::Duration;
use std::path::PathBuf;

/// The error of a client or of the operating system. Shared, since one failure may end many calls.
type Source = Arc<dyn Error + Send + Sync>;

/// Why a call of a store failed. It may be logged: it contains no envelope and no password.
///
/// The stores of this library answer it, and [`BoxStore`](super::BoxStore) for any other one. After
/// an error the outcome of a change is unknown, unless the error says that nothing has changed.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// A namespace, a schema or a table has a name that cannot be.
    #[error("{rule}: choose another name")]
    Name {
        /// The rule for names.
        rule: &'static str,
    },
    /// The URL, or a certificate, cannot be used.
    #[error("{store} cannot be connected to like that: correct the URL or the certificate")]
    Config {
        /// The store.
        store: &'static str,
        /// The mistake in it.
        source: Source,
    },
    /// The server is not there, or the connection was lost.
    #[error("{store} cannot be reached: see to the server and the network")]
    Unreachable {
        /// The store.
        store: &'static str,
        /// The client's error.
        source: Source,
    },
    /// There was no answer in time.
    #[error("{store} has not answered within {deadline:?}: see to its load, or allow more time or connections")]
    TimedOut {
        /// The store.
        store: &'static str,
        /// The time that was waited.
        deadline: Duration,
    },
    /// The server does not let this user in, or do this: another password or other rights are
    /// needed.
    #[error("{store} does not let this user in, or do this: see its own error; {needs}")]
    Denied {
        /// The store.
        store: &'static str,
        /// The rights that are enough.
        needs: &'static str,
        /// The server's error.
        source: Source,
    },
    /// The server is set up so that it may lose what it has answered.
    #[error("{store} is not set up to keep records: {what}")]
    Settings {
        /// The store.
        store: &'static str,
        /// The setting, and what to do.
        what: Arc<str>,
    },
    /// The server refuses for now: it is read-only, full, crowded, or failing over.
    #[error("{store} refuses: see its own error")]
    Refused {
        /// The store.
        store: &'static str,
        /// The server's error.
        source: Source,
    },
    /// The server cannot do what this store asks of it: it is another program than it seems, or a
    /// table of that name was made or changed by somebody else.
    #[error(
        "{store} does not know what this store asks of it, or has a table of that name that is another one: see its own \
         error"
    )]
    Unsupported {
        /// The store.
        store: &'static str,
        /// The server's error.
        source: Source,
    },
    /// The table is not there.
    #[error("the table is not there: run `create_table`, or the migration")]
    NoTable {
        /// The server's error.
        source: Source,
    },
    /// The answer was to a statement of somebody else: a pooler in transaction mode stands in
    /// between, and mixes prepared statements up. Nothing of the answer was used.
    #[error(
        "{store} has answered another statement than it was sent: a pooler in transaction mode stands in between; build \
         the store with `unnamed_statements()`, or have the pooler work by sessions"
    )]
    Misdirected {
        /// The store.
        store: &'static str,
        /// The server's or the client's error, where there is one.
        source: Option<Source>,
    },
    /// Others changed the same row at the same time. Nothing has changed.
    #[error("others changed the row at the same time: try again")]
    Conflict,
    /// Too few replicas have acknowledged a change: its outcome is unknown.
    #[error("{acknowledged} replicas have acknowledged the change and {wanted} should: see to the replicas")]
    Replicas {
        /// The number that have.
        acknowledged: u64,
        /// The number that should.
        wanted: u32,
    },
    /// The store holds something that it has not written.
    #[error("{store} holds what is no record ({what}): restore it from a backup, or see what else writes there")]
    Damaged {
        /// The store.
        store: &'static str,
        /// The place where that was seen.
        what: Arc<str>,
    },
    /// Somebody else has the file open.
    #[error("{} is open already: a redb file serves one process; end the other one, or use Redis or PostgreSQL for several", path.display())]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// The file was written by another release.
    #[error("{} has format {version}, which this release cannot read: use the release that wrote it", path.display())]
    Version {
        /// The format's number: ours, or redb's own.
        version: u64,
        /// The file.
        path: PathBuf,
    },
    /// The disk does not keep up. Nothing has changed.
    #[error("the disk does not keep up with the changes: try again later")]
    Busy,
    /// The envelope has over 1 MiB. Nothing has changed.
    #[error("an envelope of {len} bytes is too large: records have 64 KiB at most")]
    TooLarge {
        /// The number of bytes that there were.
        len: usize,
    },
    /// An earlier failure has stopped the store.
    #[error("the store has stopped after an earlier failure: open it again")]
    Stopped,
    /// Reading or writing failed: the disk is full, or failing. The store has to be opened again.
    #[error("reading or writing the file failed: see to the disk, then open the store again")]
    Failed {
        /// The operating system's error.
        source: Source,
    },
    /// The call came from outside of a tokio runtime.
    #[error("{store} was called outside of a tokio runtime: call it from a task of one")]
    NoRuntime {
        /// The store.
        store: &'static str,
    },
    /// The accounts of a cluster are not listed.
    #[error("the accounts of a cluster are not listed: ask each of its nodes")]
    NotListed,
    /// The old store failed while records were [copied](super::copy()).
    #[error("the old store could not be read: see its own error, then begin again")]
    CopyFrom {
        /// The old store's error.
        source: Source,
    },
    /// The new store failed while records were [copied](super::copy()).
    #[error("the new store could not be read or written: see its own error, then begin again")]
    CopyTo {
        /// The new store's error.
        source: Source,
    },
    /// A store that is not this library's failed: its own error.
    #[error(transparent)]
    Other(Source),
}

impl StoreError {
    /// The error of any store. One of this kind stays as it is.
    pub(crate) fn new(error: impl Error + Send + Sync + 'static) -> Self {
        let error: Box<dyn Error + Send + Sync> = Box::new(error);
        error.downcast::<Self>().map_or_else(|other| Self::Other(other.into()), |error| *error)
    }

    /// The error underneath, which can be downcast: that of a client, of the operating system, or
    /// of a store that is not this library's. Otherwise this error itself.
    #[must_use]
    pub fn get(&self) -> &(dyn Error + Send + Sync + 'static) {
        match self {
            Self::Config { source, .. }
            | Self::Unreachable { source, .. }
            | Self::Refused { source, .. }
            | Self::Denied { source, .. }
            | Self::Unsupported { source, .. }
            | Self::NoTable { source }
            | Self::Failed { source }
            | Self::CopyFrom { source }
            | Self::CopyTo { source }
            | Self::Other(source) => &**source,
            own => own,
        }
    }

    /// Returns whether trying again can help. A store that is not this library's is given the
    /// benefit of the doubt.
    #[must_use]
    pub fn is_transient(&self) -> bool {
        match self {
            Self::Unreachable { .. }
            | Self::TimedOut { .. }
            | Self::Refused { .. }
            | Self::Conflict
            | Self::Replicas { .. }
            | Self::Busy
            | Self::Other(_) => true,
            Self::CopyFrom { source } | Self::CopyTo { source } => {
                source.downcast_ref::<Self>().is_none_or(Self::is_transient)
            }
            _ => false,
        }
    }

    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(super) fn config(store: &'static str, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Config { store, source: Arc::new(error) }
    }

    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(super) fn unreachable(store: &'static str, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unreachable { store, source: Arc::new(error) }
    }

    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(super) fn denied(store: &'static str, needs: &'static str, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Denied { store, needs, source: Arc::new(error) }
    }

    #[cfg(feature = "postgres")]
    pub(super) fn unsupported(store: &'static str, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Unsupported { store, source: Arc::new(error) }
    }

    #[cfg(any(feature = "postgres", feature = "redis"))]
    pub(super) fn refused(store: &'static str, error: impl Error + Send + Sync + 'static) -> Self {
        Self::Refused { store, source: Arc::new(error) }
    }

    #[cfg(any(feature = "postgres", feature = "redb", feature = "redis"))]
    pub(super) fn damaged(store: &'static str, what: &str) -> Self {
        Self::Damaged { store, what: what.into() }
    }
}
