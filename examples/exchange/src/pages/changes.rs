//! The page of each change: what will happen, until when something is held for it, and the code
//! that proves who asks. Afterwards the settings say that it has happened.

use super::security::{Answer, Settings};
use super::{frame, of, sent, sheet, two_step};
use crate::session;
use axum::Form;
use axum::extract::Query;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{AuthenticatorId, AuthenticatorState, DeviceId, Text};

/// The changes that have a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Which {
    Add,
    AddPhone,
    Replace,
    Rename,
    Remove,
    Suspend,
    Resume,
    RecoveryCodes,
    VoidRecoveryCodes,
    BindMailbox,
    UnbindMailbox,
    Forget,
}

impl Which {
    pub(super) const ALL: [Self; 12] = [
        Self::Add,
        Self::AddPhone,
        Self::Replace,
        Self::Rename,
        Self::Remove,
        Self::Suspend,
        Self::Resume,
        Self::RecoveryCodes,
        Self::VoidRecoveryCodes,
        Self::BindMailbox,
        Self::UnbindMailbox,
        Self::Forget,
    ];

    /// The page's address; its form is sent there too.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Add => "/security/add",
            Self::AddPhone => "/security/add-phone",
            Self::Replace => "/security/replace",
            Self::Rename => "/security/rename",
            Self::Remove => "/security/remove",
            Self::Suspend => "/security/suspend",
            Self::Resume => "/security/resume",
            Self::RecoveryCodes => "/security/recovery-codes",
            Self::VoidRecoveryCodes => "/security/void-recovery-codes",
            Self::BindMailbox => "/security/mailbox",
            Self::UnbindMailbox => "/security/mailbox/unbind",
            Self::Forget => "/security/forget",
        }
    }

    fn of(path: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|which| which.path() == path)
    }

    /// Returns whether withdrawals are held after it.
    const fn holds(self) -> bool {
        !matches!(self, Self::Rename | Self::Suspend | Self::VoidRecoveryCodes | Self::Forget)
    }

    const fn is_grave(self) -> bool {
        matches!(self, Self::Remove | Self::VoidRecoveryCodes | Self::UnbindMailbox)
    }

    fn texts(self, at: &Settings) -> [&'static str; 3] {
        match self {
            Self::Add => [
                at.say("認証アプリを追加", "Add an authenticator app"),
                at.say("2台目のスマートフォンやタブレットでもコードを使えるようにします。",
                    "Codes of a second phone or a tablet will be accepted too."),
                at.say("QRコードを表示", "Show the QR code"),
            ],
            Self::AddPhone => [
                at.say("電話番号を追加（SMS）", "Add a phone number (text messages)"),
                at.say("SMSは、番号の乗っ取りにより他人に届くことがあります。認証アプリのほうが安全です。",
                    "Messages can be led to others by taking over the number: an app is safer."),
                at.say("確認コードを送る", "Send a code to it"),
            ],
            Self::Replace => [
                at.say("機種変更", "Change of phone"),
                at.say("新しいスマートフォンのQRコードを表示します。登録が終わるまで、今のスマートフォンをそのまま使えます。",
                    "You are shown a QR code for the new phone. Until it is confirmed, the old one goes on working."),
                at.say("新しいQRコードを表示", "Show the new QR code"),
            ],
            Self::Rename => [
                at.say("名前を変える", "Rename"),
                at.say("この画面に表示される名前です。", "It is the name that these pages show."),
                at.say("変更する", "Rename"),
            ],
            Self::Remove => [
                at.say("認証方法の削除", "Remove an authenticator"),
                at.say("この認証方法のコードは使えなくなり、ほかのブラウザはログアウトされます。",
                    "Its codes are no longer accepted, and other browsers are logged out."),
                at.say("削除する", "Remove"),
            ],
            Self::Suspend => [
                at.say("一時停止", "Suspend an authenticator"),
                at.say("再開するまで、この認証方法のコードを受け付けません。再開には、リカバリーコードかほかの認証方法が必要です。ほかのブラウザはログアウトされます。",
                    "Its codes are refused until you resume it, which takes a recovery code or another authenticator. Other browsers are logged out."),
                at.say("一時停止する", "Suspend"),
            ],
            Self::Resume => [
                at.say("再開", "Resume an authenticator"),
                at.say("この認証方法のコードを再び受け付けます。", "Its codes are accepted again."),
                at.say("再開する", "Resume"),
            ],
            Self::RecoveryCodes => [
                at.say("リカバリーコードの発行", "New recovery codes"),
                at.say("10個のコードを表示します。「保管しました」を押すまでは、今の用紙が有効です。",
                    "You are shown ten. The sheet that you have now is good until you say that the new one is kept."),
                at.say("発行する", "Issue them"),
            ],
            Self::VoidRecoveryCodes => [
                at.say("リカバリーコードを無効にする", "Void the recovery codes"),
                at.say("今の用紙のコードは、すぐにすべて使えなくなります。",
                    "None of the sheet's codes is accepted from now on."),
                at.say("今すぐ無効にする", "Void them now"),
            ],
            Self::BindMailbox => [
                at.say("再設定用メールアドレスの登録", "Bind the mailbox for a recovery"),
                at.say("すべて失ったとき、このアドレスで確認し、数日後に設定し直せます。登録後24時間は使えません。",
                    "When all else is lost it confirms a recovery, which takes some days. It counts a day after it was bound."),
                at.say("登録する", "Bind it"),
            ],
            Self::UnbindMailbox => [
                at.say("再設定用メールアドレスの解除", "Unbind the mailbox"),
                at.say("すべて失ったときは、サポートでの本人確認が必要になります。",
                    "When all else is lost, you will have to show support who you are."),
                at.say("解除する", "Unbind it"),
            ],
            Self::Forget => [
                at.say("ブラウザの記憶を削除", "Forget a browser"),
                at.say("次のログインから、知らないブラウザとして扱われます。", "From its next log-in on it is a stranger."),
                at.say("削除する", "Forget it"),
            ],
        }
    }

    /// The page, with what was typed already.
    pub(super) fn page(self, at: &Settings, typed: &Change, above: Option<Markup>) -> Markup {
        let [heading, explains, button] = self.texts(at);
        let (language, now) = (at.language, at.app.now());
        frame::page(
            language,
            heading,
            &of(&at.owner.customer),
            html! {
                h1 { (heading) }
                @if let Some(above) = above { (above) }
                section.card {
                    @if let Some(name) = self.named(at, typed) { p { strong { (name) } } }
                    p { (explains) }
                    @if self == Self::BindMailbox { (mail_me(at)) }
                    form #change method="post" action=(self.path()) {
                        (self.fields(at, typed))
                        @if self.holds() { (frame::hold_ahead(language, now, at.app.settings.policy.limits().binding_hold_secs)) }
                        @if at.has_proof() {
                            p.hint { (language.say("先ほどのコードで確認済みです。", "The code that you have just typed counts for this.")) }
                        } @else {
                            (frame::proof_fields(language, now))
                        }
                        button.main.grave[self.is_grave()] type="submit" { (button) }
                    }
                    @if !at.has_proof() { (sent::buttons_of_form(language, &at.owner.view, "change", "/security/send")) }
                }
                p.alone { a href="/security" { (language.say("変更せずに戻る", "Back, without a change")) } }
            },
        )
    }

    /// The name of what is changed.
    fn named(self, at: &Settings, typed: &Change) -> Option<String> {
        // Names of authenticators and browsers are for whoever has typed a code.
        if !at.is_open() {
            return None;
        }
        let view = &at.owner.view;
        if self == Self::Forget {
            let device = view.devices.iter().find(|own| own.id.number() == typed.id);
            return device.map(|own| own.name.as_str().to_owned());
        }
        let own = view.authenticators.iter().find(|own| u64::from(own.id.number()) == typed.id)?;
        Some(own.name.as_str().to_owned())
    }

    fn fields(self, at: &Settings, typed: &Change) -> Markup {
        let language = at.language;
        html! {
            input type="hidden" name="which" value=(self.path());
            @if typed.id > 0 { input type="hidden" name="id" value=(typed.id); }
            @match self {
                Self::Rename => {
                    label for="name" { (language.say("名前", "Name")) }
                    @let name = if typed.name.is_empty() { self.named(at, typed).unwrap_or_default() } else { typed.name.clone() };
                    input #name name="name" value=(name) required maxlength="40";
                }
                Self::AddPhone => { (super::addresses::number_fields(language, typed)) }
                Self::BindMailbox => {
                    label for="confirmation" { (language.say("メールのコード", "The code in the mail")) }
                    input.code #confirmation name="confirmation" value=(typed.confirmation) inputmode="numeric" autocomplete="off" required maxlength="64";
                }
                Self::Remove if at.is_open() && is_last(at, typed.authenticator()) => {
                    input type="hidden" name="last" value="yes";
                    (frame::wrong(language.say(
                        "最後の認証方法です。削除すると、パスワードだけでログインできるようになり、リカバリーコードも無効になります。",
                        "This is the last one. Without it a password alone logs in, and the recovery codes are void.")))
                }
                _ => {}
            }
        }
    }
}

