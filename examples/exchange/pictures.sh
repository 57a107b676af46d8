#!/usr/bin/env bash
# Takes the pictures of the README anew, in a real browser: bash examples/exchange/pictures.sh
# (What has to be installed: tests/run.sh of the repository says so.)
set -euo pipefail
cd "$(dirname "$0")/../.."
PATH="$PWD/target/tests-python/bin:$PATH"
target=target/exchange
cargo test --quiet --manifest-path examples/exchange/Cargo.toml --target-dir "$target" --test browser -- \
  english_on_a_desktop japanese_on_a_phone --skip without
to=examples/exchange/pictures
mkdir -p "$to"
for picture in desktop-qr desktop-recovered desktop-review desktop-settings phone-wrong phone-wallet-held; do
  shape=${picture%%-*} page=${picture#*-}
  newest=$(find "$target/tmp/pictures" -name "*-$shape-[0-9]*-$page.png" | sort | head -1)
  cp "$newest" "$to/$picture.png"
done
ls -l "$to"
