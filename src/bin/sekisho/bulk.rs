//! Accounts by the hundred thousand.

use crate::options::{Export, Import, Options};
use crate::out::{Failed, Out, confirm};
use crate::stores::{AnyStore, open, shown};
use futures_util::StreamExt;
use sekisho::account::Operator;
use sekisho::otp::{OtpauthUri, Secret, Totp};
use sekisho::store;
use sekisho::transfer::{Reader, write_line, write_uris};
use sekisho::verifier::{Imported, Resealed};
use serde_json::json;
use std::fs::{File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, ErrorKind, Read, Write};
use std::process::ExitCode;
use zeroize::Zeroizing;

/// The exit code of an import that did not take some lines.
const SOME_NOT_TAKEN: u8 = 3;

/// The longest line, in bytes: what a reader takes.
const MAX_LINE: usize = 64 << 10;

#[derive(Default)]
struct Counts {
    imported: u64,
    here_already: u64,
    not_taken: u64,
}

/// A line, or why the file cannot be read on.
type ReadLine = (u64, std::io::Result<Zeroizing<String>>);

pub(crate) async fn import(options: &Options, asked: &Import, out: Out) -> Result<ExitCode, Failed> {
    let file = File::open(&asked.file)?;
    // Nothing is written, so nothing is opened.
    let opened = if asked.dry_run { None } else { Some(open(options).await?) };
    let verifier = opened.as_ref().map(|(_, verifier)| verifier);
    let bar = out.progress(file.metadata()?.len());
    let reader = Reader::new();
    let reader = if asked.accept_legacy_secrets { reader.accepting_legacy_secrets() } else { reader };
    let lines = lines(BufReader::new(file)).inspect(|(_, line)| {
        let read = line.as_ref().map_or(0, |line| line.len() as u64);
        bar.inc(read.saturating_add(1));
    });
    let filled = lines.filter(|(_, line)| !line.as_ref().is_ok_and(|line| line.trim().is_empty()));
    let answers = futures_util::stream::iter(filled).map(|(number, line)| async move {
        let answer = match line {
            Err(error) => Err(Failed::from(error)),
            Ok(line) => match (reader.line(&line), verifier) {
                (Err(error), _) => Err(error.into()),
                (Ok(_), None) => Ok(Imported::Done),
                (Ok((account, portable)), Some(verifier)) => {
                    verifier.import(&account, &portable).await.map_err(Failed::from)
                }
            },
        };
        (number, answer)
    });
    let mut answers = std::pin::pin!(answers.buffer_unordered(asked.at_once.into()));
    let mut counts = Counts::default();
    while let Some((number, answer)) = answers.next().await {
        let count = match answer {
            Ok(Imported::Done) => &mut counts.imported,
            Ok(Imported::LivesHere) => &mut counts.here_already,
            Err(error) => {
                // A failure that passes by itself ends the run: the same command goes on from there.
                if error.downcast_ref::<sekisho::Error>().is_some_and(is_of_the_store) {
                    return Err(error);
                }
                bar.suspend(|| {
                    out.say(&format!("line {number}: {error}"), &json!({ "line": number, "error": error.to_string() }));
                });
                &mut counts.not_taken
            }
        };
        *count = count.saturating_add(1);
        bar.set_message(format!("{} imported", counts.imported));
    }
    bar.finish_and_clear();
    let Counts { imported, here_already, not_taken } = counts;
    let verb = if asked.dry_run { "can be read" } else { "imported" };
    let text = format!("{imported} {verb}, {here_already} were here already, {not_taken} not taken");
    out.say(&text, &json!({ "imported": imported, "here_already": here_already, "not_taken": not_taken, "dry_run": asked.dry_run }));
    Ok(if not_taken == 0 { ExitCode::SUCCESS } else { ExitCode::from(SOME_NOT_TAKEN) })
}

/// Returns whether the error would hit every account, so that the run has to stop.
const fn is_of_the_store(error: &sekisho::Error) -> bool {
    !matches!(error, sekisho::Error::Import(_) | sekisho::Error::Account(_))
}

/// The lines of a file with their numbers, each in a buffer that is wiped. One that is too long, or
/// no text, is an error by itself; a file that cannot be read ends with it.
fn lines(mut file: impl BufRead) -> impl Iterator<Item = ReadLine> {
    let (mut number, mut is_over) = (0_u64, false);
    std::iter::from_fn(move || {
        number = number.saturating_add(1);
        if is_over {
            return None;
        }
        match read_line(&mut file) {
            Ok(line) => line.map(|line| (number, Ok(line))),
            Err(error) => {
                is_over = error.kind() != ErrorKind::InvalidData;
                Some((number, Err(error)))
            }
        }
    })
}

