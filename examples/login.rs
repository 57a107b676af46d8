//! When to read this: first. Sign up and enroll an app; log in with its code. The record is in a
//! file by redb.
//!
//! ```sh
//! export SEKISHO_KEYS=1:$(openssl rand -hex 32)
//! cargo run --example login --features full -- sign-up
//! cargo run --example login --features full -- log-in
//! ```

use sekisho::Verifier;
use sekisho::account::{AccountId, Attempt, NewAuthenticator, Purpose};
use sekisho::otp::NotAccepted;
use sekisho::qr::Qr;
use sekisho::seal::Keyring;
use sekisho::store::RedbStore;
use sekisho::verifier::TracingSink;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::args().nth(2).unwrap_or("login.redb".into());
    tracing_subscriber::fmt().with_writer(std::io::stderr).init();
    let builder = Verifier::builder(RedbStore::open(file)?, Keyring::from_env("SEKISHO_KEYS")?);
    let verifier = builder.event_sink(TracingSink).build(); // a real service tells the owner too
    let alice = AccountId::new("user-4711")?;

    if std::env::args().nth(1).as_deref() == Some("sign-up") {
        // Never at log-in: a lost record would be made anew, for anybody to enroll.
        verifier.create_account(&alice).await?;
        let new = NewAuthenticator::new("Example Exchange", "alice@example.com")?;
        let enrollment = verifier.enroll_first(&alice, new).await?;
        println!("{}", Qr::new(enrollment.uri())?.to_half_blocks().expose());
        println!("or type this key: {}", enrollment.uri().secret().to_base32_groups().expose());
        let typed = ask("the code that the app shows")?;
        let attempt = Attempt::new(Purpose::BINDING, &typed).with_enrollment(enrollment.handle().to_text().expose());
        let _proof = verifier.confirm(&alice, attempt).await?;
        return Ok(());
    }
    let typed = ask("log in with the app's next code")?;
    match verifier.verify(&alice, Attempt::new(Purpose::LOGIN, &typed)).await {
        Ok(proof) => println!("welcome, {:?}", proof.account()),
        Err(NotAccepted::Rejected(why)) => println!("{}", why.advice()),
        Err(NotAccepted::Failed(error)) => return Err(error.into()),
    }
    Ok(())
}

fn ask(what: &str) -> std::io::Result<String> {
    println!("{what}:");
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.trim_end().into())
}
