//! Mishaps that bring customers to support, and how each gets in again, over HTTP as their browsers
//! speak it, without scripts.

mod site;

use sekisho::store::{Store, Swap};
use site::{ALICE, PASSWORD, Site, T, at_the_desk, refused, withdraw};

#[tokio::test]
async fn without_the_phone_a_recovery_code_lets_in_once_and_holds_withdrawals() {
    let (site, mut browser, phone, codes) = Site::with_alice().await;
    browser.log_out().await;
    let then = T + 3 * 86_400;
    site.at(then);
    browser.password(ALICE).await;
    let page = browser.post("/log-in/code", &[("recovery", &codes[3].to_lowercase())]).await;
    assert_eq!(page.path, "/recovered");
    assert!(page.shows("<strong id=\"recovery-left\">9</strong>"));
    let page = browser.get("/wallet").await;
    assert!(page.shows("id=\"hold\"") && page.shows("24 h<"), "{}", page.text);
    // The phone was in the other coat.
    site.at(then + 60);
    let page = withdraw(&mut browser, &phone.shows(then + 60)).await;
    assert_eq!(page.status, 403);
    assert!(page.shows("This is held for a while") && page.shows("Balance after it"));
    browser.log_out().await;
    browser.password(ALICE).await;
    refused(&browser.post("/log-in/code", &[("recovery", &codes[3])]).await);

    let later = then + 86_400 + 300;
    site.at(later);
    assert_eq!(browser.log_in(ALICE, &phone.shows(later)).await.path, "/wallet");
    site.at(later + 30);
    let page = withdraw(&mut browser, &phone.shows(later + 30)).await;
    assert_eq!(page.status, 200, "{}", page.text);
    assert!(page.shows("<span id=\"balance\">750,000</span>") && page.shows("0001-1234567"));
    let page = withdraw(&mut browser, &phone.shows(later + 30)).await;
    assert!(page.shows("cannot be used again"), "once");
}

#[tokio::test]
async fn a_phone_that_is_four_minutes_off_is_resynchronized_by_two_codes() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 86_400);
    let shown = |secs: u64| phone.shows(secs + 240);
    browser.log_out().await;
    refused(&browser.log_in(ALICE, &shown(T + 86_400)).await);
    site.at(T + 86_520);
    let two = [("first", &*shown(T + 86_490)), ("second", &*shown(T + 86_520))];
    let page = browser.get("/resync").await;
    assert!(page.shows("type two codes"), "{}", page.text);
    let page = browser.post("/resync", &two).await;
    assert!(page.shows("codes are right"), "{}", page.text);
    assert_eq!(browser.get("/wallet").await.path, "/log-in/code", "it is no log-in");
    // Asked again, as the answer got lost, it is the same one; to somebody else the codes are used.
    assert!(browser.post("/resync", &two).await.shows("codes are right"));
    let mut thief = site.browser();
    thief.password(ALICE).await;
    refused(&thief.post("/resync", &two).await);
    site.at(T + 86_550);
    assert_eq!(browser.post("/log-in/code", &[("code", &shown(T + 86_550))]).await.path, "/wallet");
    assert!(site.mails_to(ALICE)[0].contains("clock was resynchronized"));
}

