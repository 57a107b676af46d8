//! `RedbStore` where the disk or the file system is not as one wishes: full, without hard links,
//! and several processes that make one file at the same time.
#![cfg(feature = "redb")]

use crate::servers::records::{account, write};
use sekisho::store::{RedbStore, Store, StoreError, Swap};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

/// A process of this program that does what the test of that name says, in `folder`.
fn child(what: &str, folder: &Path, by: &[&str]) -> Child {
    let own = std::env::current_exe().unwrap();
    let mut command = match by.split_first() {
        Some((program, arguments)) => {
            let mut command = Command::new(program);
            command.args(arguments).arg(own);
            command
        }
        None => Command::new(own),
    };
    command.args(["--exact", &format!("disk::{what}"), "--nocapture"]).env("SEKISHO_FOLDER", folder);
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap()
}

/// The folder, in such a process.
fn folder() -> Option<std::path::PathBuf> {
    std::env::var_os("SEKISHO_FOLDER").map(Into::into)
}

/// Ends it, and gives what it has said. It has to end well.
fn ended(mut child: Child) -> String {
    drop(child.stdin.take());
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{said}");
    said
}

/// Opens the file, says how that went, and keeps it open until it is told to end. Nothing when run
/// by itself.
#[test]
fn opens_a_new_file() {
    let Some(folder) = folder() else { return };
    let opened = RedbStore::open(folder.join("records"));
    match &opened {
        Ok(_) => println!("opened by process {}", std::process::id()),
        Err(error) => println!("refused: {error}"),
    }
    let _ = std::io::stdin().read_to_end(&mut Vec::new());
}

/// Starts six of them at once; one opens the file, the others are told why not.
fn one_of_six_opens_it(by: &[&str]) {
    let folder = tempfile::tempdir().unwrap();
    let mut children: Vec<_> = (0..6).map(|_| child("opens_a_new_file", folder.path(), by)).collect();
    let mut answers = Vec::new();
    for child in &mut children {
        let lines = BufReader::new(child.stdout.as_mut().unwrap()).lines().map_while(Result::ok);
        answers.extend(lines.into_iter().find(|line| line.contains("opened by") || line.contains("refused:")));
    }
    let opened = answers.iter().filter(|answer| answer.contains("opened by")).count();
    let refused = answers.iter().filter(|answer| answer.contains("is open already")).count();
    assert_eq!((opened, refused), (1, 5), "{answers:#?}");
    for child in children {
        let _ = ended(child);
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["records"]);
}

#[test]
fn of_several_processes_on_one_new_file_one_opens_it() {
    one_of_six_opens_it(&[]);
}

/// As in containers, each of which has processes of its own, where that can be done.
#[test]
fn of_several_containers_on_one_new_file_one_opens_it() {
    let container = ["unshare", "--map-root-user", "--fork", "--pid", "--kill-child"];
    let can = Command::new("unshare").args(&container[1..]).arg("true").status().is_ok_and(|status| status.success());
    one_of_six_opens_it(if can { &container } else { &[] });
}

/// A library that has every call for a hard link fail, as file systems without them do.
fn without_hard_links(folder: &Path) -> String {
    let (source, library) = (folder.join("links.c"), folder.join("links.so"));
    let calls = "#include <errno.h>\n\
        int link(const char *a, const char *b) { errno = EPERM; return -1; }\n\
        int linkat(int a, const char *b, int c, const char *d, int e) { errno = EPERM; return -1; }\n";
    std::fs::write(&source, calls).unwrap();
    let made = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&library).arg(&source).status();
    assert!(made.expect("cc; `bash tests/run.sh` installs it").success());
    format!("LD_PRELOAD={}", library.display())
}

/// Makes a file and fills it, and finds out that there are no hard links. Nothing when run by
/// itself.
#[tokio::test]
async fn works_without_hard_links() {
    let Some(folder) = folder() else { return };
    let path = folder.join("records");
    let store = RedbStore::open(&path).unwrap();
    assert_eq!(store.swap(&account("alice"), &write(None, 1)).await.unwrap(), Swap::Done);
    drop(store);
    assert!(std::fs::hard_link(&path, folder.join("linked")).is_err());
    assert_eq!(RedbStore::open(&path).unwrap().load(&account("alice")).await.unwrap(), Some(write(None, 1).new));
}

#[test]
fn a_file_system_without_hard_links_will_do() {
    let library = tempfile::tempdir().unwrap();
    let preloaded = without_hard_links(library.path());
    let folder = tempfile::tempdir().unwrap();
    ended(child("works_without_hard_links", folder.path(), &["env", &preloaded]));
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["records"]);
    one_of_six_opens_it(&["env", &preloaded]);
}

/// The largest file that this process may write from now on.
fn limit(bytes: &str) {
    let own = std::process::id().to_string();
    let set = Command::new("prlimit").args(["--pid", &own, &format!("--fsize={bytes}:")]).status();
    assert!(set.expect("prlimit").success());
}

/// Fills the disk, makes room again, and goes on. Nothing when run by itself.
#[tokio::test]
async fn fills_the_disk() {
    let Some(folder) = folder() else { return };
    let path = folder.join("records");
    let store = RedbStore::open(&path).unwrap();
    let mut answered = Vec::new();
    let mut full = None;
    for number in 0..20_000 {
        if number == 20 {
            // Hardly more than the file has by now.
            limit(&(std::fs::metadata(&path).unwrap().len() + 10_000).to_string());
        }
        let name = account(&format!("account {number}"));
        match store.swap(&name, &write(None, 1)).await {
            Ok(swap) => answered.push((name, swap)),
            Err(error) => {
                full = Some(error);
                break;
            }
        }
    }
    let full = full.expect("the disk is full");
    assert!(matches!(full, StoreError::Failed { .. }) && !full.is_transient(), "{full:?}");
    assert!(std::error::Error::source(&full).is_some(), "the operating system's own words");
    assert!(answered.len() > 20 && answered.iter().all(|(_, swap)| *swap == Swap::Done));
    limit("unlimited");
    // There is room again: it does not go on as if nothing had been, and says what to do.
    let (first, _) = &answered[0];
    for error in [
        store.swap(&account("bob"), &write(None, 1)).await.unwrap_err(),
        store.swap(first, &write(Some(1), 2)).await.unwrap_err(),
    ] {
        assert!(matches!(error, StoreError::Stopped) && !error.is_transient(), "{error:?}");
        assert!(error.to_string().contains("open it again"), "{error}");
    }
    match store.load(first).await {
        Ok(found) => assert_eq!(found, Some(write(None, 1).new)),
        Err(error) => assert!(matches!(error, StoreError::Stopped), "{error:?}"),
    }
    drop(store);
    let store = RedbStore::open(&path).unwrap();
    for (name, _) in &answered {
        assert_eq!(store.load(name).await.unwrap(), Some(write(None, 1).new), "{name:?} was answered");
    }
    assert_eq!(store.swap(&account("bob"), &write(None, 1)).await.unwrap(), Swap::Done);
    assert_eq!(store.swap(first, &write(Some(1), 2)).await.unwrap(), Swap::Done);
    println!("{} were answered before the disk was full", answered.len());
}

#[test]
fn a_full_disk_is_a_permanent_error_and_opened_again_with_room_nothing_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let said = ended(child("fills_the_disk", folder.path(), &["env", "--ignore-signal=XFSZ"]));
    println!("{said}");
    assert!(said.contains("were answered before the disk was full"), "{said}");
}
