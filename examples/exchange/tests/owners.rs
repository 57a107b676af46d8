//! An owner acts against a thief, in the browser: the sheet that waits, the link that stops
//! the account, the password, the phone that cannot be found; and what the exchange does by itself.

mod site;

use exchange::{Settings, reminders};
use sekisho::account::{AccountLimits, Policy};
use site::{ALICE, Browser, DESK, PASSWORD, Page, Phone, Site, T, at_the_desk, refused, withdraw};

const DAY: u64 = 86_400;

/// With a phone number that takes codes, added at `T + 30`.
async fn with_number(site: &Site, browser: &mut Browser, phone: &Phone) {
    site.at(T + 30);
    let fields = [("number", "090-1234-5678"), ("code", &*phone.shows(T + 30))];
    let page = browser.post("/security/add-phone", &fields).await;
    assert!(page.status == 200 && page.shows("A message was sent to +819012345678"), "{}", page.text);
    let code = code_for(site, "+819012345678");
    let page = browser.post("/two-step/confirm", &[("code", &code)]).await;
    assert_eq!(page.path, "/security", "{}", page.text);
}

/// The code in the last message to that number.
fn code_for(site: &Site, number: &str) -> String {
    site.code_for(number)
}

fn freeze_link(mail: &str) -> &str {
    let link = mail.split_once("http://localhost:8080").expect("a link").1;
    link.lines().next().unwrap()
}

fn fields(link: &str) -> Vec<(&str, &str)> {
    link.split_once('?').unwrap().1.split('&').map(|pair| pair.split_once('=').unwrap()).collect()
}

#[tokio::test]
async fn the_sheet_survives_a_reload_and_the_other_language_and_the_old_one_is_good_until_it_is_kept() {
    let (site, mut browser, phone, old) = Site::with_alice().await;
    site.at(T + 60);
    let page = browser.post("/security/recovery-codes", &[("code", &phone.shows(T + 60))]).await;
    assert_eq!((page.status, &*page.path), (200, "/security/sheet"));
    let new = page.recovery_codes();
    assert_eq!(new.len(), 10);
    assert_eq!(browser.get("/security/sheet").await.recovery_codes(), new);
    drop(browser.post("/language", &[("language", "ja")]).await);
    let japanese = browser.get("/security/sheet").await;
    assert!(japanese.shows("保管しました") && japanese.recovery_codes() == new);
    drop(browser.post("/language", &[("language", "en")]).await);
    // Another browser sees no sheet.
    let mut other = site.browser();
    site.at(T + 90);
    drop(other.log_in(ALICE, &phone.shows(T + 90)).await);
    assert_eq!(other.get("/security/sheet").await.path, "/security");
    let mut by_sheet = site.browser();
    drop(by_sheet.password(ALICE).await);
    refused(&by_sheet.post("/log-in/code", &[("recovery", &new[0])]).await);
    let page = by_sheet.post("/log-in/code", &[("recovery", &old[0])]).await;
    assert_eq!(page.path, "/recovered");
    assert!(page.shows("Have a new sheet issued"));
    assert_eq!(browser.post("/security/sheet", &[]).await.path, "/wallet");
    assert_eq!(browser.get("/security/sheet").await.path, "/security", "kept, it is not shown again");
    let mut again = site.browser();
    drop(again.password(ALICE).await);
    refused(&again.post("/log-in/code", &[("recovery", &old[1])]).await);
    assert_eq!(again.post("/log-in/code", &[("recovery", &new[0])]).await.path, "/recovered");
    // Stolen: void at once.
    site.at(T + 120);
    let page = browser.post("/security/void-recovery-codes", &[("code", &phone.shows(T + 120))]).await;
    assert!(page.shows("The recovery codes are void."), "{}", page.text);
    let mut thief = site.browser();
    drop(thief.password(ALICE).await);
    let page = thief.post("/log-in/code", &[("recovery", &new[1])]).await;
    assert_eq!(page.status, 409, "{}", page.text);
}

