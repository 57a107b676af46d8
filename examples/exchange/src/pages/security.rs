//! What a customer may change of the second factor: each change takes a code of its own, the app's,
//! one that was sent, or a recovery code.

use super::{frame, lost, of, refusal, sent, sheet, two_step};
use crate::App;
use crate::language::Language;
use crate::session::{self, By, LoggedIn, Owner};
use crate::trouble::Trouble;
use crate::words;
use axum::Form;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{
    AccountError, AccountView, Address, Attempt, AuthenticatorId, AuthenticatorKind, AuthenticatorState,
    AuthenticatorView, CodeRequest, DeviceId, EnrollmentHandle, Event, NewAddress, Proof, Purpose, Text,
};
use sekisho::otp::{CodeKind, NotAccepted, Rejection};
use tower_sessions::Session;

/// A page of somebody who is logged in, and what it takes to answer with it.
pub(super) struct Settings {
    app: App,
    language: Language,
    session: Session,
    owner: Owner,
}

/// An answer; as an error, the one that ends it early.
type Answer = Result<Response, Response>;

impl<S: Send + Sync> FromRequestParts<S> for Settings
where
    App: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Ok(language) = Language::from_request_parts(parts, state).await;
        let LoggedIn(owner) = LoggedIn::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let session = Session::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self { app: App::from_ref(state), language, session, owner })
    }
}

impl Settings {
    const fn say(&self, japanese: &'static str, english: &'static str) -> &'static str {
        self.language.say(japanese, english)
    }

    /// The page as it is now, with what there is to say.
    async fn page(&self, status: StatusCode, headers: HeaderMap, above: Markup) -> Response {
        let (verifier, account) = (&self.app.verifier, &self.owner.account);
        let read = async { Ok::<_, sekisho::Error>((verifier.view(account).await?, verifier.history(account).await?)) };
        match read.await {
            Ok((view, events)) => (status, headers, show(self, &view, &events, Some(above))).into_response(),
            Err(error) => Trouble::from(error).into_response(),
        }
    }

    async fn done(&self, text: &str) -> Answer {
        Ok(self.page(StatusCode::OK, HeaderMap::new(), frame::done(text)).await)
    }

    async fn wrong(&self, status: StatusCode, text: &str) -> Response {
        self.page(status, HeaderMap::new(), frame::wrong(text)).await
    }

    async fn refused(&self, rejection: &Rejection, typed: CodeKind) -> Response {
        let (status, headers) = refusal(rejection, self.app.now());
        self.page(status, headers, words::refused(self.language, rejection, typed, self.app.now())).await
    }

    /// What the account allows. What it does not is said.
    async fn allowed<T>(&self, result: Result<T, sekisho::Error>) -> Result<T, Response> {
        match result {
            Ok(done) => Ok(done),
            Err(sekisho::Error::Account(why)) if why != AccountError::EventsWaiting => {
                Err(self.wrong(StatusCode::CONFLICT, words::impossible(self.language, &why)).await)
            }
            Err(error) => Err(Trouble::from(error).into_response()),
        }
    }

    /// Keeps the handle of an enrollment that was begun.
    async fn keep(&self, handle: &EnrollmentHandle) -> Result<(), Response> {
        session::keep_enrollment(&self.session, handle).await.map_err(IntoResponse::into_response)
    }

    /// The proof for a change.
    async fn prove(&self, change: &Change) -> Result<Proof, Response> {
        let (attempt, typed) = change.attempt(Purpose::BINDING, super::typed(&self.owner.view));
        match self.app.verifier.verify(&self.owner.account, self.owner.attempt(attempt)).await {
            Ok(proof) => Ok(proof),
            Err(NotAccepted::Rejected(rejection)) => Err(self.refused(&rejection, typed).await),
            Err(NotAccepted::Failed(error)) => self.allowed(Err(error)).await,
        }
    }
}

