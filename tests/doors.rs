//! Nothing is evaluated while it is locked, held or frozen, at whatever door.
#![cfg(all(feature = "test-kit", feature = "redb"))]

use crate::phone::{self, T, at};
use crate::service::{DAY, Everything, Service, alice, answer, everything, in_memory, mail, refusal, rejected, stored};
use sekisho::Error;
use sekisho::account::{AccountError, AccountLimits, Address, Attempt, CodeRequest, LongTerm, Policy, Purpose, Resync};
use sekisho::otp::{Advice, CodeKind, Limits, PolicyError, Rejection, Window};
use sekisho::store::MemoryStore;

/// The doors at which something is evaluated. Removals, replacements and new sets take a proof of
/// one of the first three.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Door {
    App,
    AppForBinding,
    Delivered,
    Confirmation,
    AppFromDevice,
    AppFromOtherDevice,
    AppWithPass,
    AppWithMailedPass,
    AppWithOtherMailedPass,
    DeliveredFromDevice,
    Resync,
    ResyncFromDevice,
    ResyncWithRecovery,
    Recovery,
    Confirm,
    ConfirmFromDevice,
}

const DOORS: [Door; 16] = [
    Door::App,
    Door::AppForBinding,
    Door::Delivered,
    Door::Confirmation,
    Door::AppFromDevice,
    Door::AppFromOtherDevice,
    Door::AppWithPass,
    Door::AppWithMailedPass,
    Door::AppWithOtherMailedPass,
    Door::DeliveredFromDevice,
    Door::Resync,
    Door::ResyncFromDevice,
    Door::ResyncWithRecovery,
    Door::Recovery,
    Door::Confirm,
    Door::ConfirmFromDevice,
];

impl Door {
    /// The doors that one throttle is shared by are locked together. `None` where none is.
    const fn throttle(self) -> Option<&'static str> {
        Some(match self {
            Self::App
            | Self::AppForBinding
            | Self::Delivered
            | Self::Confirmation
            | Self::Resync
            | Self::ResyncWithRecovery => "common",
            Self::AppFromDevice
            | Self::AppFromOtherDevice
            | Self::DeliveredFromDevice
            | Self::ResyncFromDevice
            | Self::ConfirmFromDevice => "devices",
            Self::AppWithMailedPass | Self::AppWithOtherMailedPass => "mailed passes",
            Self::Confirm => "enrollment",
            // An operator's pass has attempts of its own.
            Self::Recovery | Self::AppWithPass => return None,
        })
    }

    /// Another door with the same throttle, and another token: tokens end with the fifth wrong
    /// code.
    const fn after_four(self) -> Self {
        match self {
            Self::AppFromDevice | Self::DeliveredFromDevice | Self::ResyncFromDevice | Self::ConfirmFromDevice => {
                Self::AppFromOtherDevice
            }
            Self::AppFromOtherDevice => Self::AppFromDevice,
            Self::AppWithMailedPass => Self::AppWithOtherMailedPass,
            Self::AppWithOtherMailedPass => Self::AppWithMailedPass,
            other => other,
        }
    }

    /// Has its throttle locked.
    async fn lock(self, service: &Service<MemoryStore>, owner: &Everything) {
        for failure in 0..5 {
            let by = if failure == 4 { self.after_four() } else { self };
            let refused = by.submit(service, owner, T, false).await.unwrap();
            assert!(refused.is_charged(), "{self:?} {failure}: {refused:?}");
        }
    }

    /// Submits what is right at this door, or what is wrong. Says how it was answered: `None` if it
    /// was accepted.
    async fn submit(
        self,
        service: &Service<MemoryStore>,
        owner: &Everything,
        secs: u64,
        right: bool,
    ) -> Option<Rejection> {
        service.clock.set(at(secs));
        let verifier = &service.verifier;
        let code = if right { owner.phone.shows(secs, 0) } else { owner.phone.never_shows(secs, 1) };
        let message = if right { owner.message.clone() } else { owner.phone.never_shows(secs, 2) };
        let next = if right { owner.phone.shows(secs, 1) } else { owner.phone.never_shows(secs, 3) };
        let sheet = if right { owner.codes.iter().next().unwrap() } else { "0000-0000-0000-0000-0000-0000" };
        let attempt = |code: &str| Attempt::new(Purpose::LOGIN, code);
        let pair = || Resync::new(&code, &next);
        match self {
            Self::App => refusal(verifier.verify(&alice(), attempt(&code)).await),
            Self::AppForBinding => refusal(verifier.verify(&alice(), Attempt::new(Purpose::BINDING, &code)).await),
            Self::Delivered => refusal(verifier.verify(&alice(), attempt(&message)).await),
            Self::Confirmation => {
                let code = if right { owner.confirmation.clone() } else { owner.phone.never_shows(secs, 4) };
                refusal(verifier.verify(&alice(), Attempt::confirmation(&mail(), &code)).await)
            }
            Self::AppFromDevice => refusal(verifier.verify(&alice(), attempt(&code).with_device(&owner.cookie)).await),
            Self::AppFromOtherDevice => {
                refusal(verifier.verify(&alice(), attempt(&code).with_device(&owner.other_cookie)).await)
            }
            Self::AppWithPass => refusal(verifier.verify(&alice(), attempt(&code).with_pass(&owner.pass)).await),
            Self::AppWithMailedPass | Self::AppWithOtherMailedPass => {
                let pass = &owner.mailed[usize::from(self == Self::AppWithOtherMailedPass)];
                refusal(verifier.verify(&alice(), attempt(&code).with_pass(pass)).await)
            }
            Self::DeliveredFromDevice => {
                refusal(verifier.verify(&alice(), attempt(&message).with_device(&owner.cookie)).await)
            }
            Self::Resync => refusal(verifier.resync(&alice(), pair()).await),
            Self::ResyncFromDevice => refusal(verifier.resync(&alice(), pair().with_device(&owner.cookie)).await),
            Self::ResyncWithRecovery => refusal(verifier.resync(&alice(), pair().with_recovery_code(sheet)).await),
            Self::Recovery => refusal(verifier.verify(&alice(), Attempt::recovery(Purpose::LOGIN, sheet)).await),
            Self::Confirm | Self::ConfirmFromDevice => {
                let code = if right { owner.waiting.shows(secs, 0) } else { owner.waiting.never_shows(secs, 1) };
                let attempt = Attempt::new(Purpose::BINDING, &code);
                let is_known = self == Self::ConfirmFromDevice;
                let attempt = if is_known { attempt.with_device(&owner.cookie) } else { attempt };
                refusal(verifier.confirm(&alice(), attempt).await)
            }
        }
    }
}

