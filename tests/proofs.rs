//! Proofs that are not possible from within the crate: what memory and time tell about secrets, and
//! that the ground floor needs no std. Each is a package of its own beside this file, built and run
//! here. x86-64 Linux only.
#![cfg(all(target_os = "linux", target_arch = "x86_64", feature = "full"))] // once: they do not depend on features

use std::path::PathBuf;
use std::process::{Command, Output};

/// Builds a package beside this file; gives the folder with its programs.
fn build(package: &str, options: &[&str]) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests").join(package);
    let target = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(package);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--release", "--target-dir"]).arg(&target).args(options).current_dir(folder);
    // Flags for this build (coverage, sanitizers) are not meant for that one, which needs one of its
    // own.
    let output = cargo.env_remove("CARGO_ENCODED_RUSTFLAGS").env("RUSTFLAGS", "--cfg sekisho_proofs").output().unwrap();
    assert!(output.status.success(), "{package} does not build: {}", String::from_utf8_lossy(&output.stderr));
    target.join("release")
}

fn valgrind(program: &PathBuf, arguments: &[&str]) -> Output {
    let mut valgrind = Command::new("valgrind");
    valgrind.args(["--quiet", "--error-exitcode=9"]).arg(program).args(arguments);
    valgrind.output().unwrap_or_else(|error| panic!("valgrind: {error}; `bash tests/run.sh` installs it"))
}

#[test]
fn nothing_branches_on_a_key_while_a_code_is_judged() {
    let program = build("memory", &[]).join("constant_time");
    let output = valgrind(&program, &[]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));

    let planted = valgrind(&program, &["planted"]);
    assert_eq!(planted.status.code(), Some(9), "a planted branch on the key is reported");
    assert!(String::from_utf8_lossy(&planted.stderr).contains("depends on uninitialised value"));

    let unchecked = Command::new(&program).output().unwrap();
    assert_eq!(unchecked.status.code(), Some(2), "without valgrind the check fails, as nothing would be checked");
}

#[test]
fn secrets_are_wiped_in_place_and_on_the_heap() {
    let program = build("memory", &[]).join("wiped");
    let output = Command::new(&program).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    let planted = Command::new(&program).arg("planted").output().unwrap();
    assert_eq!(planted.status.code(), Some(1), "a planted unwiped copy is found");
}

#[test]
fn the_ground_floor_runs_without_std_and_without_alloc() {
    let program = build("no_std", &["--bin", "without_alloc"]).join("without_alloc");
    assert!(Command::new(program).status().unwrap().success());
}

#[test]
fn the_ground_floor_runs_without_std_with_alloc() {
    let program = build("no_std", &["--features", "alloc", "--bin", "with_alloc"]).join("with_alloc");
    assert!(Command::new(program).status().unwrap().success());
}
