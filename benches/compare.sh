#!/usr/bin/env bash
# An older tree and this one side by side, in turns: bash benches/compare.sh OLD_COMMIT [ROUNDS]
# Prints for each bench the shortest median of either tree, and their ratio. Takes about ten
# minutes. With RUSTFLAGS set ("-C target-cpu=x86-64-v3", say) both are built so.
set -euo pipefail
cd "$(dirname "$0")/.."
old_commit=${1:?which older commit? bash benches/compare.sh OLD_COMMIT}
rounds=${2:-3}
export CARGO_TERM_COLOR=never

folder=$PWD/target/compare
old=$folder/old
mkdir -p "$folder"
git worktree remove --force "$old" 2>/dev/null || true
git worktree prune
git worktree add --detach --quiet "$old" "$old_commit"
trap 'git worktree remove --force "$old"' EXIT
# The old tree is asked the same questions, also where it did not have the bench yet.
cp benches/parts.rs "$old/benches/parts.rs"
if ! grep -q '^name = "parts"' "$old/Cargo.toml"; then
  printf '\n[[bench]]\nname = "parts"\nharness = false\nrequired-features = ["test-kit"]\n' >> "$old/Cargo.toml"
fi

# Builds a tree's bench; prints where it is.
built() {
  (cd "$1" && cargo bench --quiet --bench "$2" --features test-kit --no-run --message-format=json) |
    python3 -c '
import json, sys
for line in sys.stdin:
    artifact = json.loads(line)
    if artifact.get("executable") and artifact["target"]["name"] == sys.argv[1]:
        print(artifact["executable"])' "$2"
}

: > "$folder/times"
for bench in parts verify; do
  filter=$([ "$bench" = parts ] && echo '^(log_in|parts|attempt)' || echo '^(sha1_window_1/sekisho|scan)')
  old_bench=$(CARGO_TARGET_DIR=$folder/target-old built "$old" "$bench")
  new_bench=$(built . "$bench")
  for round in $(seq "$rounds"); do
    for tree in old new; do
      program=$([ "$tree" = old ] && echo "$old_bench" || echo "$new_bench")
      echo "$bench, round $round of $rounds, $tree" >&2
      "$program" --bench --output-format bencher --warm-up-time 0.5 --measurement-time 2 "$filter" 2>/dev/null |
        sed -n "s|^test \(.*\) \.\.\. bench: *\([0-9,]*\) ns/iter.*|$tree \1 \2|p" | tr -d , >> "$folder/times"
    done
  done
done

python3 - "$folder/times" <<'PYTHON'
import sys
times = {}
for line in open(sys.argv[1]):
    tree, name, ns = line.split()
    of = times.setdefault(name, {})
    of[tree] = min(of.get(tree, int(ns)), int(ns))
print(f"{'ns, the shortest median':44} {'old':>8} {'new':>8}  new/old")
for name, of in times.items():
    if len(of) == 2:
        print(f"{name:44} {of['old']:8} {of['new']:8}  {of['new'] / max(of['old'], 1):.2f}")
old, new = (min(ns[tree] for name, ns in times.items() if name.startswith('attempt/after')) for tree in ('old', 'new'))
clean = times['attempt/without_a_failure_right']['new']
print(f"an attempt in the ten minutes after a wrong code: {new / old:.2f} of the old, {new / clean:.2f} of one without")
PYTHON