/// The form that has a code mailed. The mailbox is the one that the customer logs in with.
fn mail_me(at: &Settings) -> Markup {
    html! {
        p { (at.owner.customer.email) }
        form method="post" action="/security/mailbox/send" {
            button.plain type="submit" { (at.say("メールでコードを受け取る", "Mail me a code")) }
        }
    }
}

/// Returns whether no other authenticator is active.
fn is_last(at: &Settings, id: AuthenticatorId) -> bool {
    let others = at.owner.view.authenticators.iter().filter(|own| own.id != id);
    !others.into_iter().any(|own| own.state == AuthenticatorState::Active)
}

/// The fields of a change, and of the code that proves who asks.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Change {
    pub(super) id: u64,
    pub(super) code: String,
    pub(super) recovery: String,
    /// That the last authenticator goes is known.
    last: String,
    pub(super) name: String,
    pub(super) number: String,
    /// The country of a number that is written without its code.
    pub(super) country: String,
    /// The code that was mailed.
    pub(super) confirmation: String,
    /// The address of the page that a code is asked for from.
    which: String,
    /// The authenticator that a code shall be sent to.
    send_to: u32,
}

impl Change {
    fn authenticator(&self) -> AuthenticatorId {
        AuthenticatorId::new(u32::try_from(self.id).unwrap_or(u32::MAX))
    }
}