pub(super) async fn page(settings: Settings) -> Response {
    match settings.app.verifier.history(&settings.owner.account).await {
        Ok(events) => show(&settings, &settings.owner.view, &events, None).into_response(),
        Err(error) => Trouble::from(error).into_response(),
    }
}

fn show(settings: &Settings, view: &AccountView, events: &[Event], above: Option<Markup>) -> Markup {
    let heading = settings.say("セキュリティ設定", "Security");
    let (language, now) = (settings.language, settings.app.now());
    frame::page(
        language,
        heading,
        &of(&settings.owner.customer),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            (lost::warning(language, view))
            @if view.authenticators.is_empty() {
                p { a.button href="/two-step" { (language.say("2段階認証を設定", "Set up two-step login")) } }
            } @else {
                (sent::buttons(language, view, "/security/send", false))
                h2 { (language.say("認証手段", "Authenticators")) }
                @for own in &view.authenticators { (authenticator(language, now, view, own)) }
                (more(language, now))
                section #recovery {
                    h2 { (language.say("リカバリーコード", "Recovery codes")) }
                    p { (language.say("未使用: ", "Not used: ")) span #recovery-left { (view.recovery_codes_left) } }
                    form method="post" action="/security/recovery-codes" {
                        (frame::proof_fields(language, "code-recovery", now))
                        button type="submit" { (language.say("新しく発行する", "Issue new ones")) }
                    }
                    @if view.recovery_codes_due {
                        (frame::wrong(language.say("使用済みのコードがあります。新しく発行してください。", "One was used: have new ones issued.")))
                    }
                    details {
                        summary { (language.say("用紙を盗まれた場合", "The sheet was stolen")) }
                        form method="post" action="/security/void-recovery-codes" {
                            (frame::proof_fields(language, "code-void", now))
                            button type="submit" { (language.say("今すぐ無効にする", "Void them at once")) }
                        }
                    }
                }
                (mailbox(language, now, view))
                (devices(language, now, view))
                p { a href="/resync" { (language.say("コードが合わないとき", "If codes are refused")) } }
            }
            p { a href="/password" { (language.say("パスワードの変更", "Change the password")) } }
            (activity(language, events))
        },
    )
}

fn authenticator(language: Language, now: u64, view: &AccountView, own: &AuthenticatorView) -> Markup {
    let id = own.id.number();
    let name = own.name.as_str();
    let is_active = |one: &AuthenticatorView| one.state == AuthenticatorState::Active;
    let is_last = !view.authenticators.iter().any(|other| is_active(other) && other.id != own.id);
    html! {
        article.authenticator {
            h3 { (name) }
            p.meta {
                (words::kind(language, &own.kind)) " · "
                (language.say("設定: ", "Added ")) (words::moment(language, own.bound_at.as_secs()))
                " · " (language.say("最終使用: ", "last used ")) (words::moment(language, own.last_used.as_secs()))
            }
            @match own.state {
                AuthenticatorState::Disabled => { (frame::wrong(language.say("無効になっています。", "Disabled: too many wrong codes."))) }
                AuthenticatorState::Suspended => { (frame::wrong(language.say("一時停止中です。", "Suspended."))) }
                _ => {}
            }
            (turn(language, now, own))
            details {
                summary { (language.say("名前を変える", "Rename")) span.hidden { ": " (name) } }
                form method="post" action="/security/rename" {
                    input type="hidden" name="id" value=(id);
                    label for=(format!("name-{id}")) { (language.say("名前", "Name")) }
                    input id=(format!("name-{id}")) name="name" value=(name) required maxlength="40";
                    (frame::proof_fields(language, &format!("code-rename-{id}"), now))
                    button type="submit" { (language.say("変更する", "Rename")) }
                }
            }
            @if matches!(own.kind, AuthenticatorKind::App { .. }) {
                details {
                    summary { (language.say("機種変更（新しいスマートフォンに替える）", "Change of phone")) span.hidden { ": " (name) } }
                    form method="post" action="/security/replace" {
                        input type="hidden" name="id" value=(id);
                        (frame::proof_fields(language, &format!("code-replace-{id}"), now))
                        button type="submit" { (language.say("新しいQRコードを表示", "Show the new QR code")) }
                    }
                }
            }
            details {
                summary { (language.say("削除", "Remove")) span.hidden { ": " (name) } }
                form method="post" action="/security/remove" {
                    input type="hidden" name="id" value=(id);
                    @if is_last {
                        input type="hidden" name="last" value="yes";
                        (frame::wrong(language.say(
                            "最後の認証手段です。削除するとパスワードだけでログインできるようになり、リカバリーコードも無効になります。",
                            "This is the last one. Without it a password alone logs in, and the recovery codes are void.")))
                    }
                    (frame::proof_fields(language, &format!("code-remove-{id}"), now))
                    button type="submit" { (language.say("削除する", "Remove")) }
                }
            }
        }
    }
}

