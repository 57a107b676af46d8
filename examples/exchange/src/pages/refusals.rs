//! Refusals: one sentence that says what to do, and a way that leads on.

use super::frame::Way;
use crate::language::Language;
use crate::words;
use maud::{Markup, html};
use sekisho::account::AccountError;
use sekisho::otp::{Advice, CodeKind, Rejection};

/// The page that a refusal is shown on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the password, before the code.
    Door,
    /// The page of an enrollment, which has a form for two codes of its own.
    Enrollment,
    /// The page of somebody who is logged in.
    Inside,
}

/// The help page, which leads on from everything.
pub(crate) const HELP: &str = "/help";

/// An answer to a code that was refused: what to do, until when to wait, how many attempts are
/// left, and the way on where the page's own form is none.
pub(crate) fn refused(language: Language, rejection: &Rejection, typed: CodeKind, now: u64, place: Place) -> Markup {
    let advice = rejection.advice_for(typed);
    let lock = (advice == Advice::WaitForTheLock).then(|| over(language, advice));
    html! {
        div.notice.refused role="alert" data-lock=[lock] {
            p { (advice.text(language.into())) }
            @if let Some(at) = rejection.retry_at() {
                p { (language.say("あと ", "Time left: ")) strong { (words::countdown(language, at.as_secs(), now, over(language, advice))) } }
            }
            @if let Some(left) = rejection.attempts_left().filter(|left| *left > 0) { p { (attempts_left(language, left)) } }
            @if let Some(way) = way_on(language, advice, place) { p { a.button href=(way.to) { (way.text) } } }
        }
    }
}

/// A warning of the lock to come.
fn attempts_left(language: Language, left: u32) -> String {
    match (language, left) {
        (Language::Japanese, left) => format!("あと{left}回間違えるとロックされます。"),
        (Language::English, 1) => "One more wrong code locks log-ins for a while.".into(),
        (Language::English, left) => format!("{left} more wrong codes lock log-ins for a while."),
    }
}

/// The sentence in the place of a countdown that is over.
const fn over(language: Language, advice: Advice) -> &'static str {
    match advice {
        Advice::WaitForTheLock => {
            language.say("ロックが解除されました。もう一度お試しください。", "The lock has ended: try again.")
        }
        Advice::WaitForTheNextCode => language.say("新しいコードを入力できます。", "The next code can be typed now."),
        Advice::WaitForTheMessage => language.say("もう一度送信できます。", "Another can be sent now."),
        _ => language.say("お待ちいただく時間は終わりました。", "The wait is over."),
    }
}

/// The way on from a refusal; none, where the form on the page is the way.
pub(crate) const fn way_on(language: Language, advice: Advice, place: Place) -> Option<Way> {
    Some(match (advice, place) {
        (Advice::SetTheClockToAutomatic | Advice::Resynchronize, Place::Enrollment) => {
            Way { to: "#two-codes", text: language.say("2つのコードで確認する", "Confirm by two codes") }
        }
        (Advice::SetTheClockToAutomatic | Advice::Resynchronize, _) => Way {
            to: "/resync",
            text: language.say("2つのコードで時刻を合わせる", "Adjust to the clock by two codes"),
        },
        (Advice::WaitForTheLock | Advice::UseARecoveryCode, Place::Door) => Way {
            to: "#other-ways",
            text: language.say("今すぐリカバリーコードを使う", "Use a recovery code now"),
        },
        (Advice::WaitForTheHold, Place::Inside) => {
            Way { to: "/wallet", text: language.say("停止の理由と期限を見る", "See why, and until when") }
        }
        (Advice::UseARecoveryCode | Advice::ContactSupport | Advice::UseAnotherWay | Advice::WaitForTheHold, _) => {
            Way { to: HELP, text: language.say("サポートに連絡する", "Contact support") }
        }
        _ => return None,
    })
}

/// An answer to what an account does not allow.
pub(crate) fn impossible(language: Language, why: &AccountError) -> Markup {
    let way = way_from(language, why);
    html! {
        div.notice.refused role="alert" {
            p { (why.text(language.into())) }
            p { a.button href=(way.to) { (way.text) } }
        }
    }
}

