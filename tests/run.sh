#!/usr/bin/env bash
# Everything that has to hold, on a Debian machine with cargo: bash tests/run.sh
# Installs what is missing, and says so before. Ends with "all passed" or with what to do.
set -euo pipefail
cd "$(dirname "$0")/.."
export CARGO_TERM_COLOR=never CARGO_INCREMENTAL=0
# Without line numbers test programs take a third of the room, and are built faster.
export CARGO_PROFILE_DEV_DEBUG=0

current=start
step() { current=$*; printf '\n== %d min %02d s: %s\n' $((SECONDS / 60)) $((SECONDS % 60)) "$current"; }
trap '[ $? -eq 0 ] || printf "\nFAILED: %s\nThe messages above say what; this step can be run by itself, see tests/run.sh.\n" "$current" >&2' EXIT

# --- what is needed ---
free_gb=$(($(df --output=avail -k . | tail -1) / 1024 / 1024))
if [ "$free_gb" -lt 6 ]; then
  echo "$free_gb GB are free where this folder is, and 6 are needed: a full disk kills the linker with SIGBUS." >&2
  echo "Remove old target folders (cargo clean), or run this elsewhere." >&2
  exit 1
fi
missing=()
needs() { command -v "$1" >/dev/null 2>&1 || missing+=("$2"); }
needs oathtool oathtool
needs valgrind valgrind
needs cc gcc
needs c++ g++
needs python3 python3
needs redis-server redis-server
needs psql postgresql
[ -d /usr/lib/postgresql ] || command -v initdb >/dev/null 2>&1 || missing+=(postgresql)
needs redis-cli redis-tools
needs pgbouncer pgbouncer
needs chromium chromium
needs chromedriver chromium-driver
# Japanese pages are boxes otherwise.
fc-list :lang=ja 2>/dev/null | grep -q . || missing+=(fontconfig fonts-noto-cjk)
python3 -c 'import venv, ensurepip' 2>/dev/null || missing+=(python3-venv)
if [ ${#missing[@]} -gt 0 ]; then
  step "installing Debian packages: ${missing[*]}"
  sudo=; [ "$(id -u)" -eq 0 ] || sudo=sudo
  $sudo apt-get update -qq
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}" >/dev/null
fi
venv=target/tests-python
if ! "$venv/bin/python3" -c 'import pyotp, django_otp, pskc, schemathesis' 2>/dev/null || [ ! -d "$(echo "$venv"/lib/python3*/site-packages/axe_playwright_python)" ]; then
  step "installing pyotp, django-otp, python-pskc, schemathesis and axe-core from PyPI into $venv"
  python3 -m venv "$venv"
  "$venv/bin/pip" install --quiet --disable-pip-version-check \
    'pyotp==2.12.0' 'django-otp==1.7.5' 'django==5.2.19' 'python-pskc==1.4' 'schemathesis==4.32.5'
  # It brings axe-core; what else it would bring is not needed.
  "$venv/bin/pip" install --quiet --disable-pip-version-check --no-deps 'axe-playwright-python==0.1.8'
fi
PATH="$PWD/$venv/bin:$PATH"
if ! command -v cargo-deny >/dev/null 2>&1; then
  step "installing cargo-deny from crates.io (compiles for some minutes)"
  cargo install --quiet --locked cargo-deny
fi

# --- format and lints ---
packages=(Cargo.toml examples/exchange/Cargo.toml fuzz/Cargo.toml tests/memory/Cargo.toml tests/no_std/Cargo.toml)
for package in "${packages[@]}"; do
  step "cargo fmt --check, $package (mend: cargo fmt --manifest-path $package)"
  cargo fmt --manifest-path "$package" --check
done
features=("--no-default-features" "--no-default-features --features alloc,rand,serde" "" "--all-features")
# Tests, examples and benches may stop at what they do not expect.
in_tests=(-A clippy::unwrap_used -A clippy::expect_used -A clippy::panic -A clippy::indexing_slicing
  -A clippy::arithmetic_side_effects -A clippy::cast_possible_truncation)
for selection in "${features[@]}"; do
  step "clippy, the library, features: ${selection:-default}"
  cargo clippy --quiet $selection --lib -- -D warnings
done
step "clippy, all targets"
cargo clippy --quiet --all-features --all-targets -- -D warnings "${in_tests[@]}"
exchange=(--manifest-path examples/exchange/Cargo.toml --target-dir target/exchange)
step "clippy, the example exchange"
cargo clippy --quiet "${exchange[@]}" -- -D warnings
cargo clippy --quiet "${exchange[@]}" --all-targets -- -D warnings "${in_tests[@]}"

# --- tests ---
for selection in "${features[@]}"; do
  step "cargo test, features: ${selection:-default}"
  cargo test $selection
done
step "cargo test, the example exchange"
cargo test "${exchange[@]}"
step "documentation, no warnings"
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --all-features
RUSTDOCFLAGS="-D warnings" cargo doc --quiet --no-deps --no-default-features
step "benches run once: cargo test --benches"
cargo test --quiet --all-features --benches
step "fuzz targets compile (run them: bash tests/fuzz.sh)"
cargo check --quiet --manifest-path fuzz/Cargo.toml --bins
step "licenses, bans, sources: cargo deny"
cargo deny --all-features check --hide-inclusion-graph licenses bans sources
cargo deny --manifest-path examples/exchange/Cargo.toml --config "$PWD/deny.toml" check --hide-inclusion-graph licenses bans sources

step 'all passed'
