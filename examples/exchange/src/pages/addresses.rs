//! Addresses that codes are sent to: a phone number that logs in, and the mailbox that confirms a
//! recovery.

use super::changes::{Change, Which};
use super::refusals::{self, Place};
use super::security::{Answer, Settings};
use super::{frame, lost, refusal, sent, two_step};
use crate::language::Language;
use crate::words;
use axum::Form;
use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use maud::{Markup, html};
use phonenumber::country::Id as Country;
use sekisho::account::{AccountError, Address, Attempt, AuthenticatorId, CodeRequest, NewAddress, Purpose};
use sekisho::otp::{CodeKind, NotAccepted};

/// The countries that are offered, with their names: a number of another one begins with `+`.
const COUNTRIES: [(Country, &str, &str, &str); 12] = [
    (Country::JP, "JP", "日本 (+81)", "Japan (+81)"),
    (Country::US, "US", "アメリカ (+1)", "United States (+1)"),
    (Country::GB, "GB", "イギリス (+44)", "United Kingdom (+44)"),
    (Country::KR, "KR", "韓国 (+82)", "South Korea (+82)"),
    (Country::TW, "TW", "台湾 (+886)", "Taiwan (+886)"),
    (Country::CN, "CN", "中国 (+86)", "China (+86)"),
    (Country::HK, "HK", "香港 (+852)", "Hong Kong (+852)"),
    (Country::SG, "SG", "シンガポール (+65)", "Singapore (+65)"),
    (Country::AU, "AU", "オーストラリア (+61)", "Australia (+61)"),
    (Country::IN, "IN", "インド (+91)", "India (+91)"),
    (Country::DE, "DE", "ドイツ (+49)", "Germany (+49)"),
    (Country::FR, "FR", "フランス (+33)", "France (+33)"),
];

/// The fields for a number: as it is dialed at home, and where that is.
pub(super) fn number_fields(language: Language, typed: &Change) -> Markup {
    html! {
        div.pair {
            div {
                label for="country" { (language.say("国・地域", "Country")) }
                select #country name="country" autocomplete="country" {
                    @for (_, code, japanese, english) in COUNTRIES {
                        option value=(code) selected[typed.country == code] { (language.say(japanese, english)) }
                    }
                }
            }
            div {
                label for="number" { (language.say("電話番号", "Number")) }
                input #number name="number" value=(typed.number) type="tel" autocomplete="tel" placeholder=(language.say("090-1234-5678", "e.g. 090 1234 5678")) required maxlength="24";
            }
        }
    }
}

/// A number as people write it, as all the world dials it: each phone has one.
fn phone_number(text: &str, country: &str) -> Option<String> {
    let home = COUNTRIES.iter().find(|(_, code, ..)| *code == country).map_or(Country::JP, |(id, ..)| *id);
    let plain: String = text.chars().map(|c| if c == '＋' { '+' } else { words::half_width(c) }).collect();
    let number = phonenumber::parse(Some(home), plain).ok()?;
    phonenumber::is_valid(&number).then(|| number.format().mode(phonenumber::Mode::E164).to_string())
}

pub(super) async fn add_phone(at: Settings, Form(typed): Form<Change>) -> Answer {
    let which = Which::AddPhone;
    let number = phone_number(&typed.number, &typed.country);
    let Some(new) = number.and_then(|number| NewAddress::new(Address::sms(&number).ok()?).ok()) else {
        let text = at.say(
            "この番号は使えません。国・地域と番号を確認してください。",
            "There is no such number: check the country and the number.",
        );
        return Err(at.again(which, &typed, StatusCode::UNPROCESSABLE_ENTITY, frame::wrong(text)));
    };
    let proof = at.prove(which, &typed).await?;
    let enrollment = at.allowed(which, &typed, at.app.verifier.enroll(proof, new).await)?;
    at.keep(enrollment.handle()).await?;
    confirm_number(&at, &typed, enrollment.authenticator()).await
}

/// Sends the confirming code again.
pub(super) async fn resend(at: Settings) -> Answer {
    let pending = at.owner.view.pending.ok_or(sekisho::Error::Account(AccountError::NothingPending));
    let (id, _) = at.allowed(Which::AddPhone, &Change::default(), pending)?;
    confirm_number(&at, &Change::default(), id).await
}

