//! Time only adds protection (rule 14), whatever clocks do: they jump, start in the past, run ahead
//! and back, and two servers' clocks are apart.
#![cfg(feature = "alloc")]

use crate::phone::{Phone, T, at, created, keyring, new_authenticator, operator, policy, rng};
use proptest::prelude::*;
use sekisho::account::{
    Account, AccountError, AccountId, Act, Attempt, Change, Event, Policy, Proof, Purpose, RecoveryCodes,
};
use sekisho::otp::{LockState, Rejection};
use sekisho::seal::Stored;

const HOUR: u64 = 3_600;
const DAY: u64 = 86_400;

/// An account in a table that several servers share.
struct Table {
    id: AccountId,
    stored: Stored,
    policy: Policy,
    events: Vec<Event>,
}

impl Table {
    /// With one app, enrolled two days before `T`, and recovery codes.
    fn new() -> (Self, Phone, RecoveryCodes) {
        let id = AccountId::new("alice").unwrap();
        let enrolled = T - 2 * DAY;
        let stored = created(&id, enrolled);
        let mut table = Self { id, stored, policy: policy(), events: Vec::new() };
        let begun = table.open().enroll_first(&table.policy, at(enrolled), &new_authenticator(), &mut rng()).unwrap();
        let phone = Phone::of(&table.commit(begun).unwrap());
        let proof = table.open().confirm(&table.policy, at(enrolled), &phone.confirming(enrolled)).unwrap();
        let proof = table.commit(proof).unwrap();
        let codes = table.open().issue_recovery_codes(&table.policy, at(enrolled), &proof, &mut rng()).unwrap();
        let codes = table.commit(codes).unwrap();
        let kept = table.open().keep_recovery_codes(&table.policy, at(enrolled), codes.handle().to_text().expose());
        table.commit(kept.unwrap()).unwrap();
        let codes = codes.into_codes();
        table.events.clear();
        (table, phone, codes)
    }

    fn open(&self) -> Account {
        keyring().open(&self.id, self.stored.clone()).unwrap()
    }

    fn commit<T>(&mut self, change: Change<T>) -> Result<T, Rejection> {
        let (write, uncommitted) = keyring().seal(change, &mut rng()).unwrap();
        if let Some(write) = write {
            self.stored = write.new;
        }
        uncommitted.assume_committed(&mut self.events)
    }

    /// A log-in on a server whose clock reads `clock`. The refusal, if it is one.
    fn log_in(&mut self, clock: u64, code: &str) -> Option<Rejection> {
        self.submit(clock, &Attempt::new(Purpose::LOGIN, code))
    }

    fn submit(&mut self, clock: u64, attempt: &Attempt) -> Option<Rejection> {
        let change = self.open().verify(&self.policy, at(clock), attempt).unwrap();
        self.commit(change).err()
    }

    /// The end of the lock that a server whose clock reads `clock` sees.
    fn lock(&self, clock: u64) -> Option<u64> {
        match self.open().view(&self.policy, at(clock)).refusal {
            Some(Rejection::Locked { until }) => Some(until.as_secs()),
            Some(other) => panic!("{other:?}"),
            None => None,
        }
    }

    /// The same for the hold on withdrawals.
    fn hold(&self, clock: u64) -> Option<u64> {
        self.open().view(&self.policy, at(clock)).holds.first().map(|hold| hold.until.as_secs())
    }

    fn told(&self, kind: &str) -> usize {
        self.events.iter().filter(|event| event.kind.as_str() == kind).count()
    }
}

/// A guesser who uses whichever server answers first. Each server's clock is ahead by so much.
/// Gives how many guesses were answered within `secs` seconds.
fn guesses(secs: u64, ahead: &[u64]) -> u64 {
    let (mut table, phone, _) = Table::new();
    let guess = phone.never_shows(T, 1);
    let (mut now, mut answered) = (T, 0);
    while now < T + secs {
        let mut next = u64::MAX;
        for ahead in ahead {
            match table.log_in(now + ahead, &guess) {
                Some(Rejection::Mismatch(_) | Rejection::Expired(_)) => {
                    answered += 1;
                    next = now;
                }
                Some(Rejection::Locked { until }) => next = next.min(until.as_secs() - ahead),
                Some(Rejection::Disabled) => return answered,
                other => panic!("{other:?}"),
            }
        }
        now = next;
    }
    answered
}

