//! Completeness is the compiler's: each table matches every kind. Here each sentence is read.

use super::Language;
use crate::otp::Advice;
use alloc::string::ToString;
use alloc::vec::Vec;

/// The texts of the tables, as they stand in the source.
fn sentences() -> Vec<&'static str> {
    let tables = [
        include_str!("advice.rs"),
        include_str!("reasons.rs"),
        include_str!("account_errors.rs"),
        include_str!("events.rs"),
    ];
    let code = tables.iter().flat_map(|table| table.lines()).filter(|line| !line.trim_start().starts_with("//"));
    code.flat_map(|line| line.split('"').skip(1).step_by(2)).collect()
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| ('\u{3040}'..='\u{30ff}').contains(&c))
}

#[test]
fn every_text_is_a_whole_sentence_in_one_language() {
    let all = sentences();
    assert!(all.len() > 150, "{} texts", all.len());
    for text in all {
        if is_japanese(text) {
            assert!(text.ends_with('。'), "{text}");
            assert!(!text.contains(". ") && !text.contains('、') || !text.ends_with('.'), "{text}");
            assert!(!text.contains("認証手段") && !text.contains("仮パスコード"), "an old word: {text}");
        } else {
            assert!(text.is_ascii() && text.ends_with('.'), "{text}");
            assert!(text.starts_with(|c: char| c.is_ascii_uppercase()) && !text.contains("  "), "{text}");
        }
    }
}

#[test]
fn each_language_is_given_what_is_asked_for() {
    for advice in [Advice::WaitForTheLock, Advice::ContactSupport, Advice::CheckTheEntry] {
        assert!(is_japanese(advice.text(Language::Japanese)));
        assert_eq!(advice.text(Language::English), advice.to_string());
    }
}