/// A phone that cannot be found is suspended, and resumed when it is.
fn turn(language: Language, now: u64, own: &AuthenticatorView) -> Markup {
    let (action, title, button) = match own.state {
        AuthenticatorState::Active => (
            "/security/suspend",
            language.say("一時停止（見つからないとき）", "Suspend (when it cannot be found)"),
            language.say("一時停止する", "Suspend"),
        ),
        AuthenticatorState::Suspended => {
            ("/security/resume", language.say("再開", "Resume"), language.say("再開する", "Resume"))
        }
        _ => return html! {},
    };
    let id = own.id.number();
    html! {
        details {
            summary { (title) span.hidden { ": " (own.name.as_str()) } }
            form method="post" action=(action) {
                input type="hidden" name="id" value=(id);
                (frame::proof_fields(language, &format!("code-turn-{id}"), now))
                button type="submit" { (button) }
            }
        }
    }
}

/// The latest events, with their sources.
fn activity(language: Language, events: &[Event]) -> Markup {
    html! {
        section {
            h2 { (language.say("最近の操作", "Latest activity")) }
            table #activity {
                thead { tr { th { (language.say("日時", "When")) } th { (language.say("操作", "What")) } th { (language.say("接続元", "From")) } } }
                tbody { @for event in events.iter().rev().take(10) {
                    tr {
                        td { (words::moment(language, event.at.as_secs())) }
                        td { (words::happened(language, &event.kind)) }
                        td { (words::source(event)) }
                    }
                } }
            }
        }
    }
}

fn more(language: Language, now: u64) -> Markup {
    html! {
        details {
            summary { (language.say("認証アプリを追加", "Add an authenticator app")) }
            form method="post" action="/security/add" {
                (frame::proof_fields(language, "code-add", now))
                button type="submit" { (language.say("QRコードを表示", "Show the QR code")) }
            }
        }
        details {
            summary { (language.say("電話番号を追加（SMS）", "Add a phone number (text messages)")) }
            p { (language.say("SMSは、番号の乗っ取りにより他人に届くことがあります。認証アプリのほうが安全です。",
                "Messages can be led to others by taking over the number: an app is safer.")) }
            form method="post" action="/security/add-phone" {
                label for="number" { (language.say("電話番号（国番号から）", "Number, with country code")) }
                input #number name="number" type="tel" autocomplete="tel" placeholder="+81…" required maxlength="24";
                (frame::proof_fields(language, "code-phone", now))
                button type="submit" { (language.say("追加する", "Add")) }
            }
        }
    }
}

