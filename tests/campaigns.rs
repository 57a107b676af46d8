//! A year of a guesser, day by day, while the owner logs in once a day: what the guesser is
//! answered, what chance that is, and on how many days the owner was in without anybody's help.
//!
//! `cargo test --all-features --test histories campaigns:: -- --nocapture` prints the figures.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, Phone, T, at};
use crate::service::{self, Service, alice, answer, in_memory};
use sekisho::account::{Attempt, Policy, Purpose};
use sekisho::otp::{Digits, Rejection, UnixTime};
use sekisho::store::MemoryStore;

const DAY: u64 = 86_400;
const DAYS: u64 = 365;

/// The thief's means, beside the password.
#[derive(Clone, Copy, Debug, Default)]
struct Means {
    /// The owner's mail: passes are mailed at the thief's request, and read.
    mailbox: bool,
    /// The token of one of the owner's browsers.
    token: bool,
}

/// The owner's log-ins.
#[derive(Clone, Copy, Debug)]
enum Owner {
    /// From a browser that is remembered.
    KnownBrowser,
    /// Each time from another one: with the code alone; where that is locked with a mailed pass,
    /// and where no pass is mailed with a recovery code, after which a new set is made.
    NewBrowsers,
}

/// One way to guess.
#[derive(Default)]
struct Way {
    is_open: bool,
    /// The device token, or the pass.
    token: Option<String>,
    /// The next time that a guess is answered, or a pass mailed.
    next: u64,
    answered: u64,
}

/// Guesses as a stranger, with a stolen device token, and with passes that are mailed.
struct Thief {
    ways: [Way; 3],
    guesses: u32,
}

const MAILED: usize = 2;

impl Thief {
    fn new(means: Means, token: &str) -> Self {
        let way = |is_open: bool, token: Option<&str>| {
            let token = token.map(ToOwned::to_owned);
            Way { is_open, token, next: T, answered: 0 }
        };
        Self { ways: [way(true, None), way(means.token, Some(token)), way(means.mailbox, None)], guesses: 0 }
    }

    /// Guesses by every way, as soon as a guess would be answered, until `end`.
    async fn guess_until(&mut self, end: u64, service: &Service<MemoryStore>, phone: &Phone) {
        loop {
            let open = (0..3).filter(|way| self.ways[*way].is_open);
            let place = open.min_by_key(|way| self.ways[*way].next).unwrap();
            let way = &mut self.ways[place];
            let now = way.next;
            if now >= end {
                return;
            }
            service.clock.set(at(now));
            if place == MAILED && way.token.is_none() {
                match answer(service.verifier.mail_pass(&alice(), None).await) {
                    Ok(pass) => way.token = Some(pass.to_text().expose().clone()),
                    Err(Rejection::SendLimited { until }) => way.next = until.as_secs(),
                    Err(rejection) => panic!("{rejection:?}"),
                }
                continue;
            }
            self.guesses += 1;
            let attempt = Attempt::new(Purpose::LOGIN, &phone.never_shows(now, self.guesses));
            let attempt = match &way.token {
                Some(token) => attempt.with_device(token).with_pass(token),
                None => attempt,
            };
            match service.submit(now, attempt).await {
                Err(rejection @ (Rejection::Mismatch(_) | Rejection::Expired(_))) => {
                    way.answered += 1;
                    way.next = rejection.retry_at().map_or(now, UnixTime::as_secs);
                }
                Err(Rejection::Locked { until }) => way.next = until.as_secs(),
                Err(Rejection::Disabled) => way.next = end,
                verdict => panic!("{verdict:?}"),
            }
            // A pass has ended, after an hour or five guesses: another one is mailed.
            if place == MAILED && service.verifier.view(&alice()).await.unwrap().passes == 0 {
                way.token = None;
            }
        }
    }

    fn answered(&self) -> [u64; 3] {
        self.ways.each_ref().map(|way| way.answered)
    }
}

