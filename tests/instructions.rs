//! The hot path does not grow unseen: callgrind counts the instructions of a log-in. Times on a
//! busy machine are too noisy for that; instructions are the same each time. x86-64 Linux only.
//!
//! Where a change makes a log-in dearer on purpose, raise the threshold here, and say in the commit
//! why. What grew is shown by `callgrind_annotate` on the file that this test names.
#![cfg(all(target_os = "linux", target_arch = "x86_64", feature = "full"))] // once: they do not depend on features

use std::path::PathBuf;
use std::process::Command;

/// Instructions of one log-in through a `Verifier` in memory, of an account with a full history,
/// computing the code that is submitted included. Valgrind has no SHA instructions, so more than
/// half of it is SHA-1 in software.
const RIGHT: u64 = 155_000;
/// The mean of a right code and of a wrong one.
const RIGHT_AND_WRONG: u64 = 160_000;

#[test]
fn a_log_in_takes_no_more_instructions_than_it_did() {
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("memory");
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--bin", "log_in", "--target-dir"]).arg(&target);
    cargo.current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/memory"));
    let output = cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", "--cfg sekisho_proofs").output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let program = target.join("release/log_in");

    let mut grown = Vec::new();
    for (verdict, most) in [("right", RIGHT), ("wrong", RIGHT_AND_WRONG)] {
        let counts = [20, 120].map(|times: u64| {
            let file = target.join(format!("callgrind.{verdict}.{times}"));
            let mut valgrind = Command::new("valgrind");
            valgrind.arg("--tool=callgrind").arg(format!("--callgrind-out-file={}", file.display()));
            let output = valgrind.arg(&program).args([verdict, &times.to_string()]).output();
            let output = output.unwrap_or_else(|error| panic!("valgrind: {error}; `bash tests/run.sh` installs it"));
            let text = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.success(), "{text}");
            let total = text.lines().find_map(|line| line.split("Collected : ").nth(1)).expect(&text);
            (total.trim().parse::<u64>().unwrap(), file)
        });
        let [(few, _), (many, file)] = counts;
        let each = (many - few) / 100;
        println!("{verdict}: {each} instructions each, at most {most}: {}", file.display());
        assert!(each > most / 2, "far fewer than expected: lower the threshold of `{verdict}`");
        if each > most {
            grown.push(format!("{verdict}: {each} instructions, at most {most}; see {}", file.display()));
        }
    }
    assert!(grown.is_empty(), "{}", grown.join("\n"));
}
