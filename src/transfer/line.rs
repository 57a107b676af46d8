//! The schema of JSON Lines: one account a line. `docs/moving.md` says what each field is.

use super::encoding::{self, Encoding};
use super::error::ReadError;
use super::loose_uri::{self, digits_of, period_of};
use super::short_secrets::ShortSecrets;
use crate::account::{
    AccountId, Address, AuthenticatorState, Channel, PortableAccount, PortableAddress, PortableApp, PortableHold,
    PortableState, Purpose, Text,
};
use crate::otp::{OtpauthUri, Sensitive, Step, Totp, UnixTime, UriError};
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use serde::{Deserialize, Serialize};
use zeroize::Zeroize;

/// The longest line that is read, in bytes.
const MAX_LEN: usize = 64 << 10;

/// A text with a secret in it. Wiped on drop.
#[derive(Deserialize, Serialize)]
#[serde(transparent)]
struct SecretText(String);

impl Drop for SecretText {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct Line {
    #[serde(skip_serializing_if = "Option::is_none")]
    account: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    account_hex: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    apps: Vec<App>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<LineAddress>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    recovery_codes: Vec<SecretText>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    hashed_recovery_codes: Vec<String>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    stronger_factor: bool,
    #[serde(skip_serializing_if = "is_open")]
    state: PortableState,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    holds: Vec<Hold>,
}

#[derive(Default, Deserialize, Serialize)]
#[serde(default, deny_unknown_fields)]
struct App {
    #[serde(skip_serializing_if = "Option::is_none")]
    secret: Option<SecretText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    encoding: Option<Encoding>,
    #[serde(skip_serializing_if = "Option::is_none")]
    uri: Option<SecretText>,
    #[serde(skip_serializing_if = "Option::is_none")]
    algorithm: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digits: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    period: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    t0: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_step: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_used_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    drift: Option<i32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bound_at: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<AppState>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum AppState {
    Active,
    Suspended,
    Disabled,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct LineAddress {
    channel: LineChannel,
    to: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bound_at: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    state: Option<AppState>,
}

#[derive(Clone, Copy, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum LineChannel {
    Sms,
    Voice,
    Email,
}

#[derive(Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
struct Hold {
    purpose: String,
    from: u64,
    until: u64,
}

#[allow(clippy::trivially_copy_pass_by_ref)] // as serde calls it
fn is_open(state: &PortableState) -> bool {
    *state == PortableState::Open
}

pub(super) fn read(short: ShortSecrets, text: &str) -> Result<(AccountId, PortableAccount), ReadError> {
    if text.len() > MAX_LEN {
        return Err(ReadError::Json { column: MAX_LEN });
    }
    let line: Line =
        serde_json::from_str(text).map_err(|error| ReadError::Json { column: error.column().max(error.line()) })?;
    let account = match (&line.account, &line.account_hex) {
        (Some(id), None) => AccountId::new(id)?,
        (None, Some(hex)) => {
            AccountId::new(base16ct::mixed::decode_vec(hex).map_err(|_| ReadError::Value("account_hex"))?)?
        }
        (None, None) => return Err(ReadError::Missing("the account")),
        (Some(_), Some(_)) => return Err(ReadError::Twice("the account")),
    };
    let mut portable = PortableAccount::new().with_state(line.state);
    for app in &line.apps {
        portable = portable.with_app(app.read(short)?);
    }
    for address in &line.addresses {
        portable = portable.with_address(address.read()?);
    }
    portable = portable.with_recovery_codes(line.recovery_codes.iter().map(|code| code.0.as_str()))?;
    portable = portable.with_hashed_recovery_codes(line.hashed_recovery_codes.iter().map(String::as_str))?;
    if line.stronger_factor {
        portable = portable.with_stronger_factor();
    }
    for Hold { purpose, from, until } in &line.holds {
        let (from, until) = (UnixTime::from_secs(*from), UnixTime::from_secs(*until));
        portable = portable.with_hold(PortableHold { purpose: Purpose::new(purpose)?, from, until });
    }
    Ok((account, portable))
}

impl App {
    fn read(&self, short: ShortSecrets) -> Result<PortableApp, ReadError> {
        let mut app = match (&self.uri, &self.secret) {
            (Some(uri), None) => {
                let beside = self.algorithm.is_some() || self.digits.is_some() || self.period.is_some();
                if beside || self.encoding.is_some() || self.t0.is_some() {
                    return Err(ReadError::Twice("a parameter of the URI"));
                }
                loose_uri::read(short, &uri.0)?.into_app()
            }
            (None, Some(secret)) => {
                short.app(encoding::secret(&secret.0, self.encoding.unwrap_or_default())?, self.totp()?)?
            }
            (None, None) => return Err(ReadError::Missing("the secret")),
            (Some(_), Some(_)) => return Err(ReadError::Twice("the secret")),
        };
        if let Some(name) = &self.name {
            app = app.named(Text::new(name)?);
        }
        app = match (self.last_used_step, self.last_used_at) {
            (Some(step), None) => app.last_used(Step::new(step)),
            (None, Some(at)) => {
                let step = app.totp().step_at(UnixTime::from_secs(at)).map_err(|_| ReadError::Value("last_used_at"))?;
                // A clock that is ahead may have shown the next one.
                let ahead = u64::from(self.drift.unwrap_or(0).max(0).unsigned_abs()).saturating_add(1);
                app.last_used(Step::new(step.number().saturating_add(ahead)))
            }
            (None, None) => app,
            (Some(_), Some(_)) => return Err(ReadError::Twice("the last used step")),
        };
        if let Some(at) = self.bound_at {
            app = app.bound_at(UnixTime::from_secs(at));
        }
        let state = self.state.map_or(AuthenticatorState::Active, AppState::state);
        Ok(app.with_drift(self.drift.unwrap_or(0)).with_state(state))
    }

