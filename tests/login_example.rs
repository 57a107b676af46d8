//! `examples/login.rs` as a user runs it, with the system's clock and oathtool for a phone; and as
//! the README shows it.
#![cfg(all(feature = "qr", feature = "redb", feature = "tracing"))]

use crate::examples::example;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::{SystemTime, UNIX_EPOCH};

const KEYS: &str = "1:00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff";

struct Run {
    child: Child,
    said: BufReader<ChildStdout>,
}

impl Run {
    fn start(program: &Path, act: &str, file: &Path) -> Self {
        let mut command = Command::new(program);
        command.arg(act).arg(file).env("SEKISHO_KEYS", KEYS).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let said = BufReader::new(child.stdout.take().unwrap());
        Self { child, said }
    }

    /// Reads what it says, up to a line with `what`.
    fn until(&mut self, what: &str) -> String {
        let mut said = String::new();
        loop {
            let before = said.len();
            assert!(self.said.read_line(&mut said).unwrap() > 0, "it ends before {what:?}: {said}");
            if said[before..].contains(what) {
                return said[before..].trim().to_string();
            }
        }
    }

    fn type_in(&mut self, text: &str) {
        writeln!(self.child.stdin.as_mut().unwrap(), "{text}").unwrap();
    }
}

/// The code that a phone shows so many seconds from now.
fn oathtool(key: &str, later: u64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() + later;
    let output = Command::new("oathtool").args(["--totp", "--base32", "--now", &format!("@{now}"), key]).output();
    let output = output.unwrap_or_else(|error| panic!("oathtool: {error}; `bash tests/run.sh` installs it"));
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

#[test]
fn enroll_log_in_and_be_refused_the_second_time() {
    let (program, folder) = (example("login"), tempfile::tempdir().unwrap());
    let file = folder.path().join("login.redb");
    let mut run = Run::start(&program, "sign-up", &file);
    let key = run.until("or type this key").split_once(": ").unwrap().1.replace(' ', "");
    run.until("the code that the app shows");
    run.type_in(&oathtool(&key, 0));
    assert!(run.child.wait().unwrap().success());

    let mut run = Run::start(&program, "log-in", &file);
    run.until("log in with");
    let code = oathtool(&key, 30);
    run.type_in(&code);
    run.until("welcome, AccountId(user-4711)");
    assert!(run.child.wait().unwrap().success());

    let mut again = Run::start(&program, "log-in", &file);
    again.until("log in with");
    again.type_in(&code);
    again.until("This code cannot be used again");
    assert!(again.child.wait().unwrap().success());
}

#[test]
fn the_readme_shows_the_example_and_it_is_short() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let example = std::fs::read_to_string(root.join("examples/login.rs")).unwrap();
    let code: Vec<_> = example.lines().filter(|line| !line.starts_with("//!") && !line.is_empty()).collect();
    assert!(code.len() <= 40, "{} lines", code.len());
    let shown = example.split_once("\n\n").unwrap().1;
    assert!(std::fs::read_to_string(root.join("README.md")).unwrap().contains(shown), "copy it into the README");
}