#[tokio::test]
async fn after_a_reset_only_the_pass_enrolls_and_withdrawals_are_held_for_two_days() {
    let (site, mut browser, old, codes) = Site::with_alice().await;
    browser.log_out().await;
    site.at(T + 86_400);
    let mut desk = at_the_desk(&site).await;
    let page = desk.get("/support?email=alice%40example.com").await;
    assert!(page.shows("authenticator app") && page.shows("confirmed"), "{}", page.text);
    let page = desk.act("reset", "all lost, passport seen").await;
    assert_eq!(page.status, 200, "{}", page.text);

    let page = browser.password(ALICE).await;
    assert!(page.shows("Open the link that was mailed to you"), "{}", page.text);
    assert_eq!(browser.get("/wallet").await.path, "/log-in/code", "the password alone lets nobody in");
    refused(&browser.post("/two-step/pass", &[("pass", "guessed")]).await);
    // No code is any use now, which is nobody's mistake.
    assert_eq!(browser.post("/log-in/code", &[("code", &old.shows(T + 86_400))]).await.status, 409);
    assert_eq!(browser.post("/log-in/code", &[("recovery", &codes[1])]).await.status, 409);
    let body = format!("{{\"email\":\"{ALICE}\",\"password\":\"{PASSWORD}\",\"code\":\"123456\"}}");
    let told = site.browser().json("/api/log-in", &body).await;
    assert!(told.status == 403 && told.shows("\"pass_needed\""), "{}", told.text);
    let phone = browser.post("/two-step/pass", &[("pass", &site.pass_for(ALICE))]).await.phone();
    let page = browser.post("/two-step/confirm", &[("code", &phone.shows(T + 86_400))]).await;
    assert_eq!(page.recovery_codes().len(), 10, "{}", page.text);
    let page = browser.get("/wallet").await;
    assert!(page.shows("id=\"hold\"") && page.shows("48 h<"), "{}", page.text);
    // What there was before is of no use.
    site.at(T + 86_460);
    refused(&site.browser().log_in(ALICE, &old.shows(T + 86_460)).await);
    let mut thief = site.browser();
    thief.password(ALICE).await;
    refused(&thief.post("/log-in/code", &[("recovery", &codes[0])]).await);
}

#[tokio::test]
async fn a_new_phone_takes_the_place_of_the_old_one_and_a_stolen_account_is_frozen() {
    let (site, mut browser, old, _) = Site::with_alice().await;
    site.at(T + 600);
    let page = browser.post("/security/replace", &[("id", "1"), ("code", &old.shows(T + 600))]).await;
    let new = page.phone();
    assert_eq!(browser.post("/two-step/confirm", &[("code", &new.shows(T + 600))]).await.path, "/security");
    browser.log_out().await;
    site.at(T + 690);
    refused(&browser.log_in(ALICE, &old.shows(T + 690)).await);
    assert_eq!(browser.log_in(ALICE, &new.shows(T + 690)).await.path, "/wallet");

    let mut desk = at_the_desk(&site).await;
    desk.act("freeze", "phone stolen").await;
    site.at(T + 720);
    refused(&site.browser().log_in(ALICE, &new.shows(T + 720)).await);
    let page = desk.act("thaw", "found again").await;
    assert!(page.shows("Sato: found again"));
    site.at(T + 780);
    assert_eq!(site.browser().log_in(ALICE, &new.shows(T + 780)).await.path, "/wallet");
}

#[tokio::test]
async fn a_code_comes_by_message_to_a_number_that_was_confirmed() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 600);
    let fields = [("number", "+81 90-1234-5678"), ("code", &*phone.shows(T + 600))];
    let page = browser.post("/security/add-phone", &fields).await;
    assert!(page.shows("Confirm the number"), "{}", page.text);
    let number = site.outbox.messages()[0].to.clone();
    let sent = |text: &str| text.rsplit_once('#').unwrap().1.to_owned();
    let page = browser.post("/two-step/confirm", &[("code", &sent(&site.mails_to(&number)[0]))]).await;
    assert_eq!(page.path, "/security", "{}", page.text);
    assert!(page.shows("text message"));
    assert!(site.mails_to(ALICE)[0].contains("An authenticator was added."));
    browser.log_out().await;
    site.at(T + 1_200);
    let page = browser.password(ALICE).await;
    let id = page.between("name=\"to\" value=\"", "\"").to_owned();
    assert!(!page.shows("1234-5678") && !page.shows("12345678"), "the number is not shown to whoever has the password");
    let page = browser.post("/log-in/send", &[("to", &id)]).await;
    assert!(page.shows("A code was sent"), "{}", page.text);
    assert_eq!(browser.post("/log-in/send", &[("to", &id)]).await.status, 429);
    let page = browser.post("/log-in/code", &[("code", &sent(&site.mails_to(&number)[0]))]).await;
    assert_eq!(page.path, "/wallet", "{}", page.text);
}