#[test]
fn two_servers_up_to_a_day_apart_give_no_more_guesses_than_one() {
    for secs in [60, HOUR, DAY, 30 * DAY] {
        let one = guesses(secs, &[0]);
        for ahead in [30, HOUR, 5 * HOUR, DAY] {
            let two = guesses(secs, &[0, ahead]);
            // The one that is ahead comes to the first lock later than the one that set it: once.
            assert!(two <= one + 1, "{secs} s, {ahead} s apart: {two} guesses, {one} with one clock");
        }
    }
    assert_eq!(guesses(60, &[0]), 6);
    assert_eq!(guesses(30 * DAY, &[0]), 79);
}

#[test]
fn what_a_clock_days_ahead_has_set_holds_nothing_and_is_replaced_with_an_event() {
    let (mut table, phone, codes) = Table::new();
    let wild = T + 40 * DAY;
    for which in 0..7 {
        let _ = table.log_in(wild + 600 * which, &phone.never_shows(wild, 1));
    }
    let recovery = Attempt::recovery(Purpose::LOGIN, codes.iter().next().unwrap());
    assert_eq!(table.submit(wild + DAY, &recovery), None);
    assert!(table.hold(wild + DAY).is_some());
    // The right clock: no lock and no hold. The next write replaces their times by now: a hold of a
    // day begins.
    assert_eq!((table.lock(T), table.hold(T)), (None, None));
    assert_eq!(table.told("times_replaced"), 0);
    assert_eq!(table.log_in(T, &phone.shows(T, 0)), None);
    assert_eq!(table.told("times_replaced"), 1);
    assert_eq!((table.lock(T), table.hold(T)), (None, Some(T + DAY)));
    for later in [DAY, 39 * DAY, 40 * DAY, 41 * DAY] {
        assert_eq!((table.lock(T + later), table.hold(T + later)), (None, None), "{later}");
    }
    assert_eq!(table.log_in(T + 30, &phone.shows(T + 30, 0)), None);
    assert_eq!(table.told("times_replaced"), 1, "once");
}

#[test]
fn what_a_clock_days_ahead_gave_out_is_not_good_again_when_its_time_comes() {
    let (mut table, phone, _) = Table::new();
    let wild = T + 40 * DAY;
    let pass = table.open().mail_pass(&table.policy, at(wild), None, &mut rng()).unwrap();
    let pass = table.commit(pass).unwrap().to_text();
    let named = |clock: u64| Attempt::new(Purpose::LOGIN, &phone.never_shows(clock, 1)).with_pass(pass.expose());
    assert_eq!(table.open().view(&table.policy, at(T)).passes, 0);
    let _ = table.submit(T, &named(T));
    for later in [T + 1, wild - 60, wild, wild + 60] {
        assert_eq!(table.open().view(&table.policy, at(later)).passes, 0);
    }
}

#[test]
fn digits_stay_used_on_a_server_whose_clock_is_an_hour_behind() {
    let (mut table, phone, _) = Table::new();
    let code = phone.shows(T, 0);
    assert_eq!(table.log_in(T, &code), None);
    // Another server wrote an hour ahead, and a third one is asked ten minutes later.
    assert!(matches!(table.log_in(T + HOUR, &phone.never_shows(T, 1)), Some(Rejection::Mismatch(_))));
    assert!(matches!(table.log_in(T + 599, &code), Some(Rejection::Replayed { .. })));
}

#[test]
fn a_clock_that_was_set_back_a_little_replaces_nothing() {
    let (mut table, phone, _) = Table::new();
    for _ in 0..5 {
        let _ = table.log_in(T, &phone.never_shows(T, 1));
    }
    for back in [1, 60, HOUR, DAY] {
        assert_eq!(table.lock(T - back), Some(T + 30), "{back}");
    }
    assert_eq!(table.lock(T - DAY - 1), None, "the mistake of one of the two clocks");
    // A failure afterwards counts from its own time.
    assert!(matches!(table.log_in(T + 30, &phone.never_shows(T, 1)), Some(Rejection::Mismatch(count))
        if count.lock_state == LockState::Locked { until: at(T + 90) }));
    assert_eq!(table.lock(T), Some(T + 90));
    assert_eq!(table.told("times_replaced"), 0);
}

