//! `sekisho`, the operator's tool: as operators and their programs start it.
#![cfg(all(feature = "cli", feature = "test-kit"))]

use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
use sekisho::otp::{NotAccepted, OtpauthUri, Rejection, Secret, Totp, UnixTime};
use sekisho::seal::Keyring;
use sekisho::store::RedbStore;
use serde_json::Value;
use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::SystemTime;

const TOOL: &str = env!("CARGO_BIN_EXE_sekisho");

struct Desk {
    folder: tempfile::TempDir,
}

impl Desk {
    /// With keys and an empty store.
    fn new() -> Self {
        let desk = Self { folder: tempfile::tempdir().unwrap() };
        let said = desk.says(&["init"]);
        assert!(said.contains("the key is made") && said.contains("the store is ready"), "{said}");
        desk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(TOOL);
        command.args(arguments).args(["--keys", "keys", "--store", "redb:accounts.redb"]);
        command.current_dir(self.folder.path()).env_remove("SEKISHO_KEYS").env_remove("SEKISHO_STORE");
        command
    }

    fn runs(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    #[track_caller]
    fn says(&self, arguments: &[&str]) -> String {
        let output = self.runs(arguments);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(output.status.success(), "{arguments:?}: {said}{}", String::from_utf8_lossy(&output.stderr));
        said
    }

    /// The objects that a program reads.
    #[track_caller]
    fn json(&self, arguments: &[&str]) -> Vec<Value> {
        let output = self.runs(&[arguments, &["--json"]].concat());
        let said = String::from_utf8(output.stdout).unwrap();
        said.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|error| panic!("{line}: {error}"))).collect()
    }

    #[track_caller]
    fn fails(&self, arguments: &[&str]) -> String {
        let output = self.runs(arguments);
        assert!(!output.status.success(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    fn write(&self, name: &str, text: &str) -> String {
        std::fs::write(self.path(name), text).unwrap();
        name.into()
    }

    /// The service's own verifier.
    fn service(&self) -> Verifier<RedbStore> {
        let keyring = Keyring::from_file(self.path("keys")).unwrap();
        Verifier::builder(RedbStore::open(self.path("accounts.redb")).unwrap(), keyring).without_notifications().build()
    }
}

fn now() -> UnixTime {
    UnixTime::try_from(SystemTime::now()).unwrap()
}

/// An account that has used no step for a while.
fn line(number: u32) -> String {
    format!(
        r#"{{"account":"user-{number}","apps":[{{"secret":"{}","last_used_step":1}}]}}"#,
        secret(number).to_base32().expose()
    )
}

fn secret(number: u32) -> Secret {
    let mut bytes = [7; 20];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    Secret::new(&bytes).unwrap()
}

fn code(number: u32) -> String {
    let key = Totp::DEFAULT.key(&secret(number));
    key.code_at(key.totp().step_at(now()).unwrap()).reveal().to_string()
}

fn id(text: &str) -> AccountId {
    AccountId::new(text).unwrap()
}

#[cfg(unix)]
fn is_for_its_owner_only(file: &Path) -> bool {
    use std::os::unix::fs::PermissionsExt;
    std::fs::metadata(file).unwrap().permissions().mode().is_multiple_of(0o100)
}

#[tokio::test]
async fn accounts_are_imported_and_again_and_each_line_that_is_not_taken_is_named() {
    let desk = Desk::new();
    let mut text: String = (0..300).fold(String::new(), |mut text, number| {
        writeln!(text, "{}", line(number)).unwrap();
        text
    });
    text.push_str("\n{\"account\":\"short\",\"apps\":[{\"secret\":\"GEZDGNBVGY3TQOJQ\"}]}\nno json\n");
    text.push_str("{\"account\":\"twice\",\"apps\":[{\"secret\":\"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"},{\"secret\":\"GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ\"}]}\n");
    let file = desk.write("users.jsonl", &text);
    let dry = desk.json(&["import", &file, "--dry-run"]);
    assert_eq!(dry.last().unwrap()["imported"], 301, "what one account has twice shows only when it is imported");
    let output = desk.runs(&["import", &file]);
    let said = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(3), "{said}");
    for expected in [
        "line 302: the secret has fewer than 128 bits",
        "line 303: at column 2 this is no JSON",
        "line 304: it has the same secret or address twice",
        "300 imported, 0 were here already, 3 not taken",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    assert!(!said.contains("GEZD"));
    let again = desk.json(&["import", &file, "--accept-legacy-secrets"]);
    let last = again.last().unwrap();
    assert_eq!((&last["imported"], &last["here_already"], &last["not_taken"]), (&1.into(), &300.into(), &2.into()));
    let check = desk.json(&["check"]);
    assert_eq!((&check[0]["ready"], &check[0]["accounts"]), (&true.into(), &301.into()));
    // The service lets its owner in by the app's code.
    let attempt = Attempt::new(Purpose::LOGIN, &code(17));
    drop(desk.service().verify(&id("user-17"), attempt).await.unwrap());
}

#[tokio::test]
async fn a_whole_life_of_an_account_by_the_tool_alone() {
    let desk = Desk::new();
    let file = desk.write("users.jsonl", &line(1));
    desk.says(&["import", &file]);
    let by = ["--operator", "Sato", "--reason", "ticket 4711"];
    let act = |what: &[&'static str]| [what, &["user-1"], &by].concat();
    // Harm is asked for: nobody is there, somebody says no, somebody says yes.
    let why = desk.fails(&act(&["freeze"]));
    assert!(why.contains("all of its sessions end") && why.contains("--yes"), "{why}");
    for (typed, exits) in [("no", Some(1)), ("yes", Some(0))] {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/python/terminal.py");
        let mut command = Command::new("python3");
        command.arg(script).arg(typed).arg(TOOL).args(act(&["freeze"]));
        command.args(["--keys", "keys", "--store", "redb:accounts.redb"]).current_dir(desk.folder.path());
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert_eq!(output.status.code(), exits, "{said}{}", String::from_utf8_lossy(&output.stderr));
        let expected = if exits == Some(0) { "freeze: done for user-1" } else { "nothing was done" };
        assert!(said.contains(expected), "{said}");
    }
    let view = &desk.json(&["view", "user-1"])[0];
    assert!(view["view"]["frozen_at"].is_u64(), "{view}");
    let frozen = view["history"].as_array().unwrap().last().unwrap();
    assert_eq!((&frozen["operator"]["name"], &frozen["operator"]["reason"]), (&"Sato".into(), &"ticket 4711".into()));
    let refused = desk.service().verify(&id("user-1"), Attempt::new(Purpose::LOGIN, &code(1))).await;
    assert!(matches!(refused, Err(NotAccepted::Rejected(Rejection::Frozen))));
    desk.says(&act(&["thaw"]));
    assert!(desk.fails(&act(&["thaw"])).contains("not frozen"));
    desk.says(&act(&["hold", "--purposes", "withdrawal", "--hours", "5"]));
    assert!(desk.fails(&act(&["hold", "--purposes", "binding", "--hours", "5"])).contains("never held"));
    // A pass goes where it was asked to go.
    assert!(desk.fails(&act(&["unlock"])).contains("--pass-file"));
    desk.says(&act(&["unlock", "--pass-file", "pass"]));
    assert!(is_for_its_owner_only(&desk.path("pass")));
    // After a backup was restored the record is treated with care first: this pass stays good.
    let restored_at = (now().as_secs() + 5).to_string();
    let restored = ["--print-pass", "--restored-at", &restored_at];
    desk.says(&["unlock", "user-1", by[0], by[1], by[2], by[3], restored[0], restored[1], restored[2]]);
    let view = &desk.json(&["view", "user-1"])[0];
    let kinds: Vec<_> = view["history"].as_array().unwrap().iter().map(|event| &event["kind"]).collect();
    assert!(view["history"].to_string().contains("restored") && view["view"]["passes"] == 1, "{kinds:?}");
    // One that has nowhere to go is not made: nothing is done.
    let before = desk.json(&["view", "user-1"])[0].clone();
    assert!(desk.fails(&act(&["reset", "--pass-file", "pass", "--yes"])).contains("nothing was done"));
    assert_eq!(desk.json(&["view", "user-1"])[0], before);
    let printed = desk.json(&act(&["reset", "--print-pass", "--yes"]));
    let pass = printed[0]["pass"].as_str().unwrap().to_owned();
    let new = NewAuthenticator::new("Example", "alice").unwrap();
    drop(desk.service().enroll_with_pass(&id("user-1"), &pass, None, new).await.unwrap());
    // It is there, so it is not lost; then it is.
    assert!(
        desk.fails(&act(&["rebuild", "--loss", "missing", "--print-pass", "--yes"])).contains("not lost in this way")
    );
    assert!(desk.fails(&act(&["rebuild", "--loss", "missing", "--pass-file", "other", "--yes"])).contains("not lost"));
    assert!(!desk.path("other").exists(), "no file is left of what was not done");
    assert!(desk.fails(&["view", "user-2"]).contains("no record of this account"));
    let rebuild = ["rebuild", "user-2", "--loss", "missing", "--print-pass", "--yes"];
    desk.says(&[&rebuild[..], &by].concat());
    assert_eq!(desk.json(&["check"])[0]["accounts"], 2);
    // The owner is told by the service, which the tool has left it to.
    let owed = desk.service().deliver_events(&id("user-1")).await.unwrap();
    assert!(owed > 0, "{owed}");
    assert!(desk.json(&["policy"])[0]["chance_in_a_year"].as_f64().unwrap() < 0.01);
}

#[tokio::test]
async fn what_is_exported_is_for_its_owner_only_and_imports_elsewhere() {
    let desk = Desk::new();
    let text: String = (0..20).map(|number| line(number) + "\n").collect();
    let file = desk.write("users.jsonl", &text);
    desk.says(&["import", &file]);
    let by = ["--operator", "Sato", "--reason", "moves"];
    assert!(desk.fails(&[&["export", "out.jsonl", "--yes"][..], &by].concat()).contains("--with-secrets"));
    let export = [&["export", "out.jsonl", "--with-secrets", "--yes"][..], &by].concat();
    desk.says(&export);
    assert!(is_for_its_owner_only(&desk.path("out.jsonl")));
    assert!(desk.fails(&export).contains("exists"), "nothing is written over");
    let other = Desk::new();
    std::fs::copy(desk.path("out.jsonl"), other.path("in.jsonl")).unwrap();
    assert_eq!(other.json(&["import", "in.jsonl"]).last().unwrap()["imported"], 20);
    drop(other.service().verify(&id("user-3"), Attempt::new(Purpose::LOGIN, &code(3))).await.unwrap());
    assert!(desk.json(&["view", "user-3"])[0]["history"].to_string().contains("exported"));
    // And as URIs, which an app reads.
    desk.says(&[&["export", "out.txt", "--with-secrets", "--uris-of", "Example", "--yes"][..], &by].concat());
    let uris = std::fs::read_to_string(desk.path("out.txt")).unwrap();
    assert_eq!(uris.lines().count(), 20);
    let uri = OtpauthUri::parse(uris.lines().find(|uri| uri.contains("user-3?")).unwrap()).unwrap();
    assert_eq!((uri.issuer(), uri.secret().expose()), (Some("Example"), secret(3).expose()));
    // As they are, under the same keys, to another store; then under a new key.
    let copied = desk.json(&["copy", "--to", "redb:copy.redb", "--yes"]);
    assert_eq!(copied[0]["records"], 20);
    let keys = std::fs::read_to_string(desk.path("keys")).unwrap();
    desk.write("keys", &format!("2:{}\n{keys}", "5e".repeat(16) + &"a7".repeat(16)));
    assert_eq!(desk.json(&["reseal"])[0]["resealed"], 20);
    assert_eq!(desk.json(&["reseal"])[0]["resealed"], 0);
}

#[test]
fn what_is_wrong_is_said_with_what_to_do() {
    let desk = Desk::new();
    assert!(desk.says(&["init"]).contains("the key is there already"), "it is never made again");
    let file = desk.write("users.jsonl", &line(1));
    desk.says(&["import", &file]);
    let wrong = |store: &str, keys: &str| {
        let output = Command::new(TOOL)
            .args(["check", "--store", store, "--keys", keys])
            .current_dir(desk.folder.path())
            .env_remove("SEKISHO_KEYS")
            .output()
            .unwrap();
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    };
    assert!(wrong("file:accounts", "keys").contains("a store is redb:FILE"));
    assert!(wrong("redb:accounts.redb", "nowhere").contains("nowhere"));
    desk.write("other", &format!("2:{}", "5e".repeat(16) + &"a7".repeat(16)));
    let said = wrong("redb:accounts.redb", "other");
    assert!(said.contains("key"), "{said}");
    assert!(desk.fails(&["import", "nowhere.jsonl"]).contains("No such file"));
    // A folder, a file without line ends, and one that is no text: each ends, and says so.
    for (name, bytes) in [("folder", None), ("long", Some(vec![b'x'; 1 << 20])), ("binary", Some(vec![0xff; 100]))] {
        match bytes {
            Some(bytes) => std::fs::write(desk.path(name), bytes).unwrap(),
            None => std::fs::create_dir(desk.path(name)).unwrap(),
        }
        let output = desk.runs(&["import", name]);
        let said = String::from_utf8(output.stdout).unwrap();
        assert!(said.starts_with("line 1: ") && said.contains("0 imported"), "{name}: {said}");
    }
    assert!(wrong("redb:mistyped.redb", "keys").contains("`sekisho init` makes it"));
    assert!(!desk.path("mistyped.redb").exists());
    let json = desk.json(&["view", "nobody"]);
    assert!(json[0]["error"].as_str().unwrap().contains("no record of this account"));
}

#[test]
fn an_import_that_is_killed_goes_on_when_it_is_started_again() {
    let desk = Desk::new();
    let count = 30_000;
    let text: String = (0..count).map(|number| line(number) + "\n").collect();
    let file = desk.write("users.jsonl", &text);
    let mut child = desk.command(&["import", &file, "--json"]).stdout(std::process::Stdio::null()).spawn().unwrap();
    // Half way, by the size of the store's file.
    loop {
        let size = std::fs::metadata(desk.path("accounts.redb")).map_or(0, |file| file.len());
        if size > 8 << 20 || child.try_wait().unwrap().is_some() {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let again = desk.json(&["import", &file]);
    let last = again.last().unwrap();
    let (imported, here) = (last["imported"].as_u64().unwrap(), last["here_already"].as_u64().unwrap());
    assert_eq!((imported + here, last["not_taken"].as_u64()), (count.into(), Some(0)));
    println!("{here} were there when it was killed");
    assert!(here > 0 && imported > 0, "{last}");
    assert_eq!(desk.json(&["check"])[0]["accounts"], count, "all there, none twice");
}
