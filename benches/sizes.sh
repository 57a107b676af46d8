#!/usr/bin/env bash
# What each set of features costs a service: bash benches/sizes.sh
# Prints packages, seconds to build them in release from nothing, and by how many KiB a stripped
# program that signs an account up and logs in is larger than one that does nothing (which has a
# tokio runtime too, where the store needs one). Takes about ten minutes; let nothing else run.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never
library=$PWD
folder=$PWD/target/sizes
rm -rf "$folder"
mkdir -p "$folder/src"

# Makes the program's package: its dependencies beside Sekisho, and Sekisho's features.
package() {
  local features=$1 others=$2
  cat > "$folder/Cargo.toml" <<TOML
[package]
name = "program"
version = "0.0.0"
edition = "2024"
[workspace]
[profile.release]
strip = "symbols"
[dependencies]
$others
TOML
  [ "$features" = "-" ] ||
    printf 'sekisho = { path = "%s", default-features = false, features = [%s] }\n' "$library" "$features" >> "$folder/Cargo.toml"
  cp Cargo.lock "$folder/Cargo.lock" # the versions that are tested
}

# Builds it from nothing; sets `seconds` and `bytes`.
build() {
  rm -rf "$folder/target"
  local begin=$SECONDS
  cargo build --quiet --release --offline --manifest-path "$folder/Cargo.toml" 2>/dev/null ||
    cargo build --quiet --release --manifest-path "$folder/Cargo.toml"
  seconds=$((SECONDS - begin))
  bytes=$(stat -c %s "$folder/target/release/program")
}

tokio='tokio = { version = "1", default-features = false, features = ["rt", "time", "net"] }'
empty_async='fn main() {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(async { println!("welcome") });
}'
# A log-in over the store that `$1` opens.
program() {
  cat > "$folder/src/main.rs" <<RUST
use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
use sekisho::seal::Keyring;
async fn run() -> Result<(), Box<dyn std::error::Error>> {
    let keyring = Keyring::parse(&std::env::args().nth(1).unwrap_or_default())?;
    let verifier = Verifier::builder($1, keyring).without_notifications().build();
    let alice = AccountId::new("alice")?;
    verifier.create_account(&alice).await?;
    let enrollment = verifier.enroll_first(&alice, NewAuthenticator::new("Example", "alice")?).await?;
    println!("{}", enrollment.uri().secret().to_base32_groups().expose());
    let typed = std::env::args().nth(2).unwrap_or_default();
    verifier.confirm(&alice, Attempt::new(Purpose::BINDING, &typed)).await?;
    verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &typed)).await?;
    Ok(())
}
fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    if let Err(error) = runtime.block_on(run()) {
        println!("{error}");
    }
}
RUST
}

row() { # its name, its features, how its store is opened
  package "$2" "$tokio"
  program "$3"
  build
  local packages
  packages=$(cargo tree -e normal --prefix none --no-default-features --features "$(tr -d '" ' <<< "$2")" | sed 's, (.*,,' | sort -u | grep -c .)
  echo "| $1 | $packages | $seconds | $(((bytes - without) / 1024)) |"
}

package - "$tokio"
echo "$empty_async" > "$folder/src/main.rs"
build
without=$bytes
echo "a program that does nothing takes $((without / 1024)) KiB"
echo "| features | packages | seconds | KiB more |"
echo "|---|---|---|---|"
row default '"verifier"' 'sekisho::store::MemoryStore::new()'
row 'default and `redb`' '"verifier", "redb"' 'sekisho::store::RedbStore::open("accounts.redb")?'
row 'default and `postgres`' '"verifier", "postgres"' 'sekisho::store::PostgresStore::connect("postgres://localhost")?'
row 'default and `redis`' '"verifier", "redis"' 'sekisho::store::RedisStore::connect("redis://localhost").await?'
row '`full`, redb in use' '"full"' 'sekisho::store::RedbStore::open("accounts.redb")?'
