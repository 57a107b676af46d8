//! Codes that are sent to an owner's phone number: asked for, and said that they are.

use super::frame;
use crate::App;
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

/// Sends a code for `purpose`, or says why not.
pub(super) async fn send(
    app: &App,
    language: Language,
    owner: &Owner,
    ask: &Ask,
    purpose: Purpose,
) -> Result<(StatusCode, HeaderMap, Markup), Trouble> {
    let mut request = CodeRequest::new(AuthenticatorId::new(ask.to), purpose);
    if let Some(device) = &owner.device {
        request = request.with_device(device);
    }
    if !ask.pass.trim().is_empty() {
        request = request.with_pass(ask.pass.trim());
    }
    Ok(match app.verifier.deliver(&owner.account, request).await {
        Ok(delivery) => {
            message(app, language, &delivery);
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
pub(super) fn message(app: &App, language: Language, delivery: &Delivery) {
    let purpose = delivery.purpose;
    let what = if purpose == Purpose::LOGIN {
        language.say("ログイン", "to log in")
    } else if purpose == Purpose::WITHDRAWAL {
        language.say("出金", "to withdraw")
    } else {
        language.say("セキュリティ設定の変更", "to change your security settings")
    };
    let name = language.say("Example Exchange 認証コード", "Example Exchange code");
    app.send(delivery.address.as_str(), format!("{name} ({what}): {}", delivery.code.reveal()));
}
