//! When to read this: before you change a number.
//!
//! Prints what a policy's numbers are, where they come from, and how far guessers get under them.
//!
//! ```text
//! cargo run --example policy
//! cargo run --example policy -- --window 2,2 --digits 8 --authenticators 5
//! ```
//!
//! The tables are in Markdown; `docs/policy.md` has those of the default.

use sekisho::account::{AccountLimits, DoorRisk, LongTerm, Policy, Purpose};
use sekisho::otp::{Digits, Limits, Window};
use std::process::ExitCode;

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn main() -> ExitCode {
    match tables() {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("policy: {error}");
            ExitCode::from(2)
        }
    }
}

fn tables() -> Result<(), Failure> {
    use lexopt::prelude::*;
    let mut limits = AccountLimits::default();
    let mut digits = Digits::Six;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("window") => {
                let window = arguments.value()?.string()?;
                let (past, future) = window.split_once(',').ok_or("a window is PAST,FUTURE, in steps")?;
                limits.codes.window = Window::new(past.parse()?, future.parse()?);
            }
            Long("digits") => {
                digits = Digits::from_count(arguments.value()?.parse()?).ok_or("6, 7 or 8 digits")?;
            }
            Long("authenticators") => limits.max_authenticators = arguments.value()?.parse()?,
            _ => return Err(argument.unexpected().into()),
        }
    }
    let policy = Policy::new_with_risk_above_one_percent_a_year(limits)?;
    numbers(policy.limits());
    println!();
    risk(&policy, digits);
    Ok(())
}

/// Each number, and its source.
fn numbers(limits: &AccountLimits) {
    let Limits { window, max_drift, lock_after, first_lock_secs, longest_lock_secs, disable_after, .. } = limits.codes;
    let strangers = LongTerm { most: limits.codes.long_term, leak_every_secs: limits.codes.leak_every_secs };
    let steps = |window: Window| format!("{} back and {} ahead, in steps", window.past, window.future);
    let forgiven = |count: LongTerm| format!("{}, one leaks in {}", count.most, time(count.leak_every_secs));
    let rows = [
        ("window of a code", steps(window), "RFC 6238 §5.2: one step for delays; one ahead for clocks"),
        (
            "learned drift",
            format!("{max_drift} steps from the last resynchronization"),
            "RFC 6238 §6; the number is ours",
        ),
        ("window of an enrollment", steps(limits.enrollment_window), "ours: the clock is not known yet"),
        (
            "first lock",
            format!("after {lock_after} failures, {}", time(first_lock_secs)),
            "RFC 4226 §7.3; the numbers are ours",
        ),
        ("further locks", format!("twice as long each, to {}", time(longest_lock_secs)), "RFC 4226 §7.3"),
        ("failures that disable", disable_after.to_string(), "SP 800-63B-4 §3.2.2: at most 100 in a row"),
        ("long-term failures of strangers", forgiven(strangers), "ours, for the risk below"),
        ("… of known devices", forgiven(limits.devices), "ours, for the risk below"),
        ("… with mailed passes", forgiven(limits.mailed_passes), "ours, for the risk below"),
        ("… at enrollments", forgiven(limits.enrollment), "ours, for the risk below"),
        ("authenticators", format!("{} at most", limits.max_authenticators), "ours: each is a further target"),
        ("an enrollment waits", time(limits.pending_secs), "ours"),
        ("a proof is good for", time(limits.proof_secs), "ours"),
        ("a pass waits", time(limits.pass_secs), "ours; a mailed one an hour"),
        ("a delivered code lives", time(limits.delivered_secs), "SP 800-63B-4 §3.1.3.2: at most 10 minutes"),
        ("a known device is known for", time(limits.device_secs), "ours, since its last use"),
        (
            "recovery codes",
            format!("{} of 120 bits", limits.recovery_codes),
            "SP 800-63B-4 §3.1.2.2: no throttle from 64 bits on",
        ),
        ("hold after a change of binding", time(limits.binding_hold_secs), "ours"),
        ("hold after a recovery code", time(limits.recovery_hold_secs), "ours"),
        ("hold after a resynchronization", time(limits.resync_hold_secs), "ours"),
        ("hold after a reset", time(limits.reset_hold_secs), "ours"),
        ("hold of the service's own", "at most 7 days".into(), "ours"),
        ("the link of a notice stops the account for", "7 days".into(), "ours"),
        ("a set of recovery codes waits to be kept", "10 minutes".into(), "ours"),
        (
            "told of a code that was accepted after",
            format!("{} failures in a row", limits.tell_after_failures),
            "OWASP ASVS 5.0 §6.3.5; the number is ours",
        ),
        (
            "recovery without support",
            match limits.self_recovery_secs {
                0 => "not offered".into(),
                secs => time(secs),
            },
            "ours; three a year",
        ),
    ];
    let by_code: Vec<_> = limits.codes_beside_stronger_factor.iter().map(Purpose::as_str).collect();
    let by_code = format!("for {}", by_code.join(", "));
    let rows = rows.into_iter().chain([("a code beside a stronger factor is good", by_code, "ours")]);
    println!("| number | value | source |");
    println!("|---|---|---|");
    for (name, value, source) in rows {
        println!("| {name} | {value} | {source} |");
    }
}

/// The reach of guessers, with as many authenticators as the policy allows.
fn risk(policy: &Policy, digits: Digits) {
    let authenticators = policy.limits().max_authenticators;
    let risk = policy.risk(authenticators, digits);
    println!("Codes of {} digits, {authenticators} authenticators, a year:", digits.count());
    println!();
    println!("| guesses by | answered | each hits one of | chance |");
    println!("|---|---|---|---|");
    let line = |name, door: DoorRisk| {
        println!("| {name} | {} | {} | {:.3} % |", door.guesses, door.open_steps, door.chance * 100.0);
    };
    line("whoever knows the password", risk.strangers);
    line("and has a stolen device token", risk.devices);
    line("and reads the owner's mail", risk.mailed_passes);
    line("and guesses while an enrollment waits", risk.enrollment);
    println!("| **all together** | | | **{:.3} %** |", risk.chance * 100.0);
    line("all, where addresses take the place of apps", risk.delivered_codes);
    println!();
    let is_allowed = Policy::new(policy.limits().clone()).is_ok();
    println!("`Policy::new` {} it: codes of six digits, and 1 % a year.", if is_allowed { "takes" } else { "refuses" });
}

fn time(secs: u64) -> String {
    for (unit, name) in [(86_400, "day"), (3_600, "hour"), (60, "minute"), (1, "second")] {
        if secs >= unit && secs.is_multiple_of(unit) {
            let count = secs / unit;
            return format!("{count} {name}{}", if count == 1 { "" } else { "s" });
        }
    }
    format!("{secs} seconds")
}