#[tokio::test]
async fn no_door_evaluates_a_code_while_it_is_locked() {
    for locked in DOORS.into_iter().filter(|door| door.throttle().is_some()) {
        let (service, store) = in_memory(phone::policy());
        let owner = everything(&service).await;
        locked.lock(&service, &owner).await;
        let until = at(T + 30);
        for door in DOORS {
            let (before, now) = (stored(&store).await, T + 1);
            if door.throttle() == locked.throttle() {
                let answer = door.submit(&service, &owner, now, true).await;
                assert_eq!(answer, Some(Rejection::Locked { until }), "{door:?} while {locked:?} is locked");
                assert_eq!(stored(&store).await.revision, before.revision, "nothing is written, so nothing is spent");
                assert_eq!(
                    door.submit(&service, &owner, now, false).await,
                    answer,
                    "right and wrong are answered alike"
                );
            }
        }
        // Nor is a code sent that could not be submitted.
        let request = CodeRequest::new(owner.sms, Purpose::LOGIN);
        let asks = answer(service.verifier.deliver(&alice(), request.clone()).await);
        assert_eq!(matches!(asks, Err(Rejection::Locked { .. })), locked.throttle() == Some("common"), "{locked:?}");
        let asks = answer(service.verifier.deliver(&alice(), request.with_device(&owner.cookie)).await);
        assert_eq!(matches!(asks, Err(Rejection::Locked { .. })), locked.throttle() == Some("devices"));
        // What was refused is good when the lock has ended.
        assert_eq!(locked.submit(&service, &owner, T + 30, true).await, None, "{locked:?}");
    }
}