#[tokio::test]
async fn two_wrong_codes_of_another_time_zone_are_explained_to_support() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    browser.log_out().await;
    for secs in [T + 600, T + 660] {
        site.at(secs);
        refused(&browser.log_in(ALICE, &phone.shows(secs + 9 * 3_600)).await);
    }
    let page = at_the_desk(&site).await.get("/support?email=alice@example.com").await;
    assert!(page.shows("9 h ahead"), "{}", page.text);
}

#[tokio::test]
async fn a_clock_that_creeps_is_followed_and_one_that_is_set_right_again_is_in() {
    let (site, _, phone, _) = Site::with_alice().await;
    // A second and a half later each day.
    for day in 1..=60 {
        let now = T + day * 86_400;
        site.at(now);
        let page = site.browser().log_in(ALICE, &phone.shows(now - day * 3 / 2)).await;
        assert_eq!(page.path, "/wallet", "day {day}: {}", page.text);
    }
    site.at(T + 61 * 86_400);
    assert_eq!(site.browser().log_in(ALICE, &phone.shows(T + 61 * 86_400)).await.path, "/wallet");
}

#[tokio::test]
async fn a_clock_five_hours_slow_is_found_from_the_usual_browser_and_elsewhere_by_a_recovery_code() {
    let (site, mut usual, phone, codes) = Site::with_alice().await;
    usual.log_out().await;
    site.at(T + 60);
    usual.password(ALICE).await;
    usual.post("/log-in/code", &[("code", &phone.shows(T + 60)), ("remember", "yes")]).await;
    usual.log_out().await;
    let slow = |secs: u64| phone.shows(secs - 5 * 3_600);
    let now = T + 86_400;
    site.at(now);
    let two = [("first", &*slow(now - 30)), ("second", &*slow(now))];
    let mut elsewhere = site.browser();
    elsewhere.password(ALICE).await;
    refused(&elsewhere.post("/resync", &two).await);
    usual.password(ALICE).await;
    assert!(usual.post("/resync", &two).await.shows("codes are right"));
    // Five hours more, on another browser.
    let slower = |secs: u64| phone.shows(secs - 10 * 3_600);
    let now = T + 2 * 86_400;
    site.at(now);
    let (first, second) = (slower(now - 30), slower(now));
    let mut elsewhere = site.browser();
    elsewhere.password(ALICE).await;
    let page = elsewhere.post("/resync", &[("first", &first), ("second", &second), ("recovery", &codes[0])]).await;
    assert!(page.shows("codes are right"), "{}", page.text);
    site.at(now + 30);
    assert_eq!(elsewhere.post("/log-in/code", &[("code", &slower(now + 30))]).await.path, "/wallet");
}

#[tokio::test]
async fn a_code_is_typed_late_or_from_elsewhere_or_with_a_japanese_keyboard() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    let other = Site::start().await.browser().sign_up(&site, ALICE, T).await.0;
    browser.log_out().await;
    // As it turned over.
    site.at(T + 631);
    assert_eq!(browser.log_in(ALICE, &phone.shows(T + 600)).await.path, "/wallet");
    // A minute and a half late.
    site.at(T + 1_290);
    let page = site.browser().log_in(ALICE, &phone.shows(T + 1_200)).await;
    assert!(page.shows("as soon as it appears"), "{}", page.text);
    // Yesterday's, and another service's.
    site.at(T + 86_400);
    for code in [phone.shows(T), other.shows(T + 86_400)] {
        assert!(site.browser().log_in(ALICE, &code).await.shows("The code is wrong: "));
    }
    // What is no code is not counted.
    let page = site.browser().log_in(ALICE, "12 34").await;
    assert!(page.status == 422 && !page.shows("Attempts left"), "{}", page.text);
    let full_width: String =
        phone.shows(T + 86_400).chars().map(|c| char::from_u32(u32::from(c) + 0xFEE0).unwrap()).collect();
    let (front, back) = full_width.split_at(9);
    assert_eq!(site.browser().log_in(ALICE, &format!("　{front}　{back} ")).await.path, "/wallet");
}