fn read_line(file: &mut impl BufRead) -> std::io::Result<Option<Zeroizing<String>>> {
    // Large enough never to grow, which would leave copies unwiped.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LINE.saturating_add(2)));
    let read = file.take((MAX_LINE as u64).saturating_add(1)).read_until(b'\n', &mut bytes)?;
    if read == 0 {
        return Ok(None);
    }
    if read > MAX_LINE {
        skip_line(file)?;
        return Err(ErrorKind::InvalidData.into());
    }
    let text = str::from_utf8(&bytes).map_err(|_| ErrorKind::InvalidData)?;
    let mut line = Zeroizing::new(String::with_capacity(text.len()));
    line.push_str(text);
    Ok(Some(line))
}

fn skip_line(file: &mut impl BufRead) -> std::io::Result<()> {
    loop {
        let buffer = file.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let (read, is_end) = (end.map_or(buffer.len(), |at| at.saturating_add(1)), end.is_some() || buffer.is_empty());
        file.consume(read);
        if is_end {
            return Ok(());
        }
    }
}

fn not_done(out: Out, account: &str, error: &sekisho::Error) {
    not_written(out, account, &error.to_string());
}

fn not_written(out: Out, account: &str, error: &str) {
    out.say(&format!("{account}: {error}"), &json!({ "account": account, "error": error }));
}

pub(crate) async fn export(options: &Options, asked: &Export, out: Out) -> Result<(), Failed> {
    let operator = Operator::new(&asked.by.operator, &asked.by.reason)?;
    let question = format!("All secrets of all accounts go into {}, and every owner is told.", asked.file.display());
    confirm(options.yes, &question)?;
    let (store, verifier) = open(options).await?;
    let mut new = OpenOptions::new();
    new.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
    let mut file = BufWriter::new(new.open(&asked.file)?);
    let accounts = store.accounts().await?;
    let bar = out.progress(accounts.len() as u64);
    let support = verifier.support(operator);
    let (mut exported, mut left_out) = (0_u64, 0_u64);
    for account in &accounts {
        // Before its secrets are taken out, and its owner is told.
        if let Some(issuer) = &asked.uris_of
            && let Err(error) = OtpauthUri::new(issuer, &shown(account), Secret::new(&[0; 20])?, Totp::DEFAULT)
        {
            bar.suspend(|| not_written(out, &shown(account), &error.to_string()));
            left_out = left_out.saturating_add(1);
            bar.inc(1);
            continue;
        }
        match support.export_with_secrets(account).await {
            Ok(portable) => {
                match &asked.uris_of {
                    None => writeln!(file, "{}", write_line(account, &portable).expose())?,
                    Some(issuer) => {
                        let text = write_uris(issuer, &shown(account), &portable)?;
                        file.write_all(text.expose().as_bytes())?;
                    }
                }
                exported = exported.saturating_add(1);
            }
            // One that does not open stops no other.
            Err(error) => {
                bar.suspend(|| not_done(out, &shown(account), &error));
                left_out = left_out.saturating_add(1);
            }
        }
        bar.inc(1);
    }
    file.into_inner().map_err(std::io::IntoInnerError::into_error)?.sync_all()?;
    bar.finish_and_clear();
    let text = format!("{exported} accounts exported, {left_out} left out");
    out.say(&text, &json!({ "exported": exported, "left_out": left_out }));
    if left_out == 0 { Ok(()) } else { Err("some accounts were left out: see to their records".into()) }
}

pub(crate) async fn copy(options: &Options, to: &str, out: Out) -> Result<(), Failed> {
    confirm(options.yes, "Is every verifier of the old store stopped?")?;
    let (from, to) = (AnyStore::open(&options.store).await?, AnyStore::open(to).await?);
    to.create().await?;
    let copied = store::copy(&from.boxed(), &to.boxed(), from.accounts().await?).await?;
    let different: Vec<_> = copied.different.iter().map(shown).collect();
    let text =
        format!("{} records are there as they are here, {} are different there", copied.records, different.len());
    out.say(&text, &json!({ "records": copied.records, "different": different }));
    if different.is_empty() {
        Ok(())
    } else {
        Err("records of the other store were left as they are: see to them".into())
    }
}

pub(crate) async fn reseal(options: &Options, out: Out) -> Result<(), Failed> {
    let (store, verifier) = open(options).await?;
    let accounts = store.accounts().await?;
    let bar = out.progress(accounts.len() as u64);
    let mut resealed = 0_u64;
    let mut left = 0_u64;
    for account in &accounts {
        match verifier.reseal(account).await {
            Ok(Resealed::Done) => resealed = resealed.saturating_add(1),
            Ok(_) => {}
            Err(error) => {
                bar.suspend(|| not_done(out, &shown(account), &error));
                left = left.saturating_add(1);
            }
        }
        bar.inc(1);
    }
    bar.finish_and_clear();
    let text = format!("{resealed} of {} records were sealed anew, {left} are as they were", accounts.len());
    out.say(&text, &json!({ "resealed": resealed, "left": left, "accounts": accounts.len() }));
    if left == 0 { Ok(()) } else { Err("keep the older keys: some records are still under them".into()) }
}