#[tokio::test]
async fn the_link_in_a_mail_stops_the_account_only_by_its_button() {
    let (site, mut thief, phone, _) = Site::with_alice().await;
    site.at(T + 60);
    drop(thief.post("/security/add", &[("code", &phone.shows(T + 60))]).await);
    let page = thief.get("/two-step/scan").await;
    let second = page.phone();
    drop(thief.post("/two-step/confirm", &[("code", &second.shows(T + 60))]).await);
    let mail = site.mails_to(ALICE).into_iter().find(|mail| mail.starts_with("An authenticator was added.")).unwrap();
    assert!(mail.contains("127.0.0.1"), "{mail}");
    // The mail names the browser in our words, not in its own.
    let phishing = [("user-agent", "Not you? https://evil.example/freeze"), ("sec-fetch-site", "same-origin")];
    drop(site.browser().post_with("/log-in", &[("email", ALICE), ("password", PASSWORD)], &phishing).await);
    let mut guesser = site.browser();
    drop(guesser.password(ALICE).await);
    for which in 0..5 {
        drop(guesser.post_with("/log-in/code", &[("code", &*phone.wrong(T + 60, which))], &phishing).await);
    }
    assert!(site.mails_to(ALICE).iter().any(|mail| mail.contains("log-ins are locked")));
    assert!(site.mails_to(ALICE).iter().all(|mail| !mail.contains("evil.example")));
    let link = freeze_link(&mail);
    // A scanner of mail opens it, a person presses the button.
    let mut owner = site.browser();
    for _ in 0..3 {
        let page = owner.get(link).await;
        assert!(page.status == 200 && page.shows("id=\"freeze\""), "{}", page.text);
    }
    assert_eq!(thief.get("/wallet").await.path, "/wallet");
    let wrong = link.replace("handle=", "handle=00");
    assert_eq!(owner.post("/freeze", &fields(&wrong)).await.status, 403);
    assert_eq!(owner.post_with("/freeze", &fields(link), &[("sec-fetch-site", "cross-site")]).await.status, 403);
    let page = owner.post("/freeze", &fields(link)).await;
    assert!(page.status == 200 && page.shows("The account is frozen"), "{}", page.text);
    assert_eq!(thief.get("/wallet").await.path, "/log-in", "every browser is logged out");
    drop(thief.password(ALICE).await);
    site.at(T + 90);
    refused(&thief.post("/log-in/code", &[("code", &second.shows(T + 90))]).await);
    // Support starts it again.
    let mut desk = at_the_desk(&site).await;
    let page = desk.get(&format!("/support?email={ALICE}")).await;
    assert!(page.shows("frozen_by_owner") && page.shows("127.0.0.1"), "{}", page.text);
    assert_eq!(desk.act("thaw", "showed a passport").await.status, 200);
    site.at(T + 120);
    assert_eq!(owner.log_in(ALICE, &phone.shows(T + 120)).await.path, "/wallet");
}

