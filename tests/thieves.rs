//! The haul of a thief within a week: with one phished code, with two, with a cookie, the mailbox,
//! the SIM, the sheet, or an operator's log-in. The table of SECURITY.md is this test's.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{Phone, T, at, new_authenticator, operator};
use crate::service::{DAY, Service, accepted, alice, in_memory, kept_codes, mail, sms};
use sekisho::account::{
    Act, Attempt, AuthenticatorId, CodeRequest, Event, OwnerFreeze, Policy, Proof, Purpose, RecoveryCodes, Resync,
};
use sekisho::store::MemoryStore;

/// The thing that a thief has stolen, beside the password.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Loot {
    OneCode,
    /// The same, which the thief keeps for a change of what is bound.
    OneCodeForAChange,
    TwoCodes,
    Cookie,
    Mailbox,
    Sim,
    Sheet,
    Operator,
}

/// The accounts of a week.
#[derive(Debug, Default, PartialEq, Eq)]
struct Haul {
    /// Withdrawals within the first day.
    at_once: usize,
    /// Withdrawals within the week.
    in_a_week: usize,
    /// Changes of what is bound.
    changes: usize,
}

struct Thief {
    service: Service<MemoryStore>,
    loot: Loot,
    /// Codes that were phished a moment ago.
    codes: Vec<String>,
    cookie: String,
    sheet: Vec<String>,
    pass: Option<String>,
    /// An app that the thief has bound.
    own: Option<Phone>,
    haul: Haul,
}

impl Thief {
    /// An owner with an app, a sheet, a known browser and a phone number; and what the thief has.
    async fn new(loot: Loot) -> Self {
        let (service, _) = in_memory(Policy::default());
        let (phone, sheet): (Phone, RecoveryCodes) = service.enrolled().await;
        let start = T - 20 * DAY;
        let proof = service.log_in(start, &phone.shows(start, 0)).await;
        let cookie = service.verifier.remember_device(&proof, "Firefox".parse().unwrap()).await.unwrap().to_text();
        let proof = service.prove(start + 60, &phone.shows(start + 60, 0)).await;
        let id = service.verifier.enroll(proof, sms("+819012345678")).await.unwrap().authenticator();
        let code = service.message(start + 90, CodeRequest::new(id, Purpose::BINDING)).await;
        drop(service.confirm(start + 90, &code).await);
        service.clock.set(at(T));
        let codes = match loot {
            Loot::OneCode | Loot::OneCodeForAChange => vec![phone.shows(T, 0)],
            // Five minutes old: together they show what the app's clock would be.
            Loot::TwoCodes => vec![phone.shows(T, -10), phone.shows(T, -9)],
            _ => Vec::new(),
        };
        let sheet = sheet.iter().filter(|_| loot == Loot::Sheet).map(str::to_owned).collect();
        let cookie = if loot == Loot::Cookie { cookie.expose().clone() } else { String::new() };
        Self { service, loot, codes, cookie, sheet, pass: None, own: None, haul: Haul::default() }
    }

    fn told(&self) -> Vec<Event> {
        self.service.told().into_iter().filter(|event| event.at >= at(T) && event.notifies_owner()).collect()
    }

    /// The code that the thief types now for a purpose and a context, and whether it is of the
    /// sheet.
    async fn typed(&mut self, secs: u64, purpose: Purpose, context: Option<[u8; 32]>) -> Option<(String, bool)> {
        self.service.clock.set(at(secs));
        if let Some(own) = &self.own {
            return Some((own.shows(secs, 0), false));
        }
        if self.loot == Loot::Sim {
            let request = CodeRequest::new(AuthenticatorId::new(2), purpose);
            let request = context.into_iter().fold(request, |request, context| request.with_context(&context));
            let delivery = self.service.verifier.deliver(&alice(), request).await.ok()?;
            return Some((delivery.code.reveal().to_string(), false));
        }
        let code = self.codes.last().cloned().map(|code| (code, false));
        code.or_else(|| self.sheet.last().cloned().map(|code| (code, true)))
    }

    async fn withdraw(&mut self, secs: u64) {
        let (context, key) = ([9; 32], u128::from(secs).to_be_bytes());
        let Some((code, is_recovery)) = self.typed(secs, Purpose::WITHDRAWAL, Some(context)).await else { return };
        let make = if is_recovery { Act::recovery } else { Act::new };
        let act = make(Purpose::WITHDRAWAL, &context, key, &code).with_device(&self.cookie);
        if self.service.verifier.authorize(&alice(), act).await.is_ok() {
            self.haul.in_a_week += 1;
            self.haul.at_once += usize::from(secs < T + DAY);
        }
    }

