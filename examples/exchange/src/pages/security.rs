//! The security settings: what there is, and a page for each change. A code opens them, and counts
//! for the first change.

use super::changes::{Change, Which};
use super::refusals::{self, Place};
use super::{frame, lost, of, refusal, sent, states, tour};
use crate::App;
use crate::language::Language;
use crate::session::{self, Owner, PasswordGiven};
use crate::trouble::Trouble;
use crate::words;
use axum::Form;
use axum::extract::{FromRef, FromRequestParts};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Redirect, Response};
use maud::{Markup, html};
use sekisho::account::{
    AccountError, AccountView, Attempt, AuthenticatorKind, AuthenticatorState, AuthenticatorView, EnrollmentHandle,
    Proof, Purpose,
};
use sekisho::otp::{CodeKind, NotAccepted, Rejection};
use tower_sessions::Session;

/// Somebody who is logged in, at the security settings, and what it takes to answer.
pub(super) struct Settings {
    pub(super) app: App,
    pub(super) language: Language,
    pub(super) session: Session,
    pub(super) owner: Owner,
    /// Names the settings, which a code opens.
    name: [u8; 16],
}

/// An answer; as an error, the one that ends it early.
pub(super) type Answer = Result<Response, Response>;

impl<S: Send + Sync> FromRequestParts<S> for Settings
where
    App: FromRef<S>,
{
    type Rejection = Response;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Response> {
        let Ok(language) = Language::from_request_parts(parts, state).await;
        let given = PasswordGiven::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        let Some(name) = given.settings else { return Err(Redirect::to("/log-in/code").into_response()) };
        let session = Session::from_request_parts(parts, state).await.map_err(IntoResponse::into_response)?;
        Ok(Self { app: App::from_ref(state), language, session, owner: given.owner, name })
    }
}

impl Settings {
    pub(super) const fn say(&self, japanese: &'static str, english: &'static str) -> &'static str {
        self.language.say(japanese, english)
    }

    /// Back to the settings, where it is said that something has happened.
    pub(super) async fn done(&self, text: &str) -> Answer {
        session::say_next(&self.session, text).await.map_err(IntoResponse::into_response)?;
        Ok(Redirect::to("/security").into_response())
    }

    /// The page of the change once more, with what was typed and what is wrong.
    pub(super) fn again(&self, which: Which, typed: &Change, status: StatusCode, above: Markup) -> Response {
        (status, which.page(self, typed, Some(above))).into_response()
    }

    pub(super) fn refused(&self, which: Which, typed: &Change, rejection: &Rejection, kind: CodeKind) -> Response {
        let (status, headers) = refusal(rejection, self.app.now());
        let above = refusals::refused(self.language, rejection, kind, self.app.now(), Place::Inside);
        (headers, self.again(which, typed, status, above)).into_response()
    }

    /// Gives what the account allows. What it does not is said on the page of the change.
    #[allow(clippy::result_large_err)] // one answer, once a request
    pub(super) fn allowed<T>(
        &self,
        which: Which,
        typed: &Change,
        result: Result<T, sekisho::Error>,
    ) -> Result<T, Response> {
        match result {
            Ok(done) => Ok(done),
            Err(sekisho::Error::Account(why)) if why != AccountError::EventsWaiting => {
                Err(self.again(which, typed, StatusCode::CONFLICT, refusals::impossible(self.language, &why)))
            }
            Err(error) => Err(Trouble::from(error).into_response()),
        }
    }

    /// Keeps the handle of an enrollment that was begun.
    pub(super) async fn keep(&self, handle: &EnrollmentHandle) -> Result<(), Response> {
        session::keep_enrollment(&self.session, handle).await.map_err(IntoResponse::into_response)
    }

    /// Returns whether a code has opened the settings; there is none to ask for before the second
    /// step is set up.
    pub(super) fn is_open(&self) -> bool {
        self.owner.view.authenticators.is_empty() || self.app.opened.is_open(&self.name, self.app.now())
    }

    /// Opens them for the browser that has typed a code, and for no other that knows its cookie.
    pub(super) async fn open(&self, proof: Option<Proof>) -> Result<(), Response> {
        let name = session::renew(&self.session).await.map_err(IntoResponse::into_response)?;
        self.app.opened.open(name, self.app.now(), proof, &self.app.settings.policy);
        Ok(())
    }

    /// Returns whether the proof of the code that opened the settings waits for a change.
    pub(super) fn has_proof(&self) -> bool {
        self.app.opened.has_proof(&self.name, self.app.now())
    }

    /// The proof for a change: of the code that was typed with it, or of the one that opened the
    /// settings.
    pub(super) async fn prove(&self, which: Which, typed: &Change) -> Result<Proof, Response> {
        let now = self.app.now();
        let types_none = typed.code.is_empty() && typed.recovery.is_empty();
        if let Some(proof) = types_none.then(|| self.app.opened.take_proof(&self.name, now)).flatten() {
            return Ok(proof);
        }
        let (attempt, kind) = typed.attempt(super::typed(&self.owner.view));
        match self.app.verifier.verify(&self.owner.account, self.owner.attempt(attempt)).await {
            Ok(proof) => {
                self.open(None).await?;
                Ok(proof)
            }
            Err(NotAccepted::Rejected(rejection)) => Err(self.refused(which, typed, &rejection, kind)),
            Err(NotAccepted::Failed(error)) => self.allowed(which, typed, Err(error)),
        }
    }

    /// Logs the browser in again, in the epoch that a change has begun: every other one is logged
    /// out.
    pub(super) async fn go_on(&self, epoch: u64) -> Result<(), Response> {
        let by = session::By::Proof(epoch);
        let begun = session::log_in(&self.session, &self.owner.customer, by).await;
        let name = begun.map_err(IntoResponse::into_response)?;
        self.app.opened.open(name, self.app.now(), None, &self.app.settings.policy);
        Ok(())
    }
}

