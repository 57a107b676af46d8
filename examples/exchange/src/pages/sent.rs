//! Codes that are sent to an owner's phone number: asked for, and said that they are.

use super::frame;
use crate::App;
use crate::customers::Withdrawal;
use crate::language::Language;
use crate::session::Owner;
use crate::trouble::Trouble;
use crate::words;
use axum::http::{HeaderMap, StatusCode};
use maud::{Markup, html};
use sekisho::account::{AccountView, AuthenticatorId, AuthenticatorKind, CodeRequest, Delivery, Purpose};
use sekisho::otp::{CodeKind, NotAccepted};

/// What a button asks for.
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
    if !ask.pass.trim().is_empty() {
        request = request.with_pass(ask.pass.trim());
    }
    Ok(match app.verifier.deliver(&owner.account, request).await {
        Ok(delivery) => {
            message(app, language, &delivery, what);
            let done = frame::done(language.say("コードを送信しました。", "A code was sent."));
            (StatusCode::OK, HeaderMap::new(), done)
        }
        Err(NotAccepted::Rejected(rejection)) => {
            let (status, headers) = super::refusal(&rejection, app.now());
            (status, headers, words::refused(language, &rejection, CodeKind::DeliveredCode, app.now()))
        }
        Err(NotAccepted::Failed(error)) => return Err(error.into()),
    })
}

/// The message itself.
pub(super) fn message(app: &App, language: Language, delivery: &Delivery, what: What<'_>) {
    let what = what.said(language);
    let name = language.say("Example Exchange 認証コード", "Example Exchange code");
    app.send(delivery.address.as_str(), format!("{name} ({what}): {}", delivery.code.reveal()));
}