#[tokio::test]
async fn a_phone_that_is_gone_is_replaced_by_recovery_codes_and_used_up_ones_by_a_new_set() {
    let (site, mut browser, lost, codes) = Site::with_alice().await;
    browser.log_out().await;
    site.at(T + 86_400);
    browser.password(ALICE).await;
    assert_eq!(browser.post("/log-in/code", &[("recovery", &codes[0])]).await.path, "/recovered");
    let page = browser.post("/security/replace", &[("id", "1"), ("code", ""), ("recovery", &codes[1])]).await;
    let new = page.phone();
    assert_eq!(browser.post("/two-step/confirm", &[("code", &new.shows(T + 86_400))]).await.path, "/security");
    assert!(site.mails_to(ALICE)[0].contains("replaced by a new one"));
    site.at(T + 86_460);
    refused(&site.browser().log_in(ALICE, &lost.shows(T + 86_460)).await);
    assert_eq!(site.browser().log_in(ALICE, &new.shows(T + 86_460)).await.path, "/wallet");
    // A new set by the new phone: what is left of the old one is void.
    site.at(T + 86_490);
    let page = browser.post("/security/recovery-codes", &[("code", &new.shows(T + 86_490))]).await;
    let renewed = page.recovery_codes();
    assert_eq!(browser.post("/security/sheet", &[]).await.path, "/wallet");
    browser.log_out().await;
    browser.password(ALICE).await;
    refused(&browser.post("/log-in/code", &[("recovery", &codes[2])]).await);
    for (hour, code) in (1..).zip(&renewed) {
        site.at(T + 86_490 + hour * 3_600);
        let mut browser = site.browser();
        browser.password(ALICE).await;
        assert_eq!(browser.post("/log-in/code", &[("recovery", code)]).await.path, "/recovered");
    }
    browser.password(ALICE).await;
    let page = browser.post("/log-in/code", &[("recovery", &renewed[0])]).await;
    assert!(page.status == 409 && page.shows("No recovery code is left"), "{}", page.text);
}

#[tokio::test]
async fn a_new_phone_that_is_not_confirmed_in_time_leaves_all_as_it_was_and_says_so() {
    let (site, mut browser, old, _) = Site::with_alice().await;
    site.at(T + 600);
    let new = browser.post("/security/replace", &[("id", "1"), ("code", &old.shows(T + 600))]).await.phone();
    site.at(T + 1_300);
    let page = browser.post("/two-step/confirm", &[("code", &new.shows(T + 1_300))]).await;
    assert!(page.status == 409 && page.shows("nothing has changed"), "{}", page.text);
    assert_eq!(site.browser().log_in(ALICE, &old.shows(T + 1_300)).await.path, "/wallet");
}