pub(super) async fn page(settings: Settings) -> Response {
    let Settings { app, language, session, owner, .. } = &settings;
    if !settings.is_open() {
        return gate(&settings, None).into_response();
    }
    let said = session::said(session).await;
    match (said, app.verifier.history(&owner.account).await) {
        (Ok(said), Ok(events)) => {
            let above = said.map(|said| frame::done(&said));
            let latest = super::activity::table(*language, events.iter().rev().take(5));
            show(&settings, above, &latest).into_response()
        }
        (Err(trouble), _) => trouble.into_response(),
        (_, Err(error)) => Trouble::from(error).into_response(),
    }
}

/// The page that asks for the code which opens the settings.
fn gate(settings: &Settings, above: Option<Markup>) -> Markup {
    let Settings { app, language, owner, .. } = settings;
    let heading = settings.say("セキュリティ設定を開く", "Open the security settings");
    frame::page(
        *language,
        heading,
        &of(&owner.customer),
        html! {
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            section.card {
                p { (settings.say(
                    "ご本人の確認のため、コードを入力してください。このコードは最初の変更にも使われます。",
                    "Type a code to show that it is you. It counts for the first change too.")) }
                form #open method="post" action="/security/open" {
                    (frame::proof_fields(*language, app.now()))
                    button.main type="submit" { (settings.say("開く", "Open")) }
                }
                (sent::buttons(*language, &owner.view, "/security/send-to-open", false))
            }
            ul.links {
                li { a href="/security/freeze" { (settings.say("アカウントをすぐに凍結する", "Freeze the account at once")) } }
                li { a href="/wallet" { (settings.say("ウォレットに戻る", "Back to the wallet")) } }
            }
        },
    )
}