#[tokio::test]
async fn a_password_that_is_changed_or_reset_holds_withdrawals_and_skips_no_second_step() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    // The hold of the enrollment is over.
    let start = T + 2 * DAY;
    let (mut elsewhere, mut half_open) = (site.browser(), site.browser());
    site.at(start - 60);
    drop(elsewhere.log_in(ALICE, &phone.shows(start - 60)).await);
    assert_eq!(elsewhere.get("/wallet").await.path, "/wallet");
    assert_eq!(half_open.password(ALICE).await.path, "/log-in/code");
    site.at(start);
    drop(browser.log_in(ALICE, &phone.shows(start)).await);
    assert!(!browser.get("/wallet").await.shows("id=\"hold\""));
    site.at(start + 30);
    let change = async |browser: &mut Browser, current: &str, code: &str| -> Page {
        browser.post("/password", &[("current", current), ("new", "another battery"), ("code", code)]).await
    };
    refused(&change(&mut browser, "guessed", &phone.shows(start + 30)).await);
    refused(&change(&mut browser, PASSWORD, &phone.wrong(start + 30, 1)).await);
    assert!(!browser.get("/wallet").await.shows("id=\"hold\""));
    let page = change(&mut browser, PASSWORD, &phone.shows(start + 30)).await;
    assert!(page.shows("The password was changed."), "{}", page.text);
    assert!(browser.get("/wallet").await.shows("as the password was changed"));
    assert_eq!(elsewhere.get("/wallet").await.path, "/log-in", "other browsers are logged out");
    assert_eq!(half_open.post("/log-in/code", &[("code", "000000")]).await.path, "/log-in");
    site.at(start + 60);
    refused(&withdraw(&mut browser, &phone.shows(start + 60)).await);
    let mut desk = at_the_desk(&site).await;
    assert!(desk.get(&format!("/support?email={ALICE}")).await.shows("password changed"));
    assert_eq!(desk.act("end-holds", "it was her").await.status, 200);
    let page = withdraw(&mut browser, &phone.shows(start + 60)).await;
    assert!(page.shows("The withdrawal is on its way."), "{}", page.text);

    // Reset by a mail: the answer is the same for every address, and the second step is asked for.
    let mut mailbox = site.browser();
    let answers = [ALICE, "nobody@example.com"].map(|email| [("email", email)]);
    let known = mailbox.post("/password/forgot", &answers[0]).await;
    let unknown = mailbox.post("/password/forgot", &answers[1]).await;
    assert_eq!((known.status, &known.text), (unknown.status, &unknown.text));
    let mail = site.mails_to(ALICE)[0].clone();
    let link = freeze_link(&mail);
    assert!(mailbox.get(link).await.status == 200);
    let with_new = |link| [fields(link), vec![("new", "a third battery")]].concat();
    let wrong = link.replace("token=", "token=0");
    refused(&mailbox.post("/password/reset", &with_new(&wrong)).await);
    let page = mailbox.post("/password/reset", &with_new(link)).await;
    assert!(page.shows("The new password is set."), "{}", page.text);
    refused(&mailbox.post("/password/reset", &with_new(link)).await);
    let page = mailbox.post("/log-in", &[("email", ALICE), ("password", "a third battery")]).await;
    assert_eq!(page.path, "/log-in/code", "the mailbox alone lets nobody in");
    site.at(start + 90);
    drop(mailbox.post("/log-in/code", &[("code", &phone.shows(start + 90))]).await);
    assert!(mailbox.get("/wallet").await.shows("as the password was changed"));
    // However often somebody asks: three mails in half an hour, and each link is good.
    let count = || site.mails_to(ALICE).iter().filter(|mail| mail.starts_with("To set a new password")).count();
    let before = count();
    for _ in 0..20 {
        drop(mailbox.post("/password/forgot", &answers[0]).await);
    }
    assert_eq!(count(), before + 3);
    // A link lasts for half an hour.
    drop(mailbox.post("/password/forgot", &answers[0]).await);
    let mail = site.mails_to(ALICE)[0].clone();
    assert!(mailbox.get(freeze_link(&mail)).await.status == 200);
    site.at(start + 90 + 1_800);
    refused(&mailbox.post("/password/reset", &with_new(freeze_link(&mail))).await);
}