    fn totp(&self) -> Result<Totp, ReadError> {
        let mut totp = Totp::DEFAULT;
        if let Some(name) = &self.algorithm {
            totp.algorithm = encoding::algorithm(name).ok_or(ReadError::Value("the algorithm"))?;
        }
        if let Some(digits) = self.digits {
            totp.digits = digits_of(&digits.to_string())?;
        }
        if let Some(period) = self.period {
            totp.period = period_of(&period.to_string())?;
        }
        totp.t0 = UnixTime::from_secs(self.t0.unwrap_or(0));
        Ok(totp)
    }

    fn of(app: &PortableApp) -> Self {
        let totp = app.totp();
        Self {
            secret: Some(SecretText(app.secret().to_base32().expose().clone())),
            encoding: None,
            uri: None,
            algorithm: Some(totp.algorithm.as_str().into()),
            digits: Some(totp.digits.count()),
            period: Some(totp.period.as_secs()),
            t0: Some(totp.t0.as_secs()).filter(|secs| *secs != 0),
            name: app.name().map(ToString::to_string),
            last_used_step: app.last_used_step().map(Step::number),
            last_used_at: None,
            drift: Some(app.drift()).filter(|drift| *drift != 0),
            bound_at: app.bound().map(UnixTime::as_secs),
            state: AppState::of(app.state()),
        }
    }
}

/// Writes an account as a line of JSON Lines, without its end: **with all its secrets**. A
/// [`Reader`](crate::transfer::Reader) reads it again.
#[must_use]
pub fn write_line(account: &AccountId, portable: &PortableAccount) -> Sensitive<String> {
    let text = core::str::from_utf8(account.as_bytes()).ok();
    let line = Line {
        account: text.map(String::from),
        account_hex: text.is_none().then(|| base16ct::lower::encode_string(account.as_bytes())),
        apps: portable.apps().iter().map(App::of).collect(),
        addresses: portable.numbers().iter().chain(portable.emails()).map(LineAddress::of).collect(),
        recovery_codes: Vec::new(),
        hashed_recovery_codes: portable.hashed_recovery_codes().map(String::from).collect(),
        stronger_factor: portable.has_stronger_factor(),
        state: portable.state(),
        holds: portable.holds().iter().map(Hold::of).collect(),
    };
    // Large enough never to grow, which would leave copies of secrets unwiped.
    let mut bytes = Sensitive::new(Vec::with_capacity(MAX_LEN));
    // All of it has a JSON form, and a vector takes it.
    let _ = serde_json::to_writer(bytes.expose_mut(), &line);
    Sensitive::new(String::from_utf8(core::mem::take(bytes.expose_mut())).unwrap_or_default())
}

impl AppState {
    /// Nothing for one that is active.
    const fn of(state: AuthenticatorState) -> Option<Self> {
        match state {
            AuthenticatorState::Active => None,
            AuthenticatorState::Suspended => Some(Self::Suspended),
            AuthenticatorState::Disabled => Some(Self::Disabled),
        }
    }

