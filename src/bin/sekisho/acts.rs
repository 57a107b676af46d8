//! Acts on single accounts.

use crate::options::{Act, By, Loss, On, Options, WithPass};
use crate::out::{Failed, Out, confirm};
use crate::stores::{account, open, shown};
use sekisho::account::{AccountId, DeviceToken, Operator, Purpose, Text};
use sekisho::seal::RecordLoss;
use serde_json::{Value, json};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

pub(crate) async fn view(options: &Options, id: &str, out: Out) -> Result<(), Failed> {
    let (_store, verifier) = open(options).await?;
    let account = account(id)?;
    let (view, history) = (verifier.view(&account).await?, verifier.history(&account).await?);
    let value = json!({ "account": shown(&account), "view": view, "history": history });
    // The view's own form has every field by its name.
    let text = format!("{}\n{}", shown(&account), serde_json::to_string_pretty(&value)?);
    out.say(&text, &value);
    Ok(())
}

fn operator(by: &By) -> Result<Operator, Failed> {
    Ok(Operator::new(&by.operator, &by.reason)?)
}

pub(crate) async fn act(options: &Options, act: &Act, out: Out) -> Result<(), Failed> {
    let (on, name, harm) = match act {
        Act::Unlock(pass) => (&pass.on, "unlock", None),
        Act::Freeze(on) => (on, "freeze", Some("Everything of the account stops, and all of its sessions end.")),
        Act::Thaw(on) => (on, "thaw", None),
        Act::Reset(pass) => {
            (&pass.on, "reset", Some("All authenticators, recovery codes and known browsers of the account go."))
        }
        Act::Rebuild { pass, .. } => (&pass.on, "rebuild", Some("A record is made in the place of the lost one.")),
        Act::Hold { on, .. } => (on, "hold", None),
    };
    let (id, by) = (account(&on.account)?, operator(&on.by)?);
    if let Some(harm) = harm {
        confirm(options.yes, &format!("{name} {}: {harm}", shown(&id)))?;
    }
    let (_store, verifier) = open(options).await?;
    let support = verifier.support(by);
    // The place of a pass is made before the act: one whose pass has nowhere to go is not done.
    match act {
        Act::Unlock(pass) => {
            let place = Place::make(pass)?;
            place.take(support.unlock(&id).await, out, name, &id)
        }
        Act::Reset(pass) => {
            let place = Place::make(pass)?;
            place.take(support.reset(&id).await, out, name, &id)
        }
        Act::Rebuild { pass, loss } => {
            let found = verifier.view(&id).await.err().and_then(|error| error.record_loss());
            let is_as_said = match loss {
                Loss::Missing => matches!(found, Some(RecordLoss::Missing)),
                Loss::Damaged => matches!(found, Some(RecordLoss::Damaged)),
                Loss::KeyLost => matches!(found, Some(RecordLoss::LostKey(_))),
            };
            let loss = found.filter(|_| is_as_said).ok_or("the record is not lost in this way: see `sekisho view`")?;
            let place = Place::make(pass)?;
            place.take(support.rebuild(&id, loss).await, out, name, &id)
        }
        Act::Freeze(On { .. }) => {
            support.freeze(&id).await?;
            done(out, name, &id, json!({}))
        }
        Act::Thaw(_) => {
            support.thaw(&id).await?;
            done(out, name, &id, json!({}))
        }
        Act::Hold { purposes, hours, on } => {
            let purposes = purposes.iter().map(|purpose| Purpose::new(purpose)).collect::<Result<Vec<_>, _>>()?;
            let reason = Text::new(&format!("{}: {}", on.by.operator, on.by.reason))?;
            verifier.hold(&id, &purposes, hours.saturating_mul(3_600), &reason).await?;
            done(out, name, &id, json!({ "hours": hours }))
        }
    }
}

#[allow(clippy::unnecessary_wraps)] // as the other acts
fn done(out: Out, name: &str, account: &AccountId, more: Value) -> Result<(), Failed> {
    let mut value = json!({ "done": name, "account": shown(account) });
    if let (Some(value), Value::Object(more)) = (value.as_object_mut(), more) {
        value.extend(more);
    }
    out.say(&format!("{name}: done for {}; its owner is told by the service", shown(account)), &value);
    Ok(())
}

/// The place that a pass goes to.
enum Place {
    /// It was asked to be printed.
    Stdout,
    /// A new file, which only its owner can read.
    File(File, PathBuf),
}

impl Place {
    fn make(asked: &WithPass) -> Result<Self, Failed> {
        let Some(path) = &asked.pass_file else { return Ok(Self::Stdout) };
        let mut new = OpenOptions::new();
        new.write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut new, 0o600);
        let file = new.open(path).map_err(|error| format!("{}: {error}: nothing was done", path.display()))?;
        Ok(Self::File(file, path.clone()))
    }

    /// Takes the pass of an act, if that was done.
    fn take(
        self,
        acted: Result<DeviceToken, sekisho::Error>,
        out: Out,
        name: &str,
        account: &AccountId,
    ) -> Result<(), Failed> {
        let pass = match (acted, &self) {
            (Ok(pass), _) => pass.to_text(),
            (Err(error), Self::Stdout) => return Err(error.into()),
            (Err(error), Self::File(_, path)) => {
                std::fs::remove_file(path)?;
                return Err(error.into());
            }
        };
        let lost = |error| format!("{name} was done, and its pass is lost ({error}): reset the account for another");
        match self {
            Self::Stdout => {
                out.print(&format!("the pass: {}", pass.expose()), &json!({ "pass": pass.expose() })).map_err(lost)?;
                done(out, name, account, json!({}))
            }
            Self::File(mut file, path) => {
                writeln!(file, "{}", pass.expose()).and_then(|()| file.sync_all()).map_err(lost)?;
                done(out, name, account, json!({ "pass_file": path }))
            }
        }
    }
}