pub(super) async fn open(settings: Settings, Form(typed): Form<Change>) -> Answer {
    let Settings { app, language, owner, .. } = &settings;
    let (attempt, kind) = typed.attempt(super::typed(&owner.view));
    match app.verifier.verify(&owner.account, owner.attempt(attempt)).await {
        Ok(proof) => {
            settings.open(Some(proof)).await?;
            Ok(Redirect::to("/security").into_response())
        }
        Err(NotAccepted::Rejected(rejection)) => {
            let (status, headers) = refusal(&rejection, app.now());
            let above = refusals::refused(*language, &rejection, kind, app.now(), Place::Inside);
            Ok((status, headers, gate(&settings, Some(above))).into_response())
        }
        Err(NotAccepted::Failed(sekisho::Error::Account(why))) => {
            let above = refusals::impossible(*language, &why);
            Ok((StatusCode::CONFLICT, gate(&settings, Some(above))).into_response())
        }
        Err(NotAccepted::Failed(error)) => Err(Trouble::from(error).into_response()),
    }
}

/// Sends the code that opens the settings.
pub(super) async fn send_to_open(settings: Settings, Form(ask): Form<sent::Ask>) -> Answer {
    let Settings { app, language, owner, .. } = &settings;
    let sent = sent::send(app, *language, owner, &ask, sent::What::Change).await;
    let (status, headers, above): (StatusCode, HeaderMap, Markup) = sent.map_err(IntoResponse::into_response)?;
    Ok((status, headers, gate(&settings, Some(above))).into_response())
}

fn show(settings: &Settings, above: Option<Markup>, latest: &Markup) -> Markup {
    let heading = settings.say("セキュリティ設定", "Security settings");
    let Settings { app, language, owner, .. } = settings;
    let view = &owner.view;
    frame::wide_page(
        *language,
        heading,
        &of(&owner.customer),
        html! {
            (tour::strip(app, *language, tour::Stop::Settings))
            h1 { (heading) }
            @if let Some(above) = above { (above) }
            (lost::warning(*language, view))
            (states::hold(app, *language, view))
            @if view.authenticators.is_empty() {
                section.card {
                    p { (language.say("パスワードだけで保護されています。", "A password alone protects your account.")) }
                    a.button href="/two-step" { (language.say("2段階認証を設定", "Set up two-step login")) }
                }
            } @else {
                (authenticators(*language, view))
                (recovery_codes(*language, view))
                (mailbox(*language, view))
                (devices(*language, view))
            }
            section.card {
                h2 { (language.say("パスワード", "Password")) }
                ul.links { li { a href="/password" { (language.say("パスワードの変更", "Change the password")) } } }
            }
            section.card {
                h2 { (language.say("最近の操作", "Latest activity")) }
                (latest)
                ul.links { li { a href="/security/activity" { (language.say("すべて見る", "All of it")) } } }
            }
            section.card {
                h2 { (language.say("緊急のとき", "In an emergency")) }
                p { (language.say("スマートフォンを盗まれた、知らない操作があった。", "The phone was stolen, or something was not you.")) }
                ul.links { li { a href="/security/freeze" { (language.say("アカウントを凍結", "Freeze the account")) } } }
            }
        },
    )
}

fn authenticators(language: Language, view: &AccountView) -> Markup {
    html! {
        section.card {
            h2 { (language.say("認証方法", "Authenticators")) }
            @for own in &view.authenticators { (authenticator(language, own)) }
            ul.links {
                li { a href="/security/add" { (language.say("認証アプリを追加", "Add an authenticator app")) } }
                li { a href="/security/add-phone" { (language.say("電話番号を追加（SMS）", "Add a phone number (text messages)")) } }
                li { a href="/resync" { (language.say("コードが合わないとき", "If codes are refused")) } }
            }
        }
    }
}