/// Sends the code that confirms a number, and asks for it.
async fn confirm_number(at: &Settings, typed: &Change, id: AuthenticatorId) -> Answer {
    let Settings { app, language, owner, .. } = at;
    let mut request = CodeRequest::new(id, Purpose::BINDING).with_source(owner.source.clone());
    if let Some(device) = &owner.device {
        request = request.with_device(device);
    }
    let (status, headers, above) = match app.verifier.deliver(&owner.account, request).await {
        Ok(delivery) => {
            sent::message(app, *language, &delivery, sent::What::Change);
            // In full: a number with a digit wrong is seen now, and not after the third message.
            let to = delivery.address.as_str();
            let text = match language {
                Language::Japanese => format!("{to} にSMSを送信しました。届いたコードを入力してください。"),
                Language::English => format!("A message was sent to {to}: type the code that it has."),
            };
            (StatusCode::OK, HeaderMap::new(), frame::done(&text))
        }
        Err(NotAccepted::Failed(error)) => return at.allowed(Which::AddPhone, typed, Err(error)),
        Err(NotAccepted::Rejected(rejection)) => {
            let (status, headers) = refusal(&rejection, app.now());
            let kind = CodeKind::DeliveredCode;
            (status, headers, refusals::refused(*language, &rejection, kind, app.now(), Place::Inside))
        }
    };
    Ok((status, headers, two_step::number_page(*language, owner, &above)).into_response())
}

pub(super) async fn send_to_mailbox(at: Settings) -> Answer {
    let (which, typed) = (Which::BindMailbox, Change::default());
    let mailed = lost::mail_code(&at.app, &at.owner, lost::Confirms::Mailbox).await;
    match mailed.map_err(IntoResponse::into_response)? {
        Ok(()) => {
            let text = at.say("コードをメールで送信しました。", "A code was mailed.");
            Ok(at.again(which, &typed, StatusCode::OK, frame::done(text)))
        }
        Err(rejection) => Err(at.refused(which, &typed, &rejection, CodeKind::DeliveredCode)),
    }
}

pub(super) async fn bind_mailbox(at: Settings, Form(typed): Form<Change>) -> Answer {
    let (verifier, owner, which) = (&at.app.verifier, &at.owner, Which::BindMailbox);
    let address = lost::mailbox(owner).map_err(IntoResponse::into_response)?;
    // First: a mistyped code of the app costs no mail.
    let proof = at.prove(which, &typed).await?;
    let attempt = owner.attempt(Attempt::confirmation(&address, &typed.confirmation));
    let confirmation = match verifier.verify(&owner.account, attempt).await {
        Ok(confirmation) => confirmation,
        Err(NotAccepted::Rejected(rejection)) => {
            // The code of the app was right: it counts for the next try.
            at.open(Some(proof)).await?;
            return Err(at.refused(which, &typed, &rejection, CodeKind::DeliveredCode));
        }
        Err(NotAccepted::Failed(error)) => return at.allowed(which, &typed, Err(error)),
    };
    at.go_on(at.allowed(which, &typed, verifier.bind_email(proof, confirmation).await)?).await?;
    at.done(at.say("再設定用のメールアドレスを登録しました。", "The mailbox is bound.")).await
}

pub(super) async fn unbind_mailbox(at: Settings, Form(typed): Form<Change>) -> Answer {
    let which = Which::UnbindMailbox;
    let address = lost::mailbox(&at.owner).map_err(IntoResponse::into_response)?;
    let proof = at.prove(which, &typed).await?;
    at.go_on(at.allowed(which, &typed, at.app.verifier.unbind_email(proof, &address).await)?).await?;
    at.done(at.say("再設定用のメールアドレスの登録を解除しました。", "The mailbox is unbound.")).await
}

#[cfg(test)]
mod tests {
    use super::phone_number;

    #[test]
    fn a_number_is_one_however_it_is_written() {
        for text in ["+819012345678", "090-1234-5678", "＋８１ー９０ー１２３４ー５６７８", "+81 (0)90 1234 5678"]
        {
            assert_eq!(phone_number(text, "JP").as_deref(), Some("+819012345678"), "{text}");
        }
        for text in ["+61412345678", "+61 0412 345 678", "+610412345678"] {
            assert_eq!(phone_number(text, "JP").as_deref(), Some("+61412345678"), "{text}");
        }
        for text in ["", "12", "+999123456789", "alice", "+81901"] {
            assert_eq!(phone_number(text, "JP"), None, "{text}");
        }
    }

    #[test]
    fn a_local_number_is_of_the_country_that_was_chosen() {
        for (text, country, number) in [
            ("0412 345 678", "AU", "+61412345678"),
            ("07400 123456", "GB", "+447400123456"),
            ("(212) 555-0123", "US", "+12125550123"),
            ("0912 345 678", "TW", "+886912345678"),
            // One with its code says where it is, whatever was chosen; an unknown choice is Japan.
            ("+81 90 1234 5678", "US", "+819012345678"),
            ("090-1234-5678", "??", "+819012345678"),
        ] {
            assert_eq!(phone_number(text, country).as_deref(), Some(number), "{text} in {country}");
        }
        assert_eq!(phone_number("090-1234-5678", "US"), None);
    }
}
