//! An account as the desk sees it: state, history, and what two wrong codes have in common.

use crate::App;
use crate::customers::Customer;
use crate::language::Language;
use crate::words;
use maud::{Markup, html};
use sekisho::account::{
    AccountView, AuthenticatorKind, AuthenticatorState, AuthenticatorView, Event, EventKind, ProposedAct,
};
use sekisho::seal::RecordLoss;

pub(super) fn lost(language: Language, customer: &Customer, loss: RecordLoss) -> Markup {
    let how = match loss {
        RecordLoss::Missing => language.say("記録がありません。", "The record is missing."),
        RecordLoss::Damaged => language.say("記録が壊れています。", "The record is damaged."),
        RecordLoss::LostKey(_) => language.say("記録の鍵がありません。", "The record's key is missing."),
    };
    html! {
        section.card {
        h2 { (customer.email) }
        p { code { (customer.account) } }
        div.notice.refused #lost role="alert" {
            p { (how) }
            p { (language.say("まず原因を調べ、バックアップや鍵が見つからない場合だけ作り直してください。",
                "Find out why first. Rebuild it only if neither a backup nor the key is found.")) }
        }
        }
    }
}

pub(super) fn state(app: &App, language: Language, customer: &Customer, view: &AccountView) -> Markup {
    let none = language.say("なし", "none");
    let lock_over = language.say("終了しました", "over");
    html! {
        section.card {
            h2 { (customer.email) }
            dl {
                dt { (language.say("識別子", "Id")) } dd { code { (customer.account) } }
                dt { (language.say("認証方法", "Authenticators")) }
                dd { @for own in &view.authenticators { (authenticator(language, own)) br; } @if view.authenticators.is_empty() { (none) } }
                dt { (language.say("記憶したブラウザ", "Browsers")) }
                dd #known { @for device in &view.devices { (device.name.as_str()) " – " (words::moment(language, device.last_used.as_secs())) br; }
                    @if view.devices.is_empty() { (none) } }
                dt { (language.say("連続した間違い", "Failures in a row")) } dd #failures { (view.failures_in_a_row) }
                dt { (language.say("ロック", "Lock")) }
                dd #lock { @match &view.refusal {
                    Some(shut) => { (shut.reason().text(language.into())) @if let Some(at) = shut.retry_at() { " " (words::countdown(language, at.as_secs(), app.now(), lock_over)) } }
                    None => { (none) }
                } }
                dt { (language.say("停止中の操作", "Holds")) }
                dd #holds { @for hold in &view.holds {
                    (words::purpose(language, hold.purpose)) " – " (words::moment(language, hold.until.as_secs()))
                    @if let Some(reason) = &hold.reason { ": " (reason) }
                    br;
                } @if view.holds.is_empty() { (none) } }
                dt { (language.say("凍結", "Frozen")) }
                dd #frozen { @match view.frozen_at {
                    Some(at) => { (words::moment(language, at.as_secs())) }
                    None => { (language.say("なし", "no")) }
                } }
                dt { (language.say("未使用の解除リンク", "Links not used yet")) } dd #passes { (view.passes) }
                dt { (language.say("リカバリーコード", "Recovery codes")) } dd { (view.recovery_codes_left) }
                @if let Some(until) = view.self_recovery {
                    dt { (language.say("本人による再設定", "Recovery without support")) } dd { (words::moment(language, until.as_secs())) }
                }
                @if let Some(proposal) = &view.proposal {
                    dt { (language.say("承認待ち", "Waits for a second operator")) }
                    dd #proposal {
                        @match proposal.act {
                            ProposedAct::Reset => { (language.say("リセット", "reset")) }
                            ProposedAct::EndStrongerFactor => {
                                (language.say("より強い認証方法の解除", "end of the stronger factor"))
                            }
                            ProposedAct::Thaw => { (language.say("凍結の解除", "end of the freeze")) }
                        }
                        " – " (proposal.operator.name()) ": " (proposal.operator.reason())
                        " – " (words::moment(language, proposal.until.as_secs()))
                    }
                }
            }
        }
    }
}

fn authenticator(language: Language, own: &AuthenticatorView) -> Markup {
    html! {
        (own.name.as_str()) ": " (words::kind(language, &own.kind))
        @if let AuthenticatorKind::App { drift, .. } = own.kind {
            @if drift != 0 { " (" (language.say("時計のずれ ", "clock off by ")) (drift) (language.say(" ステップ", " steps")) ")" }
        }
        @match own.state {
            AuthenticatorState::Disabled => { " – " (language.say("無効", "disabled")) }
            AuthenticatorState::Suspended => { " – " (language.say("一時停止", "suspended")) }
            _ => {}
        }
    }
}

pub(super) fn history(language: Language, events: &[Event]) -> Markup {
    let [when, what, more, from] = [
        language.say("日時", "When"),
        language.say("操作", "What"),
        language.say("詳細", "Details"),
        language.say("接続元", "From"),
    ];
    html! {
        section.card {
            h2 { (language.say("履歴", "History")) }
            table #history {
                thead { tr { th { (when) } th { (what) } th { (more) } th { (from) } } }
                tbody { @for event in events.iter().rev() {
                    tr {
                        td data-label=(when) { (words::moment(language, event.at.as_secs())) }
                        td data-label=(what) { (event.kind.text(language.into())) }
                        td data-label=(more) { code { (event.kind.as_str()) } " " (details(event)) }
                        td data-label=(from) { (words::source(event)) }
                    }
                } }
            }
        }
    }
}

/// Details for operators beside the kind: also what two wrong codes have in common.
fn details(event: &Event) -> String {
    if let Some(operator) = &event.operator {
        return format!("{}: {}", operator.name(), operator.reason());
    }
    match &event.kind {
        EventKind::Rejected { purpose, reason, diagnosis } => {
            let diagnosis = diagnosis.map_or_else(String::new, |diagnosis| format!(": {diagnosis}"));
            format!("{purpose}, {}{diagnosis}", reason.as_str())
        }
        EventKind::Accepted { purpose, offset, .. } => format!("{purpose}, offset {offset}"),
        _ => String::new(),
    }
}