pub(super) async fn page(at: Settings, uri: Uri, Query(typed): Query<Change>) -> Response {
    if at.owner.view.authenticators.is_empty() {
        return Redirect::to("/two-step").into_response();
    }
    match Which::of(uri.path()) {
        Some(which) => which.page(&at, &Change { id: typed.id, ..Change::default() }, None).into_response(),
        None => Redirect::to("/security").into_response(),
    }
}

pub(super) async fn add(at: Settings, Form(typed): Form<Change>) -> Answer {
    let new = two_step::new_authenticator(&at.app, at.language, &at.owner).map_err(IntoResponse::into_response)?;
    let proof = at.prove(Which::Add, &typed).await?;
    let enrollment = at.allowed(Which::Add, &typed, at.app.verifier.enroll(proof, new).await)?;
    at.keep(enrollment.handle()).await?;
    Ok(Redirect::to(two_step::SCAN).into_response())
}

pub(super) async fn replace(at: Settings, Form(typed): Form<Change>) -> Answer {
    let new = two_step::new_authenticator(&at.app, at.language, &at.owner).map_err(IntoResponse::into_response)?;
    let proof = at.prove(Which::Replace, &typed).await?;
    let begun = at.app.verifier.replace(proof, typed.authenticator(), new).await;
    let enrollment = at.allowed(Which::Replace, &typed, begun)?;
    at.keep(enrollment.handle()).await?;
    Ok(Redirect::to(two_step::SCAN).into_response())
}