/// The way on from what an account does not allow.
pub(crate) const fn way_from(language: Language, why: &AccountError) -> Way {
    match why {
        AccountError::NotEnrolled => {
            Way { to: "/two-step", text: language.say("2段階認証を設定する", "Set up two-step login") }
        }
        AccountError::AlreadyEnrolled
        | AccountError::TooMany
        | AccountError::SameSecret
        | AccountError::NoSuchAuthenticator { .. }
        | AccountError::NoSuchDevice { .. }
        | AccountError::LastAuthenticator
        | AccountError::NotTheLast
        | AccountError::RecoveryCodesDue
        | AccountError::NothingPending
        | AccountError::ProofEnded
        | AccountError::ProofSpent
        | AccountError::HandleNeeded
        | AccountError::NoApp => Way {
            to: "/security",
            text: language.say("セキュリティ設定を見る", "See your security settings"),
        },
        AccountError::RecoveryWaits | AccountError::NothingSent | AccountError::ConfirmationNeeded => {
            Way { to: "/lost", text: language.say("再設定の状況を見る", "See the recovery") }
        }
        AccountError::NotByRecovery | AccountError::SessionEnded => {
            Way { to: "/log-in", text: language.say("ログインする", "Log in") }
        }
        AccountError::AuthorizationEnded => {
            Way { to: "/wallet", text: language.say("ウォレットを見る", "See your wallet") }
        }
        _ => Way { to: HELP, text: language.say("サポートに連絡する", "Contact support") },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sekisho::Verifier;
    use sekisho::account::{AccountId, Attempt, AuthenticatorId, DeviceId, NewAuthenticator, Purpose};
    use sekisho::otp::{NotAccepted, Step, Totp, UnixTime};
    use sekisho::seal::{KeyId, Keyring, SealingKey};
    use sekisho::store::MemoryStore;
    use sekisho::test_kit::TestClock;

    const AT: UnixTime = UnixTime::from_secs(1_800_000_060);
    const NOW: u64 = 1_800_000_000;

    /// Every refusal that a code of an app gets, from the first to the last, by a verifier.
    async fn counted() -> Vec<Rejection> {
        let clock = TestClock::at(UnixTime::from_secs(NOW));
        let keyring =
            Keyring::new(KeyId::new(1), SealingKey::from_bytes(*b"the keys of a test of refusals!!").unwrap());
        let verifier =
            Verifier::builder(MemoryStore::new(), keyring).clock(clock.clone()).without_notifications().build();
        let account = AccountId::new("alice").unwrap();
        verifier.create_account(&account).await.unwrap();
        let new = NewAuthenticator::new("Tsubame", "alice").unwrap();
        let enrollment = verifier.enroll_first(&account, new).await.unwrap();
        let phone = Totp::DEFAULT.key(enrollment.uri().secret());
        let code = |step: u64| phone.code_at(Step::new(step)).reveal().to_string();
        let attempt = |code: &str| Attempt::new(Purpose::LOGIN, code);
        let confirming =
            Attempt::new(Purpose::BINDING, &code(NOW / 30)).with_enrollment(enrollment.handle().to_text().expose());
        drop(verifier.confirm(&account, confirming).await.unwrap());
        let mut all = Vec::new();
        // Days apart, so that no lock is in the way; a code of two minutes ago, and one of long ago.
        for round in 1..200 {
            let now = NOW + round * 40;
            clock.set(UnixTime::from_secs(now));
            let late = if round % 2 == 0 { now / 30 - 4 } else { now / 30 - 40_000 };
            if let Err(NotAccepted::Rejected(rejection)) = verifier.verify(&account, attempt(&code(late))).await {
                if !all.contains(&rejection) {
                    all.push(rejection);
                }
                if let Some(at) = rejection.retry_at() {
                    clock.set(at);
                }
            }
        }
        all
    }

    /// Every refusal there is.
    async fn rejections() -> Vec<Rejection> {
        let mut all = counted().await;
        all.extend([
            Rejection::Replayed { next: AT },
            Rejection::Malformed,
            Rejection::UnknownRecoveryCode,
            Rejection::ReplacedEnrollment,
            Rejection::Locked { until: AT },
            Rejection::Busy { until: AT },
            Rejection::Disabled,
            Rejection::Held { until: AT },
            Rejection::Frozen,
            Rejection::SendLimited { until: AT },
            Rejection::AddressRefused,
        ]);
        let mut reasons: Vec<_> = all.iter().map(|rejection| rejection.reason().as_str()).collect();
        reasons.sort_unstable();
        reasons.dedup();
        assert_eq!(reasons.len(), 13, "each reason of the library is among them: {reasons:?}");
        let locked = all.iter().filter(|one| one.is_charged() && one.retry_at().is_some()).count();
        let open = all.iter().filter(|one| one.attempts_left().is_some_and(|left| left > 0)).count();
        assert!(locked > 0 && open > 3, "{all:?}");
        all
    }

    #[tokio::test]
    async fn every_refusal_says_what_to_do_and_leads_on_in_both_languages() {
        let rejections = rejections().await;
        let kinds = [CodeKind::AppCode, CodeKind::TwoCodes, CodeKind::DeliveredCode, CodeKind::RecoveryCode];
        for language in [Language::Japanese, Language::English] {
            for rejection in &rejections {
                for (typed, place) in kinds
                    .into_iter()
                    .flat_map(|kind| [(kind, Place::Door), (kind, Place::Enrollment), (kind, Place::Inside)])
                {
                    let shown = refused(language, rejection, typed, NOW, place).into_string();
                    let advice = rejection.advice_for(typed);
                    assert!(shown.contains(advice.text(language.into())), "{shown}");
                    // A link leads on, unless something on the page can be typed or waited for.
                    let is_shut = rejection.attempts_left() == Some(0) && rejection.retry_at().is_none();
                    assert!(
                        !is_shut || shown.contains("href="),
                        "{rejection:?} of {typed:?} at {place:?} is a dead end"
                    );
                    assert!(rejection.retry_at().is_none() || shown.contains("data-until"), "no end is said: {shown}");
                    assert!(shown.matches("class=\"button\"").count() <= 1, "one button: {shown}");
                }
            }
        }
    }

    #[test]
    fn everything_that_an_account_does_not_allow_leads_on() {
        let errors = [
            AccountError::NotEnrolled,
            AccountError::AlreadyEnrolled,
            AccountError::NotNew,
            AccountError::TooMany,
            AccountError::SameSecret,
            AccountError::PassNeeded,
            AccountError::ConfirmationNeeded,
            AccountError::AddressNotBound,
            AccountError::NothingSent,
            AccountError::ContextNeeded,
            AccountError::NoApp,
            AccountError::Held { until: AT },
            AccountError::HoldLength,
            AccountError::NeverHeld,
            AccountError::NothingHeld,
            AccountError::Frozen,
            AccountError::UnknownHandle,
            AccountError::SessionEnded,
            AccountError::NotOffered,
            AccountError::RecoveryWaits,
            AccountError::SecondOperatorNeeded,
            AccountError::NotFrozen,
            AccountError::NoSuchDevice { id: DeviceId::new(1) },
            AccountError::NoRecoveryCodes,
            AccountError::RecoveryCodesDue,
            AccountError::StrongerFactorNeeded,
            AccountError::NoStrongerFactor,
            AccountError::HasStrongerFactor,
            AccountError::NotByRecovery,
            AccountError::NothingPending,
            AccountError::HandleNeeded,
            AccountError::NoSuchAuthenticator { id: AuthenticatorId::new(1) },
            AccountError::LastAuthenticator,
            AccountError::NotTheLast,
            AccountError::Purpose,
            AccountError::UndeclaredPurpose { purpose: Purpose::LOGIN },
            AccountError::IsAct,
            AccountError::NotAnAct,
            AccountError::AuthorizationEnded,
            AccountError::ProofOfAnotherAccount,
            AccountError::ProofForAnotherPurpose,
            AccountError::ProofForAnotherContext,
            AccountError::ProofEnded,
            AccountError::ProofSpent,
            AccountError::EventsWaiting,
        ];
        for language in [Language::Japanese, Language::English] {
            for error in &errors {
                let shown = impossible(language, error).into_string();
                assert!(shown.contains(error.text(language.into())), "{shown}");
                assert!(shown.contains("<a class=\"button\" href=\"/"), "{error:?} is a dead end: {shown}");
            }
        }
    }
}