#[test]
fn an_authorized_change_is_counted_from_the_newest_time() {
    let (mut table, phone, _) = Table::new();
    let attempt = Attempt::new(Purpose::BINDING, &phone.shows(T, 0));
    let proof = table.open().verify(&table.policy, at(T), &attempt).unwrap();
    let proof = table.commit(proof).unwrap();
    let _ = table.log_in(T + 300, &phone.never_shows(T, 1));
    // The proof lives for 300 s, and the record is as old already, whatever this clock says.
    let late = table.open().enroll(&table.policy, at(T + 10), &proof, &new_authenticator(), &mut rng());
    assert_eq!(late.err(), Some(AccountError::ProofEnded));
}

#[test]
fn a_grant_lives_no_longer_where_the_newest_time_is_hours_ahead() {
    let (mut table, phone, codes) = Table::new();
    // A server in another time zone, and whoever knows the password.
    let _ = table.log_in(T + 9 * HOUR, &phone.never_shows(T, 1));
    let attempt = |purpose| Attempt::new(purpose, &phone.shows(T, 0)).with_idempotency_key([7; 16]);
    let change = table.open().verify(&table.policy, at(T), &attempt(Purpose::BINDING)).unwrap();
    let proof = table.commit(change).unwrap();
    assert_eq!(proof.at(), at(T));
    let enroll = |table: &Table, clock: u64, proof: &Proof| {
        table.open().enroll(&table.policy, at(clock), proof, &new_authenticator(), &mut rng()).map(drop)
    };
    assert_eq!(enroll(&table, T + 299, &proof), Ok(()));
    for late in [T + 300, T + 8 * HOUR] {
        assert_eq!(enroll(&table, late, &proof), Err(AccountError::ProofEnded));
    }
    // Nor is the attempt answered again after a minute.
    for (later, is_again) in [(59, true), (60, false), (8 * HOUR, false)] {
        let again = table.submit(T + later, &attempt(Purpose::BINDING));
        assert_eq!(again.is_none(), is_again, "{later}: {again:?}");
    }
    // Passes, enrollments that wait, and codes that were sent end by the clock as well.
    let pass = table.open().mail_pass(&table.policy, at(T), None, &mut rng()).unwrap();
    let _pass = table.commit(pass).unwrap();
    let recovery = Attempt::recovery(Purpose::BINDING, codes.iter().next().unwrap());
    let change = table.open().verify(&table.policy, at(T + 100), &recovery).unwrap();
    let proof = table.commit(change).unwrap();
    let begun = table.open().enroll(&table.policy, at(T + 100), &proof, &new_authenticator(), &mut rng()).unwrap();
    let _begun = table.commit(begun).unwrap();
    let seen = |clock: u64| {
        let view = table.open().view(&table.policy, at(clock));
        (view.passes, view.pending.is_some())
    };
    assert_eq!(seen(T + 699), (1, true));
    assert_eq!(seen(T + 700), (1, false));
    assert_eq!(seen(T + 3_600), (0, false));
}

#[test]
fn a_proof_is_good_at_once_without_the_store_whatever_the_record_says() {
    let (mut table, phone, _) = Table::new();
    let _ = table.log_in(T + HOUR, &phone.never_shows(T, 1));
    let attempt = Attempt::new(Purpose::LOGIN, &phone.shows(T, 0));
    let change = table.open().verify(&table.policy, at(T), &attempt).unwrap();
    let proof = table.commit(change).unwrap();
    assert_eq!(proof.redeem_without_store(&table.id, Purpose::LOGIN, None, at(T + 1)), Ok(()));
}

#[test]
fn what_a_clock_a_day_and_more_ahead_began_does_not_wait_again() {
    for ahead in [25 * HOUR, 30 * HOUR, 47 * HOUR, 60 * HOUR] {
        let (mut table, phone, _) = Table::new();
        let wild = T + ahead;
        let attempt = Attempt::new(Purpose::BINDING, &phone.shows(wild, 0));
        let change = table.open().verify(&table.policy, at(wild), &attempt).unwrap();
        let proof = table.commit(change).unwrap();
        let begun = table.open().enroll(&table.policy, at(wild), &proof, &new_authenticator(), &mut rng()).unwrap();
        let _begun = table.commit(begun).unwrap();
        assert!(table.open().view(&table.policy, at(wild)).pending.is_some());
        let _ = table.log_in(T, &phone.never_shows(T, 1));
        for clock in [T, T + HOUR, wild - 60, wild, wild + 60] {
            assert_eq!(table.open().view(&table.policy, at(clock)).pending, None, "{ahead}");
        }
        assert_eq!(table.told("times_replaced"), 1);
    }
}

