//! The examples' programs, as users build them.
#![allow(dead_code)] // where features are off, no test uses it

use std::path::PathBuf;
use std::process::Command;

/// Variables that cargo sets for a test and not for a user: some build scripts would run again for
/// it, and half of the packages be built again.
const OF_A_TEST: [&str; 5] = ["CARGO_MANIFEST", "CARGO_PKG", "CARGO_CRATE", "CARGO_BIN", "CARGO_PRIMARY"];

/// Builds an example with all features; gives its program.
pub(crate) fn example(name: &str) -> PathBuf {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--example", name, "--features", "full", "--message-format", "json"]);
    for (variable, _) in std::env::vars_os() {
        if OF_A_TEST.iter().any(|start| variable.to_string_lossy().starts_with(start)) {
            cargo.env_remove(variable);
        }
    }
    let output = cargo.current_dir(env!("CARGO_MANIFEST_DIR")).output().unwrap();
    assert!(output.status.success(), "{name} does not build: {}", String::from_utf8_lossy(&output.stderr));
    let messages = String::from_utf8(output.stdout).unwrap();
    let mut executables = messages.lines().filter_map(|line| {
        let message: serde_json::Value = serde_json::from_str(line).unwrap();
        (message["target"]["name"] == name).then(|| message["executable"].as_str().map(PathBuf::from))?
    });
    executables.next_back().expect("cargo names the executable it built")
}