#[tokio::test]
async fn other_doors_are_open_while_one_is_locked() {
    for locked in [Door::App, Door::AppFromDevice, Door::AppWithMailedPass, Door::Confirm] {
        for open in DOORS.into_iter().filter(|door| door.throttle() != locked.throttle()) {
            let (service, _) = in_memory(phone::policy());
            let owner = everything(&service).await;
            locked.lock(&service, &owner).await;
            assert_eq!(open.submit(&service, &owner, T, true).await, None, "{open:?} while {locked:?} is locked");
        }
    }
}

#[tokio::test]
async fn a_freeze_shuts_every_door_and_spends_nothing() {
    let (service, store) = in_memory(phone::policy());
    let owner = everything(&service).await;
    service.verifier.support(phone::operator("desk", "stolen")).freeze(&alice()).await.unwrap();
    let before = stored(&store).await;
    for door in DOORS {
        for right in [true, false] {
            assert_eq!(door.submit(&service, &owner, T, right).await, Some(Rejection::Frozen), "{door:?}");
        }
    }
    let ask = service.verifier.deliver(&alice(), CodeRequest::confirmation(Address::email("a@b").unwrap())).await;
    assert_eq!(rejected(answer(ask)), Rejection::Frozen);
    assert_eq!(rejected(answer(service.verifier.mail_pass(&alice(), None).await)), Rejection::Frozen);
    let unlock = service.verifier.support(phone::operator("desk", "too soon")).unlock(&alice()).await;
    assert!(matches!(unlock, Err(Error::Account(AccountError::Frozen))));
    assert_eq!(stored(&store).await.revision, before.revision);
    assert_eq!(Rejection::Frozen.advice(), Advice::ContactSupport);
}

#[tokio::test]
async fn a_held_purpose_spends_no_code_of_any_kind() {
    let (service, store) = in_memory(phone::policy());
    let owner = everything(&service).await;
    let before = stored(&store).await;
    let held = Rejection::Held { until: at(T - 500 + DAY) };
    let withdraw = |attempt: Attempt| async { service.refused(T, attempt).await };
    for code in [owner.phone.shows(T, 0), owner.message.clone(), "000000".into()] {
        assert_eq!(withdraw(Attempt::new(Purpose::WITHDRAWAL, &code)).await, held);
        assert_eq!(withdraw(Attempt::new(Purpose::WITHDRAWAL, &code).with_device(&owner.cookie)).await, held);
        assert_eq!(withdraw(Attempt::new(Purpose::WITHDRAWAL, &code).with_pass(&owner.pass)).await, held);
    }
    let sheet = owner.codes.iter().next().unwrap();
    assert_eq!(withdraw(Attempt::recovery(Purpose::WITHDRAWAL, sheet)).await, held);
    let ask = service.verifier.deliver(&alice(), CodeRequest::new(owner.sms, Purpose::WITHDRAWAL)).await;
    assert_eq!(rejected(answer(ask)), held);
    assert_eq!(stored(&store).await.revision, before.revision);
    let _ = service.log_in(T, &owner.message).await;
    let _ = service.log_in(T, &owner.phone.shows(T, 0)).await;
}

#[test]
fn limits_out_of_range_make_no_policy() {
    let refused = |limits: AccountLimits| Policy::new(limits).is_err();
    let default = AccountLimits::default;
    assert!(refused(AccountLimits { device_secs: 0, ..default() }));
    assert!(refused(AccountLimits { device_secs: 401 * DAY, ..default() }));
    assert!(refused(AccountLimits { delivered_secs: 59, ..default() }));
    assert!(refused(AccountLimits { delivered_secs: 601, ..default() }));
    assert!(refused(AccountLimits { reset_hold_secs: 367 * DAY, ..default() }));
    assert!(refused(AccountLimits { resync_hold_secs: 367 * DAY, ..default() }));
    let refused_for = |limits: AccountLimits| Policy::new(limits).unwrap_err();
    assert_eq!(refused_for(AccountLimits { max_authenticators: 4, ..default() }), PolicyError::Risk);
    // An enrollment's window counts, and so do the other doors.
    let wide = AccountLimits { enrollment_window: Window::new(255, 255), ..default() };
    assert_eq!(refused_for(wide), PolicyError::Risk);
    let eager = LongTerm { most: 50, leak_every_secs: DAY };
    for limits in [
        AccountLimits { devices: eager, ..default() },
        AccountLimits { mailed_passes: eager, ..default() },
        AccountLimits { enrollment: eager, ..default() },
    ] {
        assert_eq!(refused_for(limits), PolicyError::Risk);
    }
    // Two windows are open after a resynchronization, also where nothing is learned.
    let still = Policy::new(AccountLimits { codes: Limits { max_drift: 0, ..Limits::DEFAULT }, ..default() }).unwrap();
    let risk = still.risk(2, sekisho::otp::Digits::Six);
    assert_eq!((risk.strangers.open_steps, risk.delivered_codes.open_steps), (12, 2));
}