struct Figures {
    answered: [u64; 3],
    chance: f64,
    days_in: u64,
    /// Of these, so many by a mailed pass, and so many by a recovery code.
    by_pass: u64,
    by_recovery: u64,
}

async fn campaign(means: Means, owner: Owner) -> Figures {
    let (service, _) = in_memory(phone::policy());
    let (phone, mut codes) = service.enrolled().await;
    let proof = service.log_in(T - 120, &phone.shows(T - 120, 0)).await;
    let own = service.verifier.remember_device(&proof, "home".parse().unwrap()).await.unwrap().to_text();
    let proof = service.log_in(T - 60, &phone.shows(T - 60, 0)).await;
    let lost = service.verifier.remember_device(&proof, "lost".parse().unwrap()).await.unwrap().to_text();
    let mut thief = Thief::new(means, lost.expose());
    let [mut days_in, mut by_pass, mut by_recovery] = [0; 3];
    for day in 0..DAYS {
        // At another hour each day.
        let now = T + day * DAY + 28_800 + day * 7_919 % 43_200;
        thief.guess_until(now, &service, &phone).await;
        let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(now, 0));
        let attempt = if matches!(owner, Owner::KnownBrowser) { attempt.with_device(own.expose()) } else { attempt };
        let mut is_in = service.submit(now, attempt).await.is_ok();
        if !is_in && matches!(owner, Owner::NewBrowsers) {
            let mailed = answer(service.verifier.mail_pass(&alice(), None).await);
            if let Ok(pass) = mailed {
                let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(now, 0)).with_pass(pass.to_text().expose());
                is_in = service.submit(now, attempt).await.is_ok();
                by_pass += u64::from(is_in);
            }
            if !is_in {
                let attempt = Attempt::recovery(Purpose::BINDING, codes.iter().next().unwrap());
                if let Ok(proof) = service.submit(now, attempt).await {
                    codes = service::kept_codes(&service.verifier, proof).await.unwrap();
                    (is_in, by_recovery) = (true, by_recovery + 1);
                }
            }
        }
        days_in += u64::from(is_in);
    }
    let answered = thief.answered();
    // One app, whose clock is right: a window of three steps.
    let guesses = i32::try_from(answered.iter().sum::<u64>()).unwrap();
    let missed = (1.0 - 3.0 / 1_000_000.0_f64).powi(guesses);
    Figures { answered, chance: 1.0 - missed, days_in, by_pass, by_recovery }
}

#[tokio::test]
async fn a_year_of_guesses_stays_below_the_risk_and_the_owner_gets_in() {
    let risk = Policy::default().risk(1, Digits::Six);
    let allowed = [risk.strangers.guesses, risk.devices.guesses, risk.mailed_passes.guesses];
    let means = [
        ("the password", Means::default()),
        ("and the mailbox", Means { mailbox: true, ..Means::default() }),
        ("and a stolen device token", Means { token: true, ..Means::default() }),
        ("and both", Means { mailbox: true, token: true }),
    ];
    for owner in [Owner::KnownBrowser, Owner::NewBrowsers] {
        for (name, means) in means {
            let Figures { answered, chance, days_in, by_pass, by_recovery } = campaign(means, owner).await;
            println!(
                "{owner:?}, {name}: {} + {} + {} guesses answered (strangers, devices, mailed passes), {:.3} %, {days_in} of {DAYS} days, {by_pass} of them by a mailed pass, {by_recovery} by a recovery code",
                answered[0],
                answered[1],
                answered[2],
                chance * 100.0
            );
            // A token is good for five, and then its holder is a stranger.
            for (answered, allowed) in answered.iter().zip(allowed) {
                assert!(*answered <= allowed, "{name}: {answered} of {allowed}");
            }
            assert!(chance < 0.01, "{name}: {chance}");
            assert_eq!(days_in, DAYS, "{name}");
            // As `docs/policy.md` has them.
            assert_eq!(answered, [414, if means.token { 5 } else { 0 }, if means.mailbox { 46 } else { 0 }], "{name}");
        }
    }
}