fn authenticator(language: Language, own: &AuthenticatorView) -> Markup {
    let (id, name) = (own.id.number(), own.name.as_str());
    let link = |which: Which, text: &str| {
        html! { li { a href=(format!("{}?id={id}", which.path())) { (text) span.hidden { ": " (name) } } } }
    };
    html! {
        article.authenticator.card {
            h3 { (name) }
            p.meta {
                (words::kind(language, &own.kind)) " · "
                (language.say("設定: ", "added ")) (words::moment(language, own.bound_at.as_secs()))
                " · " (language.say("最終使用: ", "last used ")) (words::moment(language, own.last_used.as_secs()))
            }
            @match own.state {
                AuthenticatorState::Disabled => { p.state { (language.say("無効（コードの間違いが多すぎたか、サポートの操作のため）", "Disabled: too many wrong codes, or by support.")) } }
                AuthenticatorState::Suspended => { p.state { (language.say("一時停止中", "Suspended.")) } }
                _ => {}
            }
            ul.links {
                @if matches!(own.kind, AuthenticatorKind::App { .. }) {
                    (link(Which::Replace, language.say("機種変更", "Change of phone")))
                }
                (link(Which::Rename, language.say("名前を変える", "Rename")))
                @match own.state {
                    AuthenticatorState::Active => { (link(Which::Suspend, language.say("一時停止", "Suspend"))) }
                    AuthenticatorState::Suspended => { (link(Which::Resume, language.say("再開", "Resume"))) }
                    _ => {}
                }
                (link(Which::Remove, language.say("削除", "Remove")))
            }
        }
    }
}

fn recovery_codes(language: Language, view: &AccountView) -> Markup {
    html! {
        section.card #recovery {
            h2 { (language.say("リカバリーコード", "Recovery codes")) }
            p { (language.say("未使用: ", "Not used: ")) strong #recovery-left { (view.recovery_codes_left) } }
            @if view.recovery_codes_due && view.recovery_codes_left > 0 {
                (frame::wrong(language.say("使用済みのコードがあります。新しく発行してください。", "One was used: have new ones issued.")))
            }
            ul.links {
                li { a href=(Which::RecoveryCodes.path()) { (language.say("新しく発行する", "Issue new ones")) } }
                @if view.recovery_codes_left > 0 {
                    li { a href=(Which::VoidRecoveryCodes.path()) { (language.say("用紙を盗まれた場合", "The sheet was stolen")) } }
                }
            }
        }
    }
}

/// The mailbox that confirms a recovery without support.
fn mailbox(language: Language, view: &AccountView) -> Markup {
    html! {
        section.card #mailbox {
            h2 { (language.say("再設定用のメールアドレス", "Mailbox for a recovery")) }
            @for masked in &view.emails { p { (masked) } }
            @if view.emails.is_empty() {
                p { (language.say(
                    "登録すると、すべて失っても、数日待てば設定し直せます。",
                    "With it you can set two-step login up anew when all else is lost, after some days.")) }
                ul.links { li { a href=(Which::BindMailbox.path()) { (language.say("登録する", "Bind it")) } } }
            } @else {
                ul.links { li { a href=(Which::UnbindMailbox.path()) { (language.say("登録を解除する", "Unbind it")) } } }
            }
        }
    }
}

fn devices(language: Language, view: &AccountView) -> Markup {
    html! {
        section.card #devices {
            h2 { (language.say("記憶したブラウザ", "Remembered browsers")) }
            p.hint { (language.say(
                "ほかの人の間違いでロックされても、ここにあるブラウザからはログインできます。",
                "When others guess and lock the account, these still get in.")) }
            @if view.devices.is_empty() {
                p { (language.say("まだありません。ログイン時に記憶できます。", "There is none yet: the log-in page offers it.")) }
            }
            @for device in &view.devices {
                div.row {
                    p { (device.name.as_str()) br;
                        span.meta { (language.say("最終使用: ", "last used ")) (words::moment(language, device.last_used.as_secs())) } }
                    a href=(format!("{}?id={}", Which::Forget.path(), device.id.number())) { (language.say("削除", "Forget")) span.hidden { ": " (device.name.as_str()) } }
                }
            }
        }
    }
}

impl Change {
    fn attempt(&self, typed: CodeKind) -> (Attempt, CodeKind) {
        if self.recovery.is_empty() {
            (Attempt::new(Purpose::BINDING, &self.code), typed)
        } else {
            (Attempt::recovery(Purpose::BINDING, &self.recovery), CodeKind::RecoveryCode)
        }
    }
}
