//! The authenticators of an account.

use super::encoding::fields::Unknown;
use super::token::TokenHash;
use crate::account::names::address::Address;
use crate::account::names::ids::AuthenticatorId;
use crate::account::names::text::Text;
use crate::otp::{Moment, RECENT_SECS, Secret, Step, Totp, Tracker, UnixTime};
use alloc::boxed::Box;
use subtle::ConstantTimeEq;

/// An authenticator that codes are accepted from.
pub(in crate::account) struct Authenticator {
    pub(in crate::account) id: AuthenticatorId,
    pub(in crate::account) name: Text,
    pub(in crate::account) kind: Kind,
    pub(in crate::account) bound_at: UnixTime,
    pub(in crate::account) last_used: UnixTime,
    /// The codes that were accepted of it, the confirming one apart.
    pub(in crate::account) uses: u64,
    pub(in crate::account) state: AuthenticatorState,
    pub(in crate::account) unknown: Unknown,
}

/// The state of an authenticator: it says whether its codes are accepted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(rename_all = "snake_case"))]
#[non_exhaustive]
pub enum AuthenticatorState {
    /// They are.
    #[default]
    Active = 0,
    /// Its owner has [suspended](crate::account::Account::suspend) it, and can resume it (SP
    /// 800-63B-4 §4.3).
    Suspended = 1,
    /// Too many failures in a row have disabled it, or an operator has. It has to be bound anew.
    Disabled = 2,
}

/// The kinds of authenticators.
pub(in crate::account) enum Kind {
    /// Makes codes by itself.
    App(App),
    /// Is sent them.
    Address(Address),
}

/// An app or a token.
pub(in crate::account) struct App {
    pub(in crate::account) totp: Totp,
    /// In its place on the heap: lists of authenticators grow, and move what they hold.
    pub(in crate::account) secret: Box<Secret>,
    pub(in crate::account) tracker: Tracker,
}

impl Kind {
    pub(in crate::account) const fn app(&self) -> Option<&App> {
        match self {
            Self::App(app) => Some(app),
            Self::Address(_) => None,
        }
    }

    pub(in crate::account) const fn app_mut(&mut self) -> Option<&mut App> {
        match self {
            Self::App(app) => Some(app),
            Self::Address(_) => None,
        }
    }

    pub(in crate::account) const fn address(&self) -> Option<&Address> {
        match self {
            Self::App(_) => None,
            Self::Address(address) => Some(address),
        }
    }

    /// Returns whether both are bound to the same secret or address.
    pub(in crate::account) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::App(other)) => self.is_app(other),
            (Self::Address(one), Self::Address(other)) => one.as_str() == other.as_str(),
            (Self::App(_), Self::Address(_)) => false,
        }
    }

    /// Returns whether this is an app with the same secret.
    pub(in crate::account) fn is_app(&self, other: &App) -> bool {
        self.app().is_some_and(|one| {
            // Also where other bytes make the same key: HMAC pads keys with zeros, and hashes long ones.
            let keys = [one, other].map(|app| app.totp.key(&app.secret));
            let [one_key, other_key] = &keys;
            (*one.secret == *other.secret) | bool::from(one_key.is_same_key(other_key))
        })
    }
}

impl Authenticator {
    pub(in crate::account) fn is_active(&self) -> bool {
        self.state == AuthenticatorState::Active
    }

    /// The time when the steps that were used up end.
    pub(in crate::account) fn used_until(&self) -> UnixTime {
        let Some(App { totp, tracker, .. }) = self.kind.app() else { return UnixTime::from_secs(0) };
        let after = |step: Step| totp.start_of(step.saturating_offset(1));
        tracker.watermark().map_or(UnixTime::from_secs(0), after)
    }
}

/// The names that an app shows: the issuer's, and the account's.
pub(in crate::account) struct Labels {
    pub(in crate::account) issuer: Box<str>,
    pub(in crate::account) account: Box<str>,
}

/// The app of an enrollment that another one has replaced before it was confirmed. Its codes are
/// recognized for ten minutes, and never accepted.
pub(in crate::account) struct Replaced {
    pub(in crate::account) app: App,
    /// The time when another one took its place.
    pub(in crate::account) at: UnixTime,
}

impl Replaced {
    pub(in crate::account) const fn is_recent(&self, now: Moment) -> bool {
        now.is_within_secs_after(self.at, RECENT_SECS) && !now.is_mistaken(self.at)
    }
}

/// An enrollment that waits for its confirming code.
pub(in crate::account) struct Pending {
    pub(in crate::account) id: AuthenticatorId,
    pub(in crate::account) name: Text,
    pub(in crate::account) kind: Kind,
    pub(in crate::account) until: UnixTime,
    /// The [lead](Moment::lead) when it began.
    pub(in crate::account) lead: u64,
    /// Goes at the moment this one comes.
    pub(in crate::account) replaces: Option<AuthenticatorId>,
    /// Begun with this pass, which the confirmation uses up.
    pub(in crate::account) pass: Option<TokenHash>,
    /// The hash of the handle, which whoever was shown the secret has.
    pub(in crate::account) handle: Option<TokenHash>,
    /// The names that an app shows.
    pub(in crate::account) labels: Option<Labels>,
    pub(in crate::account) unknown: Unknown,
}

impl Pending {
    /// Returns whether this is the hash of its handle.
    pub(in crate::account) fn is_named_by(&self, handle: Option<TokenHash>) -> bool {
        self.handle.zip(handle).is_some_and(|(one, other)| one.ct_eq(&other).into())
    }
}