#[tokio::test]
async fn without_an_app_messages_are_enough_and_the_last_authenticator_goes_only_knowingly() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    site.at(T + 600);
    let number = "+819012345678";
    let fields = [("number", "＋８１ ９０－１２３４－５６７８"), ("code", &*phone.shows(T + 600))];
    assert!(browser.post("/security/add-phone", &fields).await.shows("Confirm the number"));
    let sent = || site.mails_to(number)[0].rsplit_once('#').unwrap().1.to_owned();
    let first = sent();
    assert_eq!(browser.post("/security/resend", &[]).await.status, 429, "not within 30 s");
    site.at(T + 640);
    browser.post("/security/resend", &[]).await;
    assert_eq!(sent(), first, "the same code again");
    let page = browser.post("/two-step/confirm", &[("code", &phone.wrong(T, 0)), ("sent", "yes")]).await;
    assert!(page.status == 403 && page.shows("Send it again"), "{}", page.text);
    assert_eq!(browser.post("/two-step/confirm", &[("code", &first), ("sent", "yes")]).await.path, "/security");
    // Smartphones are not for her.
    site.at(T + 700);
    let page = browser.post("/security/remove", &[("id", "1"), ("code", &phone.shows(T + 700))]).await;
    assert!(page.status == 200 && page.text.matches("class=\"authenticator card\"").count() == 1, "{}", page.text);
    let then = T + 2 * 86_400;
    site.at(then);
    let page = browser.password(ALICE).await;
    let id = page.between("name=\"to\" value=\"", "\"").to_owned();
    let to = [("to", &*id)];
    browser.post("/log-in/send", &to).await;
    assert!(sent() != first && site.mails_to(number)[0].contains("to log in"));
    assert_eq!(browser.post("/log-in/code", &[("code", &sent())]).await.path, "/wallet");
    site.at(then + 60);
    let asked = [("send_to", &*id), ("amount", "250,000"), ("to", "0001-1234567")];
    assert!(browser.post("/wallet/send", &asked).await.shows("A code was sent"));
    assert!(site.mails_to(number)[0].contains("to withdraw"));
    let page = withdraw(&mut browser, &sent()).await;
    assert!(page.shows("<span id=\"balance\">750,000</span>"), "{}", page.text);
    // Not by accident, as from a page of before.
    let remove = |code: String, last| [("id", id.clone()), ("code", code), ("last", String::from(last))];
    for (minute, last, status, shown) in [(2, "", 409, "was left as it is"), (3, "yes", 200, "Set up two-step login")] {
        site.at(then + minute * 60);
        browser.post("/security/send", &[("which", "/security/remove"), ("id", &id), ("send_to", &id)]).await;
        let fields = remove(sent(), last);
        let fields = fields.each_ref().map(|(name, value)| (*name, value.as_str()));
        let page = browser.post("/security/remove", &fields).await;
        assert!(page.status == status && page.shows(shown), "{}", page.text);
    }
}

#[tokio::test]
async fn a_withdrawal_that_is_sent_twice_is_made_once_and_mistakes_spend_no_code() {
    let (site, mut browser, phone, since) = may_withdraw().await;
    let now = since - 30;
    let code = phone.shows(now + 30);
    for (amount, to) in [("0", "1"), ("-5", "1"), ("", "1"), ("1e3", "1"), ("99999999", "1"), ("5", " "), ("5", "a\nb")]
    {
        let page =
            browser.post("/wallet/withdraw", &[("id", "a"), ("amount", amount), ("to", to), ("code", &code)]).await;
        assert_eq!(page.status, 422, "{amount} {to}");
        refused(&page);
    }
    let review = browser.post("/wallet/review", &[("amount", "￥６００，０００"), ("to", "0001-1234567")]).await;
    assert!(review.shows("¥600,000") && review.shows("¥400,000"), "{}", review.text);
    let id = review.between("name=\"id\" value=\"", "\"").to_owned();
    let fields = [("id", &*id), ("amount", "￥６００，０００"), ("to", "0001-1234567"), ("code", &*code)];
    for said in ["on its way", "made already"] {
        let page = browser.post("/wallet/withdraw", &fields).await;
        assert!(page.status == 200 && page.shows(said), "{said}: {}", page.text);
        assert!(page.shows("<span id=\"balance\">400,000</span>"), "{said}: {}", page.text);
    }
    // Also with the next code: the page was left open, its answer lost.
    site.at(now + 60);
    let fields = [("id", &*id), ("amount", "600000"), ("to", "0001-1234567"), ("code", &*phone.shows(now + 60))];
    assert!(browser.post("/wallet/withdraw", &fields).await.shows("made already"));
    // Another form is another withdrawal.
    let fields = [("id", "another"), ("amount", "1"), ("to", "0001-1234567"), ("code", &*code)];
    refused(&browser.post("/wallet/withdraw", &fields).await);
    // A thief with the password and an own session gets nothing by repeating what was seen.
    site.at(now + 90);
    let mut thief = site.browser();
    assert_eq!(thief.log_in(ALICE, &phone.shows(now + 90)).await.path, "/wallet");
    let fields = [("id", &*id), ("amount", "400,000"), ("to", "0001-1234567"), ("code", &*code)];
    refused(&thief.post("/wallet/withdraw", &fields).await);
    assert!(thief.get("/wallet").await.shows("<span id=\"balance\">400,000</span>"));
    // The same form with another amount, as after going back, is another withdrawal.
    site.at(now + 120);
    let fields = [("id", &*id), ("amount", "1"), ("to", "0001-1234567"), ("code", &*phone.shows(now + 120))];
    let page = browser.post("/wallet/withdraw", &fields).await;
    assert!(page.shows("on its way") && page.shows("<span id=\"balance\">399,999</span>"), "{}", page.text);
}