#[test]
fn a_refusal_is_advised_on_by_what_was_typed() {
    let locked = Rejection::Locked { until: at(T) };
    for typed in [CodeKind::AppCode, CodeKind::TwoCodes, CodeKind::DeliveredCode, CodeKind::RecoveryCode] {
        assert_eq!(locked.advice_for(typed), Advice::WaitForTheLock);
    }
    assert_eq!(Rejection::Disabled.advice_for(CodeKind::AppCode), Advice::UseARecoveryCode);
    assert_eq!(Rejection::Disabled.advice_for(CodeKind::RecoveryCode), Advice::ContactSupport);
    assert_eq!(Rejection::Malformed.advice_for(CodeKind::RecoveryCode), Advice::CheckTheSheet);
}

#[tokio::test]
async fn the_preset_of_pci_dss_locks_for_half_an_hour_after_ten_failures_until_somebody_is_identified() {
    let (service, _) = in_memory(Policy::new(AccountLimits::pci_dss()).unwrap());
    let owner = everything(&service).await;
    for failure in 1..=10 {
        let refused = Door::App.submit(&service, &owner, T, false).await.unwrap();
        assert_eq!(refused.attempts_left(), Some(10 - failure), "{refused:?}");
    }
    let locked = Some(Rejection::Locked { until: at(T + 1_800) });
    assert_eq!(Door::App.submit(&service, &owner, T + 1_799, true).await, locked);
    assert_eq!(Door::AppWithPass.submit(&service, &owner, T + 1_799, true).await, None, "an operator knows him");
    assert_eq!(Door::App.submit(&service, &owner, T + 1_830, true).await, None);
}

#[tokio::test]
async fn the_preset_of_nist_keeps_what_it_says() {
    let limits = AccountLimits::nist();
    let policy = Policy::new(limits.clone()).unwrap();
    // §3.2.2
    assert!(limits.codes.disable_after <= 100);
    let (service, _) = in_memory(policy.clone());
    let owner = everything(&service).await;
    let (mut now, mut failures) = (T, 0);
    let last = loop {
        match Door::App.submit(&service, &owner, now, false).await.unwrap() {
            Rejection::Locked { until } => now = until.as_secs(),
            refused if refused.is_charged() => failures += 1,
            other => break other,
        }
    };
    assert_eq!((failures, last), (100, Rejection::Disabled));
    // §3.1.3.2: ten minutes, and once.
    assert!(limits.delivered_secs <= 600);
    let (service, _) = in_memory(policy.clone());
    let owner = everything(&service).await;
    assert_eq!(Door::Delivered.submit(&service, &owner, T, true).await, None);
    let again = Door::Delivered.submit(&service, &owner, T + 1, true).await;
    assert!(matches!(again, Some(Rejection::Replayed { .. })), "{again:?}");
    // §3.1.4.2: an app's code once.
    assert_eq!(Door::App.submit(&service, &owner, T + 60, true).await, None);
    let again = Door::App.submit(&service, &owner, T + 60, true).await;
    assert!(matches!(again, Some(Rejection::Replayed { .. })), "{again:?}");
    // §4.2.1.1: 24 characters of five bits each, once.
    let code = owner.codes.iter().next().unwrap();
    assert!(code.replace('-', "").len() * 5 >= 64);
    assert_eq!(Door::Recovery.submit(&service, &owner, T + 90, true).await, None);
    let again = Door::Recovery.submit(&service, &owner, T + 90, true).await;
    assert_eq!(again, Some(Rejection::UnknownRecoveryCode));
    // §4.6
    let told: Vec<_> =
        service.told().iter().filter(|event| event.notifies_owner()).map(|event| event.kind.as_str()).collect();
    for kind in ["confirmed", "recovery_codes_issued", "recovered"] {
        assert!(told.contains(&kind), "{kind} is not among {told:?}");
    }
}