#[test]
fn what_begins_in_the_write_that_replaces_mistaken_times_goes_on() {
    let (mut table, phone, codes) = Table::new();
    let _ = table.log_in(T + 40 * DAY, &phone.never_shows(T, 1));
    // The proof's write replaces them once, another mistake is replaced by the enrollment's.
    let recovery = Attempt::recovery(Purpose::BINDING, codes.iter().next().unwrap()).with_idempotency_key([7; 16]);
    let change = table.open().verify(&table.policy, at(T), &recovery).unwrap();
    let proof = table.commit(change).unwrap();
    assert_eq!(table.submit(T + 1, &recovery), None, "asked again");
    let _ = table.log_in(T + 40 * DAY, &phone.never_shows(T, 1));
    let begun = table.open().enroll(&table.policy, at(T + 2), &proof, &new_authenticator(), &mut rng()).unwrap();
    let new = Phone::of(&table.commit(begun).unwrap());
    let change = table.open().confirm(&table.policy, at(T + 3), &new.confirming(T + 3)).unwrap();
    assert!(table.commit(change).is_ok());
    let _ = table.log_in(T + 40 * DAY, &phone.never_shows(T, 1));
    let pass = table.open().mail_pass(&table.policy, at(T + 4), None, &mut rng()).unwrap();
    let _pass = table.commit(pass).unwrap();
    assert_eq!(table.open().view(&table.policy, at(T + 4)).passes, 1);
    assert_eq!(table.told("times_replaced"), 3);
}

#[test]
fn an_authorization_by_a_clock_days_ahead_does_not_stand() {
    let (mut table, phone, _) = Table::new();
    table.policy = Policy::default();
    let wild = T + 40 * DAY;
    let act = Act::new(Purpose::WITHDRAWAL, &[3; 32], [7; 16], &phone.shows(wild, 0));
    let change = table.open().authorize(&table.policy, at(wild), &act).unwrap();
    let authorization = table.commit(change).unwrap();
    assert_eq!(table.open().still_stands(at(wild + 60), &authorization), Ok(()));
    assert_eq!(table.open().still_stands(at(T), &authorization), Err(AccountError::AuthorizationEnded));
}

#[test]
fn a_lock_set_by_a_server_that_is_behind_begins_at_the_newest_time() {
    let (mut table, phone, _) = Table::new();
    for _ in 0..4 {
        let _ = table.log_in(T, &phone.never_shows(T, 1));
    }
    let fifth = table.log_in(T - HOUR, &phone.never_shows(T, 1)).unwrap();
    assert_eq!(fifth.retry_at(), Some(at(T + 30)));
    assert_eq!((table.lock(T - HOUR), table.lock(T + 29), table.lock(T + 30)), (Some(T + 30), Some(T + 30), None));
}

/// The next thing that happens on one of two servers.
#[derive(Clone, Debug)]
enum Step {
    /// Time passes.
    Wait(u64),
    /// The clock of a server is set: off by so many seconds from now on.
    Set(usize, i64),
    /// A stranger guesses on a server.
    Guess(usize),
    /// An operator resets the account by a server, which holds withdrawals for two days.
    Reset(usize),
    /// The record is written by a server for some other reason.
    Write(usize),
}

fn acts(most_off: i64) -> impl Strategy<Value = Vec<Step>> {
    let wait = prop_oneof![4 => 0..90_u64, 2 => 0..HOUR, 1 => 0..DAY];
    let set = (0..2_usize, prop_oneof![2 => -most_off..=most_off, 1 => Just(0), 1 => -120..120_i64]);
    let act = prop_oneof![
        6 => wait.prop_map(Step::Wait),
        2 => set.prop_map(|(server, off)| Step::Set(server, off)),
        8 => (0..2_usize).prop_map(Step::Guess),
        1 => (0..2_usize).prop_map(Step::Reset),
        2 => (0..2_usize).prop_map(Step::Write),
    ];
    proptest::collection::vec(act, 1..60)
}

/// A protection as it would be under true time.
struct Protection {
    end: u64,
    /// The error of the clock that set it, in seconds.
    off: i64,
    /// The end by the latest clock that has written until it was set.
    end_by_newest: u64,
}