#[tokio::test]
async fn an_authenticator_is_renamed_and_support_clears_a_drift() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    let page = browser.post("/security/rename", &[("id", "1"), ("name", "mine"), ("code", &phone.wrong(T, 0))]).await;
    assert!(
        page.status == 403 && !browser.get("/security").await.shows("mine"),
        "not by a session alone: {}",
        page.text
    );
    site.at(T + 30);
    let fields = [("id", "1"), ("name", "  <Pixel> 9 "), ("code", &*phone.shows(T + 30))];
    let page = browser.post("/security/rename", &fields).await;
    assert!(page.shows("&lt;Pixel&gt; 9") && !page.shows("<Pixel>"), "{}", page.text);
    assert_eq!(browser.post("/security/rename", &[("id", "1"), ("name", " ")]).await.status, 422);
    site.at(T + 86_400);
    assert_eq!(site.browser().log_in(ALICE, &phone.shows(T + 86_370)).await.path, "/wallet");
    let mut desk = at_the_desk(&site).await;
    let page = desk.get("/support?email=alice@example.com").await;
    assert!(page.shows("clock off by") && page.shows("clear-drift 1"), "{}", page.text);
    let page = desk.act("clear-drift 1", "asked for").await;
    assert!(page.shows("drift_cleared") && !page.shows("clock off by"), "{}", page.text);
    assert_eq!(desk.act("clear-drift 9", "asked for").await.status, 409);
    assert_eq!(desk.act("thaw", "asked for").await.status, 409);
    assert_eq!(desk.act("freeze", " ").await.status, 422);
}

/// An owner who may withdraw, logged in, and the moment.
async fn may_withdraw() -> (Site, site::Browser, site::Phone, u64) {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    let now = T + 3 * 86_400;
    site.at(now);
    browser.log_out().await;
    assert_eq!(browser.log_in(ALICE, &phone.shows(now)).await.path, "/wallet");
    site.at(now + 30);
    (site, browser, phone, now + 30)
}

#[tokio::test]
async fn a_withdrawal_is_paid_once_after_its_wait() {
    let (site, mut browser, phone, now) = may_withdraw().await;
    assert!(withdraw(&mut browser, &phone.shows(now)).await.shows(">waits</td>"));
    site.at(now + 599);
    site.pay().await;
    assert!(browser.get("/wallet").await.shows(">waits</td>"));
    site.at(now + 600);
    let customer = site.app.customers.find(ALICE).await.unwrap().unwrap();
    let id = customer.withdrawals[0].id;
    // Two copies at once.
    tokio::join!(site.pay(), site.pay());
    let page = browser.get("/wallet").await;
    assert!(page.shows(">paid</td>") && page.shows("<span id=\"balance\">750,000</span>"), "{}", page.text);
    for is_paid in [true, false] {
        assert!(!site.app.customers.settle(&customer.account().unwrap(), &id, is_paid).await.unwrap(), "once");
    }
    assert!(browser.get("/wallet").await.shows("<span id=\"balance\">750,000</span>"));
    site.pay().await;
    assert!(site.app.customers.queued().await.unwrap().is_empty());
}