    const fn state(self) -> AuthenticatorState {
        match self {
            Self::Active => AuthenticatorState::Active,
            Self::Suspended => AuthenticatorState::Suspended,
            Self::Disabled => AuthenticatorState::Disabled,
        }
    }
}

impl LineAddress {
    fn of(address: &PortableAddress) -> Self {
        let channel = match address.address().channel() {
            Channel::Sms => LineChannel::Sms,
            Channel::Voice => LineChannel::Voice,
            Channel::Email => LineChannel::Email,
        };
        Self {
            channel,
            to: address.address().as_str().into(),
            name: address.name().map(ToString::to_string),
            bound_at: address.bound().map(UnixTime::as_secs),
            state: AppState::of(address.state()),
        }
    }

    fn read(&self) -> Result<PortableAddress, ReadError> {
        let mut address = PortableAddress::from(match self.channel {
            LineChannel::Sms => Address::sms(&self.to)?,
            LineChannel::Voice => Address::voice(&self.to)?,
            LineChannel::Email => Address::email(&self.to)?,
        });
        // An e-mail address that was suspended would confirm a reset here: it is not taken.
        if matches!(self.channel, LineChannel::Email) && self.state.is_some() {
            return Err(ReadError::Value("the state of an e-mail address"));
        }
        if let Some(name) = &self.name {
            address = address.named(Text::new(name)?);
        }
        if let Some(at) = self.bound_at {
            address = address.bound_at(UnixTime::from_secs(at));
        }
        Ok(address.with_state(self.state.map_or(AuthenticatorState::Active, AppState::state)))
    }
}

impl Hold {
    fn of(hold: &PortableHold) -> Self {
        let PortableHold { purpose, from, until } = hold;
        Self { purpose: purpose.as_str().into(), from: from.as_secs(), until: until.as_secs() }
    }
}

/// Writes the apps of an account as otpauth URIs, one a line: **with their secrets**, every
/// parameter in them. For apps, and for systems that read nothing else. What a URI cannot say is
/// lost: used steps, drift, states, and everything beside the apps. Apps with a T0 other than 1970
/// have no URI.
///
/// # Errors
/// [`UriError`] if `issuer` or `account` is no name that apps read.
pub fn write_uris(issuer: &str, account: &str, portable: &PortableAccount) -> Result<Sensitive<String>, UriError> {
    let longest = portable.apps().len().saturating_mul(OtpauthUri::MAX_LEN.saturating_add(1));
    // Large enough never to grow, which would leave copies of secrets unwiped.
    let mut text = Sensitive::new(String::with_capacity(longest));
    for app in portable.apps().iter().filter(|app| app.totp().t0 == UnixTime::default()) {
        let uri = OtpauthUri::new_with_legacy_secret(issuer, account, app.secret().clone(), app.totp())?;
        text.expose_mut().push_str(uri.to_text_with_defaults().expose());
        text.expose_mut().push('\n');
    }
    Ok(text)
}