#[tokio::test]
async fn a_code_is_sent_for_one_withdrawal_and_the_message_says_for_which() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    with_number(&site, &mut browser, &phone).await;
    let now = T + 2 * DAY;
    site.at(now);
    drop(browser.log_in(ALICE, &phone.shows(now)).await);
    let number = "+819012345678";
    let count = || site.mails_to(number).len();
    let before = count();
    refused(&browser.post("/wallet/send", &[("send_to", "2"), ("amount", ""), ("to", "")]).await);
    assert_eq!(count(), before, "for nothing in particular nothing is sent");
    let ask = [("send_to", "2"), ("amount", "250,000"), ("to", "0001-1234567")];
    let page = browser.post("/wallet/send", &ask).await;
    assert!(page.shows("A code was sent.") && page.shows("value=\"0001-1234567\""), "{}", page.text);
    let message = site.mails_to(number)[0].clone();
    assert!(message.contains("to withdraw ¥250,000 to 0001-1234567"), "{message}");
    let code = code_for(&site, number);
    let elsewhere = [("id", "a form"), ("amount", "250,000"), ("to", "0009-7654321"), ("code", &*code)];
    refused(&browser.post("/wallet/withdraw", &elsewhere).await);
    let page = withdraw(&mut browser, &code).await;
    assert!(page.shows("The withdrawal is on its way."), "{}", page.text);
}

#[tokio::test]
async fn many_accounts_that_name_one_number_get_no_more_messages_than_one() {
    let site = Site::start().await;
    let mut refusals = 0;
    for count in 0..14_u64 {
        let mut browser = site.browser();
        let secs = T + count * 60;
        let (phone, _) = browser.sign_up(&site, &format!("pump{count}@example.com"), secs).await;
        site.at(secs + 30);
        let fields = [("number", "090-1234-5678"), ("code", &*phone.shows(secs + 30))];
        let page = browser.post("/security/add-phone", &fields).await;
        refusals += u32::from(page.shows("Nothing is sent to this address now"));
    }
    assert_eq!((site.mails_to("+819012345678").len(), refusals), (10, 4));
}

#[tokio::test]
async fn a_phone_that_cannot_be_found_is_suspended_and_other_browsers_are_logged_out() {
    let (site, mut browser, phone, codes) = Site::with_alice().await;
    let mut elsewhere = site.browser();
    site.at(T + 60);
    drop(elsewhere.log_in(ALICE, &phone.shows(T + 60)).await);
    assert_eq!(elsewhere.get("/wallet").await.path, "/wallet");
    let page = browser.post("/security/suspend", &[("id", "1"), ("recovery", &codes[0])]).await;
    assert!(page.shows("The authenticator is suspended.") && page.shows("Suspended."), "{}", page.text);
    assert_eq!(elsewhere.get("/wallet").await.path, "/log-in");
    assert_eq!(browser.get("/wallet").await.path, "/wallet");
    site.at(T + 90);
    drop(elsewhere.password(ALICE).await);
    refused(&elsewhere.post("/log-in/code", &[("code", &phone.shows(T + 90))]).await);
    let page = browser.post("/security/resume", &[("id", "1"), ("recovery", &codes[1])]).await;
    assert!(page.shows("The authenticator is resumed."), "{}", page.text);
    site.at(T + 120);
    assert_eq!(elsewhere.log_in(ALICE, &phone.shows(T + 120)).await.path, "/wallet");
    // The page shows the latest events, and their sources.
    let page = browser.get("/security/activity").await;
    assert!(page.shows("id=\"activity\"") && page.shows("An authenticator was resumed."), "{}", page.text);
    assert!(page.shows("127.0.0.1"));
}

#[tokio::test]
async fn where_two_operators_are_asked_for_the_desk_shows_both_names() {
    let limits = AccountLimits { two_operators: true, ..AccountLimits::default() };
    let site = Site::with(Settings { policy: Policy::new(limits).unwrap(), ..Settings::default() }).await;
    let mut browser = site.browser();
    drop(browser.sign_up(&site, ALICE, T).await);
    let mut sato = at_the_desk(&site).await;
    let alone = sato.act("reset", "ticket 1").await;
    assert!(alone.status == 409 && alone.shows("another operator has to propose it first"), "{}", alone.text);
    assert_eq!(sato.act("propose-reset", "ticket 1").await.status, 200);
    assert_eq!(sato.act("reset", "ticket 1").await.status, 409);
    let mut suzuki = site.browser();
    drop(suzuki.post("/support/log-in", &[("name", "Suzuki"), ("password", DESK)]).await);
    let page = suzuki.get(&format!("/support?email={ALICE}")).await;
    assert!(page.shows("id=\"proposal\"") && page.shows("Sato: ticket 1"), "{}", page.text);
    assert_eq!(suzuki.act("reset", "seen the passport").await.status, 200);
    let page = suzuki.get(&format!("/support?email={ALICE}")).await;
    assert!(page.shows("Suzuki: seen the passport") && page.shows("Sato: ticket 1"), "{}", page.text);
    assert!(site.mails_to(ALICE).iter().any(|mail| mail.starts_with("Support proposes to reset")));
}