pub(super) async fn rename(at: Settings, Form(typed): Form<Change>) -> Answer {
    let Ok(name) = Text::new(typed.name.trim()) else {
        let text = at.say("名前は1行、128バイトまでです。", "A name is one line, of up to 128 bytes.");
        return Err(at.again(Which::Rename, &typed, StatusCode::UNPROCESSABLE_ENTITY, frame::wrong(text)));
    };
    let proof = at.prove(Which::Rename, &typed).await?;
    let renamed = at.app.verifier.rename(&proof, typed.authenticator(), name).await;
    at.allowed(Which::Rename, &typed, renamed)?;
    at.done(at.say("名前を変更しました。", "Renamed.")).await
}

pub(super) async fn remove(at: Settings, Form(typed): Form<Change>) -> Answer {
    let proof = at.prove(Which::Remove, &typed).await?;
    let (verifier, id) = (&at.app.verifier, typed.authenticator());
    let removed =
        if typed.last == "yes" { verifier.remove_last(proof, id).await } else { verifier.remove(proof, id).await };
    at.go_on(at.allowed(Which::Remove, &typed, removed)?).await?;
    at.done(at.say("認証方法を削除しました。", "The authenticator was removed.")).await
}

pub(super) async fn suspend(at: Settings, Form(typed): Form<Change>) -> Answer {
    let proof = at.prove(Which::Suspend, &typed).await?;
    let suspended = at.app.verifier.suspend(proof, typed.authenticator()).await;
    at.go_on(at.allowed(Which::Suspend, &typed, suspended)?).await?;
    at.done(at.say("認証方法を一時停止しました。", "The authenticator is suspended.")).await
}

pub(super) async fn resume(at: Settings, Form(typed): Form<Change>) -> Answer {
    let proof = at.prove(Which::Resume, &typed).await?;
    let resumed = at.app.verifier.resume(proof, typed.authenticator()).await;
    at.go_on(at.allowed(Which::Resume, &typed, resumed)?).await?;
    at.done(at.say("認証方法を再開しました。", "The authenticator is resumed.")).await
}

pub(super) async fn recovery_codes(at: Settings, Form(typed): Form<Change>) -> Answer {
    let proof = at.prove(Which::RecoveryCodes, &typed).await?;
    let issued = at.app.verifier.issue_recovery_codes(proof).await;
    let made = at.allowed(Which::RecoveryCodes, &typed, issued)?;
    session::keep_sheet(&at.session, made.handle()).await.map_err(IntoResponse::into_response)?;
    Ok(Redirect::to(sheet::PAGE).into_response())
}

pub(super) async fn void_recovery_codes(at: Settings, Form(typed): Form<Change>) -> Answer {
    let proof = at.prove(Which::VoidRecoveryCodes, &typed).await?;
    at.allowed(Which::VoidRecoveryCodes, &typed, at.app.verifier.void_recovery_codes(&proof).await)?;
    at.done(at.say(
        "リカバリーコードを無効にしました。新しく発行してください。",
        "The recovery codes are void. Have new ones issued.",
    ))
    .await
}

pub(super) async fn forget(at: Settings, Form(typed): Form<Change>) -> Answer {
    let proof = at.prove(Which::Forget, &typed).await?;
    let forgotten = at.app.verifier.forget_device(&proof, DeviceId::new(typed.id)).await;
    at.allowed(Which::Forget, &typed, forgotten)?;
    at.done(at.say("ブラウザの記憶を削除しました。", "The browser is forgotten.")).await
}

/// Sends the code for a change to a number, from the page of the change.
pub(super) async fn send(at: Settings, Form(typed): Form<Change>) -> Answer {
    let Some(which) = Which::of(&typed.which) else { return Ok(Redirect::to("/security").into_response()) };
    let ask = sent::Ask::to(typed.send_to);
    let sent = sent::send(&at.app, at.language, &at.owner, &ask, sent::What::Change).await;
    let (status, headers, above): (StatusCode, HeaderMap, Markup) = sent.map_err(IntoResponse::into_response)?;
    Ok((headers, at.again(which, &typed, status, above)).into_response())
}
