//! The answers of the tool: to people, or to programs.

use serde_json::{Value, json};
use std::error::Error;
use std::io::{BufRead, IsTerminal, Write};

/// The reason why the tool ends.
pub(crate) type Failed = Box<dyn Error + Send + Sync>;

/// The place that answers go to.
#[derive(Clone, Copy)]
pub(crate) struct Out {
    is_json: bool,
}

impl Out {
    pub(crate) const fn new(is_json: bool) -> Self {
        Self { is_json }
    }

    /// An answer, in both forms.
    pub(crate) fn say(self, text: &str, value: &Value) {
        // A reader who has closed the pipe wants no more.
        let _ = self.print(text, value);
    }

    /// As `say`, but reports a failure to write.
    pub(crate) fn print(self, text: &str, value: &Value) -> std::io::Result<()> {
        let mut stdout = std::io::stdout().lock();
        if self.is_json {
            writeln!(stdout, "{value}")?;
        } else {
            writeln!(stdout, "{text}")?;
        }
        stdout.flush()
    }

    pub(crate) fn failed(self, failed: &Failed) {
        let mut text = failed.to_string();
        let mut source = failed.source();
        while let Some(error) = source {
            text = format!("{text}: {error}");
            source = error.source();
        }
        if self.is_json {
            self.say("", &json!({ "error": text }));
        } else {
            eprintln!("sekisho: {text}");
        }
    }

    /// A bar for so many bytes, on a terminal only.
    pub(crate) fn progress(self, bytes: u64) -> indicatif::ProgressBar {
        if self.is_json || !std::io::stderr().is_terminal() {
            return indicatif::ProgressBar::hidden();
        }
        let bar = indicatif::ProgressBar::new(bytes);
        if let Ok(style) = indicatif::ProgressStyle::with_template("{bar:40} {percent:>3} %  {msg}  {eta} left") {
            bar.set_style(style);
        }
        bar
    }
}

/// Asks before harm is done.
pub(crate) fn confirm(is_agreed: bool, question: &str) -> Result<(), Failed> {
    if is_agreed {
        return Ok(());
    }
    if !std::io::stdin().is_terminal() {
        return Err(format!("{question} Say so by --yes: nobody can be asked here").into());
    }
    eprint!("{question} Type yes: ");
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    if line.trim() == "yes" { Ok(()) } else { Err("nothing was done".into()) }
}