#[tokio::test]
async fn a_freeze_stops_a_withdrawal_that_waits_also_after_a_thaw() {
    for is_thawed in [false, true] {
        let (site, mut browser, phone, now) = may_withdraw().await;
        assert!(withdraw(&mut browser, &phone.shows(now)).await.shows(">waits</td>"));
        let mut desk = at_the_desk(&site).await;
        desk.act("freeze", "that was not me, she says").await;
        if is_thawed {
            desk.act("thaw", "phone found").await;
        }
        site.at(now + 600);
        site.pay().await;
        let customer = site.app.customers.find(ALICE).await.unwrap().unwrap();
        assert_eq!(customer.balance, 1_000_000, "the money is back");
        assert!(site.mails_to(ALICE)[0].contains("A withdrawal was stopped"));
        site.pay().await;
        assert_eq!(site.app.customers.find(ALICE).await.unwrap().unwrap().balance, 1_000_000, "once");
        if is_thawed {
            site.at(now + 660);
            let mut browser = site.browser();
            assert_eq!(browser.log_in(ALICE, &phone.shows(now + 660)).await.path, "/wallet");
            assert!(browser.get("/wallet").await.shows(">stopped</td>"));
        }
    }
}

#[tokio::test]
async fn a_record_that_is_lost_lets_nobody_in_until_support_has_rebuilt_it() {
    let (site, mut browser, phone, _) = Site::with_alice().await;
    let account = site.app.customers.find(ALICE).await.unwrap().unwrap().account().unwrap();
    let mut desk = at_the_desk(&site).await;
    assert_eq!(desk.act("rebuild missing", "a mistake").await.status, 409, "it is there");
    let revision = site.accounts.load(&account).await.unwrap().unwrap().revision;
    assert_eq!(site.accounts.delete(&account, revision).await.unwrap(), Swap::Done);
    site.at(T + 60);
    assert_eq!(browser.get("/wallet").await.status, 500);
    assert_eq!(site.browser().password(ALICE).await.status, 500, "not as without a second step");

    let page = desk.get("/support?email=alice@example.com").await;
    assert!(page.shows("The record is missing") && !page.shows("value=\"unlock\""), "{}", page.text);
    assert_eq!(desk.act("rebuild damaged", "another page").await.status, 409, "not lost in that way");
    let page = desk.act("rebuild missing", "evicted, ticket 7").await;
    assert!(page.status == 200 && page.shows("rebuilt") && page.shows("evicted, ticket 7"), "{}", page.text);
    let mut browser = site.browser();
    assert!(browser.password(ALICE).await.shows("Open the link that was mailed to you"));
    refused(&browser.post("/two-step/pass", &[("pass", "guessed")]).await);
    let new = browser.post("/two-step/pass", &[("pass", &site.pass_for(ALICE))]).await.phone();
    let page = browser.post("/two-step/confirm", &[("code", &new.shows(T + 60))]).await;
    assert_eq!(page.recovery_codes().len(), 10, "{}", page.text);
    assert!(browser.get("/wallet").await.shows("48 h<"));
    refused(&site.browser().log_in(ALICE, &phone.shows(T + 60)).await);
}

#[tokio::test]
async fn a_demo_shows_a_withdrawal_within_minutes_of_signing_up() {
    let site = Site::with(exchange::Settings::demo().unwrap()).await;
    let mut browser = site.browser();
    let (phone, _) = browser.sign_up(&site, ALICE, T).await;
    site.at(T + 30);
    assert!(withdraw(&mut browser, &phone.shows(T + 30)).await.shows("This is held for a while"));
    site.at(T + 60);
    assert!(withdraw(&mut browser, &phone.shows(T + 60)).await.shows(">waits</td>"));
    site.at(T + 80);
    site.pay().await;
    assert!(browser.get("/wallet").await.shows(">paid</td>"));
}
