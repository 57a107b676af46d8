#!/usr/bin/env bash
# Fuzzes every target for so many seconds each: bash tests/fuzz.sh [SECONDS]
# Needs a nightly toolchain and cargo-fuzz. New inputs go to target/fuzz-corpus; the seeds are only read.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-60}
cargo +nightly --version >/dev/null 2>&1 || { echo "fuzz.sh: no nightly toolchain: rustup toolchain install nightly" >&2; exit 1; }
command -v cargo-fuzz >/dev/null || { echo "fuzz.sh: no cargo-fuzz: cargo install cargo-fuzz --locked" >&2; exit 1; }
for target in code base32 uri migration transfer state decide account; do
  longest=4200
  [ "$target" = decide ] && longest=400 # each byte costs the plain model hundreds of codes
  found="target/fuzz-corpus/$target"
  mkdir -p "$found"
  echo "== $target, $seconds s"
  log="$found.log"
  status=0
  cargo +nightly fuzz run "$target" "$found" "fuzz/corpus/$target" -- "-max_total_time=$seconds" "-max_len=$longest" -print_final_stats=1 >"$log" 2>&1 || status=$?
  grep -E '^stat::number_of_executed_units|panicked|SUMMARY|Test unit' "$log" || true
  [ "$status" -eq 0 ] || { echo "fuzz.sh: $target failed; see $log" >&2; exit 1; }
done
