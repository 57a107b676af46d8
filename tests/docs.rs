//! The README and the pages beside it: short, and no link leads nowhere.

use std::path::{Path, PathBuf};
use std::process::Command;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// All pages.
fn pages() -> Vec<PathBuf> {
    let docs = std::fs::read_dir(root().join("docs")).unwrap().map(|entry| entry.unwrap().path());
    let beside = [
        "README.md",
        "SECURITY.md",
        "ARCHITECTURE.md",
        "CHANGELOG.md",
        "CONTRIBUTING.md",
        "RELEASING.md",
        "examples/README.md",
        "examples/exchange/README.md",
    ];
    let is_page = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "md");
    docs.filter(is_page).chain(beside.iter().map(|name| root().join(name))).collect()
}

/// The targets of a page's links.
fn links(text: &str) -> Vec<String> {
    let targets = text.split("](").skip(1);
    targets.filter_map(|rest| rest.split_once(')')).map(|(target, _)| target.to_owned()).collect()
}

/// A heading as its anchor: lower case, hyphens for blanks, nothing else.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().to_lowercase();
    let kept = kept.chars().filter(|character| character.is_alphanumeric() || matches!(character, ' ' | '-' | '_'));
    kept.map(|character| if character == ' ' { '-' } else { character }).collect()
}

#[test]
fn every_link_leads_to_a_file_and_to_a_heading_of_it() {
    let mut followed = 0;
    for page in pages() {
        let text = std::fs::read_to_string(&page).unwrap();
        for link in links(&text).iter().filter(|link| !link.starts_with("http")) {
            let (file, heading) = link.split_once('#').map_or((&**link, None), |(file, heading)| (file, Some(heading)));
            let target = if file.is_empty() { page.clone() } else { page.parent().unwrap().join(file) };
            assert!(target.exists(), "{}: {link}", page.display());
            if let Some(heading) = heading {
                let text = std::fs::read_to_string(&target).unwrap();
                let mut anchors =
                    text.lines().filter(|line| line.starts_with('#')).map(|line| anchor(line.trim_start_matches('#')));
                assert!(anchors.any(|own| own == heading), "{}: {link}", page.display());
            }
            followed += 1;
        }
    }
    assert!(followed > 30, "{followed}");
}

#[test]
fn the_package_has_what_its_readme_links_to() {
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(["package", "--list", "--allow-dirty", "--offline"]).current_dir(root()).output().unwrap();
    let listed = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = std::fs::read_to_string(root().join("README.md")).unwrap();
    // The example exchange is a package of its own.
    let is_here = |link: &&String| !link.starts_with("http") && !link.starts_with("examples/exchange/");
    for link in links(&text).iter().filter(is_here) {
        let file = link.split('#').next().unwrap_or_default();
        assert!(listed.lines().any(|own| own == file), "{link} is not in `include` of Cargo.toml");
    }
}

#[test]
fn the_readme_has_at_most_1200_words() {
    let words = std::fs::read_to_string(root().join("README.md")).unwrap().split_whitespace().count();
    assert!(words <= 1_200, "{words}: move what is not for a first reading to docs/");
}

#[test]
fn no_comment_has_more_than_100_columns() {
    let mut folders: Vec<PathBuf> =
        ["src", "tests", "examples", "benches", "fuzz/src"].iter().map(|folder| root().join(folder)).collect();
    let mut long = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let text = std::fs::read_to_string(&path).unwrap();
                long.extend(long_comments(&text).map(|line| format!("{}: {line}", path.display())));
            }
        }
    }
    assert!(long.is_empty(), "{} comments are too long:\n{}", long.len(), long.join("\n"));
}

fn long_comments(text: &str) -> impl Iterator<Item = &str> {
    text.lines().map(str::trim_start).filter(|line| {
        line.strip_prefix("//").is_some_and(|said| said.trim_start_matches(['/', '!']).chars().count() > 100)
    })
}