/// Goes through a history under wrong clocks, and compares what holds with what would hold under
/// true time.
fn check_history(acts: &[Step], most_off: i64) -> Result<(), TestCaseError> {
    let (mut table, phone, _) = Table::new();
    let guess = phone.never_shows(T, 1);
    let (mut now, mut off) = (T, [0_i64; 2]);
    let (mut lock, mut hold): (Option<Protection>, Option<Protection>) = (None, None);
    let (mut failures, mut is_reset, mut newest) = (0_u32, false, T - 2 * DAY);
    let day = i64::try_from(DAY).unwrap();
    for act in acts {
        let clock = |server: usize| now.checked_add_signed(off[server]).unwrap();
        match *act {
            Step::Wait(secs) => now += secs,
            Step::Set(server, to) => off[server] = to,
            Step::Guess(_) if is_reset => {}
            Step::Guess(server) => {
                if let Some(Rejection::Mismatch(_) | Rejection::Expired(_)) = table.log_in(clock(server), &guess) {
                    failures += 1;
                    newest = newest.max(clock(server));
                    if failures >= 5 {
                        let secs = (30_u64 << (failures - 5).min(7)).min(HOUR);
                        let (end, end_by_newest) = (now + secs, newest + secs);
                        lock = Some(Protection { end, off: off[server], end_by_newest });
                    }
                }
            }
            Step::Reset(server) => {
                let change = table
                    .open()
                    .reset(&table.policy, at(clock(server)), &operator("desk", "lost"), &mut rng())
                    .unwrap();
                let _pass = table.commit(change).unwrap();
                (is_reset, lock, newest) = (true, None, newest.max(clock(server)));
                hold = Some(Protection { end: now + 2 * DAY, off: off[server], end_by_newest: newest + 2 * DAY });
            }
            Step::Write(server) => {
                let desk = operator("desk", "for a moment");
                let change = table.open().freeze(at(clock(server)), &desk, &mut rng());
                table.commit(change).unwrap();
                let change = table.open().thaw(&table.policy, at(clock(server)), &desk).unwrap();
                table.commit(change).unwrap();
                newest = newest.max(clock(server));
            }
        }
        for (server, off) in off.iter().enumerate() {
            let clock = now.checked_add_signed(*off).unwrap();
            let seen = [if is_reset { None } else { table.lock(clock) }, table.hold(clock)];
            for ((expected, seen), longest) in [&lock, &hold].into_iter().zip(seen).zip([HOUR, 2 * DAY]) {
                // The owner waits no more than a day beyond the protection's length.
                prop_assert!(seen.is_none_or(|until| until - clock <= longest + DAY), "{server} {act:?}");
                let Some(Protection { end, off: set, end_by_newest }) = expected else { continue };
                if most_off > day / 2 || seen.is_some() {
                    continue;
                }
                // It has ended: not early, but by what the clock that set it was behind of this one.
                let early = i64::try_from(end.saturating_sub(now)).unwrap();
                prop_assert!(early <= (off - set).max(0), "{server} {act:?}: {early} s early, {off} {set}");
                prop_assert!(clock >= *end_by_newest, "{server} {act:?}: before the newest clock says so");
            }
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn no_protection_ends_early_while_clocks_are_up_to_a_day_apart(acts in acts(43_200)) {
        check_history(&acts, 43_200)?;
    }

    #[test]
    fn nobody_waits_longer_than_a_day_beyond_however_wrong_clocks_are(acts in acts(400 * 86_400)) {
        check_history(&acts, 400 * 86_400)?;
    }
}

#[cfg(feature = "verifier")]
mod verifiers {
    use super::*;
    use sekisho::Verifier;
    use sekisho::otp::{TimeError, UnixTime};
    use sekisho::store::MemoryStore;
    use sekisho::verifier::Clock;

    struct In2000;

    impl Clock for In2000 {
        fn now(&self) -> Result<UnixTime, TimeError> {
            Ok(at(946_684_800))
        }
    }

    #[tokio::test]
    async fn a_clock_that_starts_in_2000_is_refused_before_anything_is_decided() {
        let verifier = Verifier::builder(MemoryStore::new(), keyring()).clock(In2000).without_notifications().build();
        let error = verifier.create_account(&AccountId::new("alice").unwrap()).await.unwrap_err();
        assert!(matches!(error, sekisho::Error::Time(TimeError::BeforeRelease { now }) if now == at(946_684_800)));
        assert!(error.to_string().contains("clock"), "{error}");
    }

    #[test]
    fn so_is_the_clock_of_the_system() {
        let time = std::time::UNIX_EPOCH + std::time::Duration::from_secs(946_684_800);
        assert!(matches!(UnixTime::try_from(time), Err(TimeError::BeforeRelease { .. })));
        assert!(UnixTime::try_from(std::time::SystemTime::now()).is_ok());
    }
}