    /// Binds an app of the thief's own, by whatever proves enough.
    async fn bind(&mut self, secs: u64) {
        if self.own.is_some() {
            return;
        }
        self.service.clock.set(at(secs));
        let verifier = self.service.verifier.clone();
        let begun = if let Some(pass) = &self.pass {
            verifier.enroll_with_pass(&alice(), pass, None, new_authenticator()).await
        } else {
            let Some((code, is_recovery)) = self.typed(secs, Purpose::BINDING, None).await else { return };
            let make = if is_recovery { Attempt::recovery } else { Attempt::new };
            let attempt = make(Purpose::BINDING, &code).with_device(&self.cookie);
            let Ok(proof) = verifier.verify(&alice(), attempt).await else { return };
            verifier.enroll(proof, new_authenticator()).await
        };
        let Ok(begun) = begun else { return };
        let own = Phone::of(&begun);
        let attempt = Attempt::new(Purpose::BINDING, &own.shows(secs, 0));
        let handle = begun.handle().to_text();
        if let Ok(proof) = verifier.confirm(&alice(), attempt.with_enrollment(handle.expose())).await {
            self.haul.changes += 1;
            self.own = Some(own);
            self.take_sheet(proof).await;
        }
    }

    async fn take_sheet(&mut self, proof: Proof) {
        self.haul.changes += usize::from(kept_codes(&self.service.verifier, proof).await.is_ok());
    }

    /// Everything else that the loot is good for.
    async fn prepare(&mut self) {
        let verifier = self.service.verifier.clone();
        match self.loot {
            Loot::TwoCodes => {
                let resync = Resync::new(&self.codes[0], &self.codes[1]);
                self.haul.changes += usize::from(verifier.resync(&alice(), resync).await.is_ok());
            }
            Loot::Mailbox => {
                self.pass = verifier.mail_pass(&alice(), None).await.ok().map(|pass| pass.to_text().expose().clone());
                let code = self.service.message(T + 60, CodeRequest::confirmation(mail())).await;
                drop(accepted(self.service.submit(T + 60, Attempt::confirmation(&mail(), &code)).await));
            }
            Loot::Operator => {
                let pass = verifier.support(operator("thief", "said he was the owner")).reset(&alice()).await.unwrap();
                self.haul.changes += 1;
                self.pass = Some(pass.to_text().expose().clone());
            }
            _ => {}
        }
    }

    /// A week: the best is tried first, then each hour of the first day, and each day after.
    async fn week(mut self, stops: bool) -> (Self, bool) {
        let mut is_stopped = false;
        if self.loot == Loot::OneCodeForAChange {
            self.bind(T).await;
        } else {
            self.withdraw(T).await;
        }
        self.prepare().await;
        let hours = (0..24).chain((1..7).map(|day| day * 24 + 1));
        for hour in hours {
            let secs = T + 90 + hour * 3_600;
            if stops && !is_stopped && hour >= 2 {
                // The owner reads the mail within two hours, and presses its button.
                if let Some(handle) = self.told().first().and_then(|event| event.freeze_handle.clone()) {
                    self.service.clock.set(at(secs - 60));
                    self.service
                        .verifier
                        .freeze_by_owner(&alice(), OwnerFreeze::by_notice(handle.to_text().expose()))
                        .await
                        .unwrap();
                    is_stopped = true;
                }
            }
            self.bind(secs).await;
            self.withdraw(secs + 60).await;
        }
        (self, is_stopped)
    }
}

#[tokio::test]
async fn what_a_thief_gets_within_a_week_is_told_and_stopped_by_one_act_of_the_owner() {
    let rows = [
        (Loot::OneCode, "one phished code, used to withdraw"),
        (Loot::OneCodeForAChange, "one phished code, used to bind an app"),
        (Loot::TwoCodes, "two phished codes, minutes old"),
        (Loot::Cookie, "the cookie of a known browser"),
        (Loot::Mailbox, "the mailbox"),
        (Loot::Sim, "the SIM of a bound number"),
        (Loot::Sheet, "the sheet of recovery codes"),
        (Loot::Operator, "an operator's log-in"),
    ];
    let mut table = vec![
        "| a thief has the password and | withdrawals on the first day | in a week, if the owner does nothing | changes, all told | after the owner's link |".to_owned(),
        "|---|---|---|---|---|".to_owned(),
    ];
    for (loot, name) in rows {
        let (passive, _) = Thief::new(loot).await.week(false).await;
        // The owner is told of each change that is bound, and of what makes one possible.
        let told = passive.told().len();
        assert!(told >= passive.haul.changes, "{name}: {:?}", passive.haul);
        let (active, is_stopped) = Thief::new(loot).await.week(true).await;
        // Only a code of the owner's own gets a withdrawal at once: the one that it is, or those of
        // the number that the thief has.
        let most = match loot {
            Loot::OneCode => 1,
            Loot::Sim => usize::MAX,
            _ => 0,
        };
        assert!(passive.haul.at_once <= most, "{name}: {:?}", passive.haul);
        assert_eq!(is_stopped, !active.told().is_empty(), "{name}: what is told can be stopped");
        if loot != Loot::Sim {
            assert_eq!(active.haul.in_a_week, passive.haul.at_once, "{name}: nothing after the owner's act");
        }
        let Haul { at_once, in_a_week, changes } = passive.haul;
        let after = active.haul.in_a_week - active.haul.at_once;
        table.push(format!("| {name} | {at_once} | {in_a_week} | {changes} | {after} |"));
    }
    let table = table.join("\n");
    println!("{table}");
    let security = std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/SECURITY.md")).unwrap();
    assert!(security.contains(&table), "SECURITY.md has another table:\n{table}");
}