/// The mailbox that confirms a recovery without support.
fn mailbox(language: Language, now: u64, view: &AccountView) -> Markup {
    let title = language.say("再設定用のメールアドレス", "Mailbox for a recovery");
    html! {
        section #mailbox {
            h2 { (title) }
            @for masked in &view.emails { p { (masked) } }
            @if view.emails.is_empty() {
                p { (language.say(
                    "登録すると、すべて失っても3日後に設定し直せます。登録後24時間は使えず、出金も停止されます。",
                    "With it you can set two-step login up anew when all else is lost, after three days. It counts a day after it was bound, and withdrawals are held that long.")) }
                form method="post" action="/security/mailbox/send" {
                    button.plain type="submit" { (language.say("メールでコードを受け取る", "Mail me a code")) }
                }
                form method="post" action="/security/mailbox" {
                    label for="confirmation" { (language.say("メールのコード", "The code in the mail")) }
                    input #confirmation name="confirmation" inputmode="numeric" autocomplete="off" required maxlength="64";
                    (frame::proof_fields(language, "code-mailbox", now))
                    button type="submit" { (language.say("登録する", "Bind it")) }
                }
            } @else {
                form method="post" action="/security/mailbox/unbind" {
                    (frame::proof_fields(language, "code-mailbox", now))
                    button type="submit" { (language.say("登録を解除する", "Unbind it")) }
                }
            }
        }
    }
}

fn devices(language: Language, now: u64, view: &AccountView) -> Markup {
    html! {
        @if !view.devices.is_empty() {
            section {
                h2 { (language.say("記憶したブラウザ", "Remembered browsers")) }
                form #forget method="post" action="/security/forget" {
                    fieldset {
                        legend { (language.say("削除するブラウザ", "To be forgotten")) }
                        @for device in &view.devices {
                            label.check {
                                input type="radio" name="id" value=(device.id.number()) required; " "
                                (device.name.as_str()) " · " (words::moment(language, device.last_used.as_secs()))
                            }
                        }
                    }
                    (frame::proof_fields(language, "code-forget", now))
                    button type="submit" { (language.say("削除する", "Forget it")) }
                }
            }
        }
    }
}

/// What is asked to be changed, and what proves that its owner asks.
#[derive(Default, serde::Deserialize)]
#[serde(default)]
pub(super) struct Change {
    id: u64,
    code: String,
    recovery: String,
    /// That the last authenticator goes is known.
    last: String,
    name: String,
    number: String,
    /// The code that was mailed.
    confirmation: String,
}

impl Change {
    fn attempt(&self, purpose: Purpose, typed: CodeKind) -> (Attempt, CodeKind) {
        if self.recovery.is_empty() {
            (Attempt::new(purpose, &self.code), typed)
        } else {
            (Attempt::recovery(purpose, &self.recovery), CodeKind::RecoveryCode)
        }
    }

    fn authenticator(&self) -> AuthenticatorId {
        AuthenticatorId::new(u32::try_from(self.id).unwrap_or(u32::MAX))
    }
}

pub(super) async fn add(settings: Settings, Form(change): Form<Change>) -> Answer {
    let new = two_step::new_authenticator(&settings.app, settings.language, &settings.owner)
        .map_err(IntoResponse::into_response)?;
    let proof = settings.prove(&change).await?;
    let enrollment = settings.allowed(settings.app.verifier.enroll(proof, new).await).await?;
    settings.keep(enrollment.handle()).await?;
    Ok(Redirect::to(two_step::SCAN).into_response())
}

pub(super) async fn replace(settings: Settings, Form(change): Form<Change>) -> Answer {
    let new = two_step::new_authenticator(&settings.app, settings.language, &settings.owner)
        .map_err(IntoResponse::into_response)?;
    let proof = settings.prove(&change).await?;
    let begun = settings.app.verifier.replace(proof, change.authenticator(), new).await;
    let enrollment = settings.allowed(begun).await?;
    settings.keep(enrollment.handle()).await?;
    Ok(Redirect::to(two_step::SCAN).into_response())
}

pub(super) async fn rename(settings: Settings, Form(change): Form<Change>) -> Answer {
    let Ok(name) = Text::new(change.name.trim()) else {
        let text = settings.say("名前を確認してください。", "Check the name.");
        return Err(settings.wrong(StatusCode::UNPROCESSABLE_ENTITY, text).await);
    };
    let proof = settings.prove(&change).await?;
    let renamed = settings.app.verifier.rename(&proof, change.authenticator(), name).await;
    settings.allowed(renamed).await?;
    settings.done(settings.say("変更しました。", "Renamed.")).await
}