/// The code in the last mail to Alice that has one.
fn mailed(site: &Site) -> String {
    let mails = site.mails_to(ALICE);
    let code = mails.iter().find(|mail| mail.starts_with("Tsubame Exchange: to ")).expect("a code");
    code.rsplit(": ").next().unwrap().to_owned()
}

/// With a mailbox that was bound two days before.
async fn with_mailbox() -> (Site, Phone) {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 60);
    assert_eq!(browser.post("/security/mailbox/send", &[]).await.status, 200);
    let fields = [("confirmation", &*mailed(&site)), ("code", &*phone.shows(T + 60))];
    let page = browser.post("/security/mailbox", &fields).await;
    assert!(page.status == 200 && page.shows("a***@example.com") && page.shows("Unbind it"), "{}", page.text);
    site.at(T + 2 * DAY);
    (site, phone)
}

#[tokio::test]
async fn an_owner_without_phone_and_sheet_gets_back_in_after_three_days_of_mails() {
    let (site, _) = with_mailbox().await;
    let mut browser = site.browser();
    assert_eq!(browser.get("/lost").await.path, "/log-in", "the password comes first");
    drop(browser.password(ALICE).await);
    assert!(browser.get("/log-in/code").await.shows("href=\"/lost\""));
    refused(&browser.post("/lost", &[("code", "123456")]).await);
    assert!(browser.post("/lost/send", &[]).await.shows("A code was mailed."));
    refused(&browser.post("/lost", &[("code", "000000")]).await);
    let begun = T + 2 * DAY;
    let page = browser.post("/lost", &[("code", &mailed(&site))]).await;
    assert!(page.path == "/lost" && page.shows("id=\"waits\"") && !page.shows("id=\"send\""), "{}", page.text);
    // The page that asks for the code warns, and the owner is told each day.
    let mut other = site.browser();
    drop(other.password(ALICE).await);
    assert!(other.get("/log-in/code").await.shows("id=\"recovery-waits\""));
    for hour in 1..72 {
        site.at(begun + hour * 3_600);
        reminders::remind_all(&site.app).await.unwrap();
    }
    let told = site.mails_to(ALICE).iter().filter(|mail| mail.starts_with("Somebody has asked")).count();
    assert_eq!(told, 3);
    assert_eq!(site.app.customers.recoveries().await.unwrap().len(), 1);
    site.at(begun + 3 * DAY);
    let mut browser = site.browser();
    drop(browser.password(ALICE).await);
    drop(browser.post("/lost/send", &[]).await);
    let page = browser.post("/lost", &[("code", &mailed(&site))]).await;
    assert!(page.path == "/log-in/code" && page.shows("name=\"pass\""), "{}", page.text);
    // The mail is lost: another one is asked for, by the link below the field.
    assert!(page.shows("href=\"/lost\""));
    site.at(begun + 3 * DAY + 30);
    drop(browser.post("/lost/send", &[]).await);
    let page = browser.post("/lost", &[("code", &mailed(&site))]).await;
    assert_eq!(page.path, "/log-in/code", "{}", page.text);
    let mails = site.mails_to(ALICE);
    let recoveries = mails.iter().filter(|mail| mail.starts_with("To set two-step login up anew"));
    let mut passes = recoveries.map(|mail| mail.rsplit_once("token=").unwrap().1);
    let pass = passes.next().unwrap();
    let first = browser.post("/two-step/pass", &[("pass", passes.next().unwrap())]).await;
    assert_eq!(first.status, 401, "void");
    let page = browser.post("/two-step/pass", &[("pass", pass)]).await;
    assert_eq!(page.path, "/two-step/scan", "{}", page.text);
    let new = page.phone();
    site.at(begun + 3 * DAY + 60);
    drop(browser.post("/two-step/confirm", &[("code", &new.shows(begun + 3 * DAY + 60))]).await);
    site.at(begun + 3 * DAY + 90);
    refused(&withdraw(&mut browser, &new.shows(begun + 3 * DAY + 90)).await);
    site.at(begun + 3 * DAY + 600);
    reminders::remind_all(&site.app).await.unwrap();
    assert_eq!(site.app.customers.recoveries().await.unwrap(), [], "nobody is reminded any more");
}

