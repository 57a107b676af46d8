//! Other people's authenticators log in through the quickstart binary, with the URI that it prints.
//!
//! Needs `oathtool` and Python with `pyotp`; `bash tests/run.sh` installs them.
#![cfg(all(feature = "qr", feature = "rand"))]

use crate::examples::example;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

const T: u64 = 1_800_000_000;

/// The quickstart, built once as a user would build it.
fn quickstart() -> &'static Path {
    static BUILT: OnceLock<PathBuf> = OnceLock::new();
    BUILT.get_or_init(|| example("quickstart"))
}

struct Account {
    folder: tempfile::TempDir,
}

impl Account {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap() }
    }

    /// One run of the program at `now`: what it says, an answer for each line typed at the end.
    fn run(&self, now: u64, options: &[&str], typed: &[&str]) -> String {
        let mut child = Command::new(quickstart())
            .args(["--file", "account", "--at", &now.to_string()])
            .args(options)
            .current_dir(self.folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        child.stdin.take().unwrap().write_all(typed.join("\n").as_bytes()).unwrap();
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success());
        String::from_utf8(output.stdout).unwrap()
    }

    /// The answer to one code.
    fn submit(&self, now: u64, code: &str) -> String {
        let said = self.run(now, &[], &[code]);
        // The last line is the next prompt.
        said.lines().rev().nth(1).unwrap().to_string()
    }
}

fn uri_in(said: &str) -> String {
    let line = said.lines().find(|line| line.contains("otpauth://")).expect("a URI is printed");
    line[line.find("otpauth://").unwrap()..].to_string()
}

/// Gives what a tool prints, or says how to get the tool.
fn output_of(tool: &str, arguments: &[&str]) -> String {
    let output = Command::new(tool).args(arguments).output();
    let output = output.unwrap_or_else(|error| panic!("{tool}: {error}; `bash tests/run.sh` installs it"));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{tool}: {said}; `bash tests/run.sh` installs what it needs");
    String::from_utf8(output.stdout).unwrap().trim().to_string()
}

fn oathtool(uri: &str, algorithm: &str, digits: &str, now: u64) -> String {
    let secret = uri.split(['?', '&']).find_map(|part| part.strip_prefix("secret=")).unwrap();
    let (totp, now) = (format!("--totp={algorithm}"), format!("@{now}"));
    output_of("oathtool", &[&totp, "--base32", "--digits", digits, "--now", &now, secret])
}

fn pyotp(uri: &str, now: u64) -> String {
    let program = "import sys, pyotp; print(pyotp.parse_uri(sys.argv[1]).at(int(sys.argv[2])))";
    output_of("python3", &["-c", program, uri, &now.to_string()])
}

/// Enrolls with a random secret, confirms, logs in, and is refused a second use.
fn enrolls_and_logs_in(options: &[&str], shown: impl Fn(&str, u64) -> String) {
    let account = Account::new();
    let uri = uri_in(&account.run(T, options, &[]));
    let confirming = shown(&uri, T);
    assert!(account.submit(T, &confirming).contains("confirmed"), "{options:?}");
    assert!(
        account.submit(T + 1, &confirming).contains("already used: the next code can be used in 29 s"),
        "{options:?}"
    );
    let next = shown(&uri, T + 30);
    assert!(account.submit(T + 30, &next).contains("accepted"), "{options:?}");
    assert!(account.submit(T + 31, &next).contains("already used"), "{options:?}");
}

#[test]
fn oathtool_logs_in_with_every_algorithm_and_length() {
    for algorithm in ["SHA1", "SHA256", "SHA512"] {
        for digits in ["6", "7", "8"] {
            let options = ["--algorithm", algorithm, "--digits", digits];
            enrolls_and_logs_in(&options, |uri, now| oathtool(uri, algorithm, digits, now));
        }
    }
}

#[test]
fn pyotp_logs_in_with_every_algorithm_and_length() {
    for algorithm in ["SHA1", "SHA256", "SHA512"] {
        for digits in ["6", "7", "8"] {
            let options = ["--algorithm", algorithm, "--digits", digits, "--issuer", "日本語の取引所"];
            enrolls_and_logs_in(&options, pyotp);
        }
    }
}

#[test]
fn the_fifth_wrong_code_locks_a_right_one_is_refused_meanwhile_and_accepted_after() {
    let account = Account::new();
    let uri = uri_in(&account.run(T, &[], &[]));
    let code = |now| oathtool(&uri, "SHA1", "6", now);
    assert!(account.submit(T, &code(T)).contains("confirmed"));

    let near: Vec<_> = (-25..5).map(|step| code((T + 60).checked_add_signed(step * 30).unwrap())).collect();
    let wrong = (0..1_000_000).map(|n| format!("{n:06}")).find(|wrong| !near.contains(wrong)).unwrap();
    for left in (1..=4).rev() {
        assert!(account.submit(T + 60, &wrong).contains(&format!("wrong: attempts left: {left}.")));
    }
    assert!(account.submit(T + 60, &wrong).contains("wrong: locked, try again in 30 s"));
    assert!(account.submit(T + 80, &code(T + 80)).contains("locked: try again in 10 s"));
    assert!(account.submit(T + 90, &code(T + 90)).contains("accepted"));
}

#[test]
fn a_code_typed_late_and_a_text_that_is_no_code_are_told_apart() {
    let account = Account::new();
    let uri = uri_in(&account.run(T, &["--secret", "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"], &[]));
    assert!(uri.contains("secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ"));
    assert!(account.submit(T, &oathtool(&uri, "SHA1", "6", T)).contains("confirmed"));
    let late = oathtool(&uri, "SHA1", "6", T + 60);
    assert!(account.submit(T + 180, &late).contains("expired: attempts left: 4. This code has run out"));
    assert!(account.submit(T + 180, "my password").contains("no code"));
}

#[test]
fn an_account_file_that_is_in_use_or_damaged_is_refused_with_advice() {
    let folder = tempfile::tempdir().unwrap();
    let run = || {
        let mut command = Command::new(quickstart());
        command.args(["--file", "account"]).current_dir(folder.path()).stdin(Stdio::piped()).stdout(Stdio::null());
        command.stderr(Stdio::piped());
        command.spawn().unwrap()
    };
    let said = |child: std::process::Child| String::from_utf8(child.wait_with_output().unwrap().stderr).unwrap();

    let mut first = run();
    while !folder.path().join("account").exists() {
        std::thread::yield_now();
    }
    assert!(said(run()).contains("another quickstart is using this account file"));
    drop(first.stdin.take());
    assert!(first.wait().unwrap().success());

    let path = folder.path().join("account");
    let text = std::fs::read_to_string(&path).unwrap();
    std::fs::write(&path, text.replace("state 01", "state 02")).unwrap();
    assert!(said(run()).contains("upgrade sekisho"));
    std::fs::write(&path, &text[..text.len() - 9]).unwrap();
    assert!(!said(run()).is_empty());
}