pub(super) async fn remove(settings: Settings, Form(change): Form<Change>) -> Answer {
    let proof = settings.prove(&change).await?;
    let (verifier, id) = (&settings.app.verifier, change.authenticator());
    let removed =
        if change.last == "yes" { verifier.remove_last(proof, id).await } else { verifier.remove(proof, id).await };
    // Every other browser is logged out; this one goes on.
    let by = By::Proof(settings.allowed(removed).await?);
    let session = session::log_in(&settings.session, &settings.owner.customer, by).await;
    session.map_err(IntoResponse::into_response)?;
    settings.done(settings.say("削除しました。", "Removed.")).await
}

pub(super) async fn suspend(settings: Settings, Form(change): Form<Change>) -> Answer {
    let proof = settings.prove(&change).await?;
    turned(&settings, settings.app.verifier.suspend(proof, change.authenticator()).await).await
}

pub(super) async fn resume(settings: Settings, Form(change): Form<Change>) -> Answer {
    let proof = settings.prove(&change).await?;
    turned(&settings, settings.app.verifier.resume(proof, change.authenticator()).await).await
}

/// Every other browser is logged out; this one goes on.
async fn turned(settings: &Settings, epoch: Result<u64, sekisho::Error>) -> Answer {
    let by = By::Proof(settings.allowed(epoch).await?);
    let session = session::log_in(&settings.session, &settings.owner.customer, by).await;
    session.map_err(IntoResponse::into_response)?;
    settings.done(settings.say("変更しました。", "It is done.")).await
}

pub(super) async fn recovery_codes(settings: Settings, Form(change): Form<Change>) -> Answer {
    let proof = settings.prove(&change).await?;
    let made = settings.allowed(settings.app.verifier.issue_recovery_codes(proof).await).await?;
    session::keep_sheet(&settings.session, made.handle()).await.map_err(IntoResponse::into_response)?;
    Ok(Redirect::to(sheet::PAGE).into_response())
}

pub(super) async fn void_recovery_codes(settings: Settings, Form(change): Form<Change>) -> Answer {
    let proof = settings.prove(&change).await?;
    settings.allowed(settings.app.verifier.void_recovery_codes(&proof).await).await?;
    settings.done(settings.say("リカバリーコードを無効にしました。", "The recovery codes are void.")).await
}

pub(super) async fn send_to_mailbox(settings: Settings) -> Answer {
    let Settings { app, owner, .. } = &settings;
    match lost::mail_code(app, owner, lost::Confirms::Mailbox).await.map_err(IntoResponse::into_response)? {
        Ok(()) => settings.done(settings.say("コードを送信しました。", "A code was mailed.")).await,
        Err(rejection) => Err(settings.refused(&rejection, CodeKind::DeliveredCode).await),
    }
}

pub(super) async fn bind_mailbox(settings: Settings, Form(change): Form<Change>) -> Answer {
    let (verifier, owner) = (&settings.app.verifier, &settings.owner);
    let address = lost::mailbox(owner).map_err(IntoResponse::into_response)?;
    // First: a mistyped code of the app costs no mail.
    let proof = settings.prove(&change).await?;
    let attempt = owner.attempt(Attempt::confirmation(&address, &change.confirmation));
    let confirmation = match verifier.verify(&owner.account, attempt).await {
        Ok(confirmation) => confirmation,
        Err(NotAccepted::Rejected(rejection)) => {
            return Err(settings.refused(&rejection, CodeKind::DeliveredCode).await);
        }
        Err(NotAccepted::Failed(error)) => return settings.allowed(Err(error)).await,
    };
    turned(&settings, verifier.bind_email(proof, confirmation).await).await
}

pub(super) async fn unbind_mailbox(settings: Settings, Form(change): Form<Change>) -> Answer {
    let address = lost::mailbox(&settings.owner).map_err(IntoResponse::into_response)?;
    let proof = settings.prove(&change).await?;
    turned(&settings, settings.app.verifier.unbind_email(proof, &address).await).await
}