#[tokio::test]
async fn a_log_in_ends_a_recovery_that_somebody_else_has_begun() {
    let (site, phone) = with_mailbox().await;
    let mut thief = site.browser();
    drop(thief.password(ALICE).await);
    drop(thief.post("/lost/send", &[]).await);
    assert_eq!(thief.post("/lost", &[("code", &mailed(&site))]).await.path, "/lost");
    let now = T + 2 * DAY + 60;
    site.at(now);
    let mut owner = site.browser();
    assert_eq!(owner.log_in(ALICE, &phone.shows(now)).await.path, "/wallet");
    assert!(!owner.get("/wallet").await.shows("id=\"recovery-waits\""));
    site.at(now + 4 * DAY);
    drop(thief.password(ALICE).await);
    drop(thief.post("/lost/send", &[]).await);
    let page = thief.post("/lost", &[("code", &mailed(&site))]).await;
    assert!(page.path == "/lost" && page.shows("id=\"waits\""), "it begins anew: {}", page.text);
    assert_eq!(owner.get("/wallet").await.path, "/wallet");
    assert!(owner.get("/wallet").await.shows("recovery-waits"), "a known session is warned");
}

#[tokio::test]
async fn a_mailbox_that_was_given_up_is_unbound_and_recovers_nothing() {
    let (site, phone) = with_mailbox().await;
    let mut owner = site.browser();
    let now = T + 2 * DAY;
    drop(owner.log_in(ALICE, &phone.shows(now)).await);
    site.at(now + 30);
    let page = owner.post("/security/mailbox/unbind", &[("code", &phone.shows(now + 30))]).await;
    assert!(page.status == 200 && page.shows("Bind it"), "{}", page.text);
    let mut thief = site.browser();
    drop(thief.password(ALICE).await);
    drop(thief.post("/lost/send", &[]).await);
    let page = thief.post("/lost", &[("code", &mailed(&site))]).await;
    assert!(page.status == 409 && page.shows("No mailbox is bound for this"), "{}", page.text);
}

#[tokio::test]
async fn whoever_has_only_the_mailbox_does_not_recover() {
    let (site, _) = with_mailbox().await;
    let mut thief = site.browser();
    drop(thief.post("/password/forgot", &[("email", ALICE)]).await);
    let mail = site.mails_to(ALICE)[0].clone();
    let link = mail.split_once("/password/reset?").unwrap().1;
    let mut fields: Vec<_> = link.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    fields.push(("new", PASSWORD));
    assert_eq!(thief.post("/password/reset", &fields).await.status, 200);
    drop(thief.password(ALICE).await);
    drop(thief.post("/lost/send", &[]).await);
    let page = thief.post("/lost", &[("code", &mailed(&site))]).await;
    assert!(page.status == 403 && page.shows("For seven days"), "{}", page.text);
    site.at(T + 9 * DAY);
    drop(thief.password(ALICE).await);
    drop(thief.post("/lost/send", &[]).await);
    assert_eq!(thief.post("/lost", &[("code", &mailed(&site))]).await.path, "/lost", "the owner had a week to notice");
}
