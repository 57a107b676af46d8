//! Codes that are sent to an owner's phone number: asked for, and said that they are.

use super::frame::{self, NAME};
use super::refusals::{self, Place};
use crate::App;
use crate::customers::Withdrawal;
use crate::language::Language;
use crate::session::Owner;
use crate::trouble::Trouble;
use crate::words;
use axum::http::{HeaderMap, StatusCode, Uri};
use maud::{Markup, html};
use sekisho::account::{AccountView, AuthenticatorId, AuthenticatorKind, CodeRequest, Delivery, Purpose};
use sekisho::otp::{CodeKind, NotAccepted};

/// The request that a button makes.
#[derive(serde::Deserialize)]
pub(super) struct Ask {
    to: u32,
    #[serde(default)]
    pass: String,
}

impl Ask {
    pub(super) fn to(to: u32) -> Self {
        Self { to, pass: String::new() }
    }

    /// With the pass of a link, if none is typed.
    pub(super) fn or_pass(&mut self, link: &str) {
        if self.pass.trim().is_empty() {
            link.clone_into(&mut self.pass);
        }
    }
}

/// The thing that a code shall confirm.
#[derive(Clone, Copy)]
pub(super) enum What<'a> {
    LogIn,
    Change,
    Withdrawal { amount: u64, to: &'a str },
}

impl What<'_> {
    const fn purpose(self) -> Purpose {
        match self {
            Self::LogIn => Purpose::LOGIN,
            Self::Change => Purpose::BINDING,
            Self::Withdrawal { .. } => Purpose::WITHDRAWAL,
        }
    }

    fn said(self, language: Language) -> String {
        match self {
            Self::LogIn => language.say("ログイン", "to log in").into(),
            Self::Change => language.say("セキュリティ設定の変更", "to change your security settings").into(),
            Self::Withdrawal { amount, to } => match language {
                Language::Japanese => format!("{to} への出金 ¥{}", words::grouped(amount)),
                Language::English => format!("to withdraw ¥{} to {to}", words::grouped(amount)),
            },
        }
    }
}

/// Buttons that send what is typed in the form `form` to another place. They stand behind it: the
/// first button of a form is pressed by Enter.
pub(super) fn buttons_of_form(language: Language, view: &AccountView, form: &str, action: &str) -> Markup {
    let addresses = view.authenticators.iter().filter(|own| matches!(own.kind, AuthenticatorKind::Address { .. }));
    html! {
        @for address in addresses {
            button.plain type="submit" form=(form) name="send_to" value=(address.id.number()) formaction=(action) formnovalidate {
                (language.say("コードを受け取る: ", "Send a code: ")) (words::kind(language, &address.kind))
            }
        }
    }
}

/// A button for each number. Where nothing is sent for now, a pass may be given.
pub(super) fn buttons(language: Language, view: &AccountView, action: &str, takes_pass: bool) -> Markup {
    let addresses = view.authenticators.iter().filter(|own| matches!(own.kind, AuthenticatorKind::Address { .. }));
    html! {
        @for address in addresses {
            form method="post" action=(action) {
                @if takes_pass { (frame::pass_field(language, &format!("pass-{}", address.id.number()))) }
                button.plain type="submit" name="to" value=(address.id.number()) {
                    (language.say("コードを受け取る: ", "Send a code: ")) (words::kind(language, &address.kind))
                }
            }
        }
    }
}

/// Sends a code, or says why not.
pub(super) async fn send(
    app: &App,
    language: Language,
    owner: &Owner,
    ask: &Ask,
    what: What<'_>,
) -> Result<(StatusCode, HeaderMap, Markup), Trouble> {
    let mut request = CodeRequest::new(AuthenticatorId::new(ask.to), what.purpose()).with_source(owner.source.clone());
    if let What::Withdrawal { amount, to } = what {
        request = request.with_context(&Withdrawal::context(amount, to));
    }
    if let Some(device) = &owner.device {
        request = request.with_device(device);
    }
    if let Some(pass) = super::pass::token_in(&ask.pass) {
        request = request.with_pass(pass);
    }
    Ok(match app.verifier.deliver(&owner.account, request).await {
        Ok(delivery) => {
            message(app, language, &delivery, what);
            let done = frame::done(language.say("コードを送信しました。", "A code was sent."));
            (StatusCode::OK, HeaderMap::new(), done)
        }
        Err(NotAccepted::Rejected(rejection)) => {
            let (status, headers) = super::refusal(&rejection, app.now());
            let place = if matches!(what, What::LogIn) { Place::Door } else { Place::Inside };
            let kind = CodeKind::DeliveredCode;
            (status, headers, refusals::refused(language, &rejection, kind, app.now(), place))
        }
        Err(NotAccepted::Failed(error)) => return Err(error.into()),
    })
}

/// The message itself. Its last line is what phones fill the code in from, and only on our pages
/// ("origin-bound one-time codes": <https://wicg.github.io/sms-one-time-codes/>).
pub(super) fn message(app: &App, language: Language, delivery: &Delivery, what: What<'_>) {
    let (what, code) = (what.said(language), delivery.code.reveal());
    let host = app.settings.origin.parse::<Uri>().ok().and_then(|origin| origin.host().map(ToOwned::to_owned));
    let host = host.unwrap_or_default();
    let text = match language {
        Language::Japanese => {
            format!("{NAME} 認証コード {code}（{what}）。誰にも教えないでください。\n\n@{host} #{code}")
        }
        Language::English => format!("{NAME} code {code} ({what}). Never give it to anybody.\n\n@{host} #{code}"),
    };
    app.send(delivery.address.as_str(), text);
}