pub(super) async fn forget(settings: Settings, Form(change): Form<Change>) -> Answer {
    let proof = settings.prove(&change).await?;
    let forgotten = settings.app.verifier.forget_device(&proof, DeviceId::new(change.id)).await;
    settings.allowed(forgotten).await?;
    settings.done(settings.say("削除しました。", "Forgotten.")).await
}

pub(super) async fn send(settings: Settings, Form(ask): Form<sent::Ask>) -> Answer {
    let Settings { app, language, owner, .. } = &settings;
    let sent = sent::send(app, *language, owner, &ask, sent::What::Change).await;
    let (status, headers, above) = sent.map_err(IntoResponse::into_response)?;
    Ok(settings.page(status, headers, above).await)
}

pub(super) async fn add_phone(settings: Settings, Form(change): Form<Change>) -> Answer {
    let Some(new) = phone_number(&change.number).and_then(|number| NewAddress::new(Address::sms(&number).ok()?).ok())
    else {
        let text = settings.say(
            "この番号は使えません。日本以外の番号は + と国番号から入力してください。",
            "There is no such number. One outside of Japan begins with + and its country code.",
        );
        return Err(settings.wrong(StatusCode::UNPROCESSABLE_ENTITY, text).await);
    };
    let proof = settings.prove(&change).await?;
    let enrollment = settings.allowed(settings.app.verifier.enroll(proof, new).await).await?;
    settings.keep(enrollment.handle()).await?;
    confirm_number(&settings, enrollment.authenticator()).await
}

/// Sends the confirming code again.
pub(super) async fn resend(settings: Settings) -> Answer {
    let pending = settings.owner.view.pending.ok_or(sekisho::Error::Account(AccountError::NothingPending));
    let (id, _) = settings.allowed(pending).await?;
    confirm_number(&settings, id).await
}

/// Sends the code that confirms a number, and asks for it.
async fn confirm_number(settings: &Settings, id: AuthenticatorId) -> Answer {
    let Settings { app, language, owner, .. } = settings;
    let mut request = CodeRequest::new(id, Purpose::BINDING).with_source(owner.source.clone());
    if let Some(device) = &owner.device {
        request = request.with_device(device);
    }
    let (status, headers, above) = match app.verifier.deliver(&owner.account, request).await {
        Ok(delivery) => {
            sent::message(app, *language, &delivery, sent::What::Change);
            let text = settings.say("SMSで届いたコードを入力してください。", "Type the code from the message.");
            (StatusCode::OK, HeaderMap::new(), frame::done(text))
        }
        Err(NotAccepted::Failed(error)) => return settings.allowed(Err(error)).await,
        Err(NotAccepted::Rejected(rejection)) => {
            let (status, headers) = refusal(&rejection, app.now());
            (status, headers, words::refused(*language, &rejection, CodeKind::DeliveredCode, app.now()))
        }
    };
    Ok((status, headers, two_step::number_page(*language, owner, &above)).into_response())
}

/// A number as people write it, as all the world dials it: each phone has one. One without a
/// country code is of Japan.
fn phone_number(text: &str) -> Option<String> {
    let plain: String = text.chars().map(|c| if c == '＋' { '+' } else { words::half_width(c) }).collect();
    let number = phonenumber::parse(Some(phonenumber::country::Id::JP), plain).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

#[cfg(test)]
mod tests {
    use super::phone_number;

    #[test]
    fn a_number_is_one_however_it_is_written() {
        for text in ["+819012345678", "090-1234-5678", "＋８１ー９０ー１２３４ー５６７８", "+81 (0)90 1234 5678"]
        {
            assert_eq!(phone_number(text).as_deref(), Some("+819012345678"), "{text}");
        }
        for text in ["+61412345678", "+61 0412 345 678", "+610412345678"] {
            assert_eq!(phone_number(text).as_deref(), Some("+61412345678"), "{text}");
        }
        for text in ["", "12", "+999123456789", "alice", "+81901"] {
            assert_eq!(phone_number(text), None, "{text}");
        }
    }
}
