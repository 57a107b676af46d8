//! When to read this: you keep one authenticator and a few bytes yourself, and want floor 1 alone.
//!
//! Enroll an authenticator app and log in with its codes, in a terminal.
//!
//! ```sh
//! cargo run --example quickstart --features full
//! ```
//!
//! Shows a QR code, asks for the code that confirms the enrollment, then answers each further code
//! as a log-in would. What has to be kept (the secret, the used codes, the failures, the lock) is
//! kept in a file, so that a lock or a used code outlasts the program. The file holds the secret in
//! plain text: good enough for trying things out, and for nothing else.
//!
//! `--help` lists the options; `--at` and `--secret` let a script drive it.

use sekisho::otp::{
    Algorithm, Code, CodePolicy, Digits, LockState, NotAccepted, OtpauthUri, Period, Rejection, Secret, State, Totp,
    UnixTime, decide,
};
use sekisho::qr::Qr;
use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

const HELP: &str = "\
usage: quickstart [options]        codes are read from standard input, one a line

  --file PATH        the account file, made if it is not there   [sekisho-quickstart.account]
  --at SECONDS       the Unix time to take for now               [the system's clock]

for a new account file:
  --secret BASE32    the secret                                  [a random one]
  --issuer NAME      the service                                 [Sekisho quickstart]
  --account NAME     the account                                 [alice@example.com]
  --algorithm NAME   SHA1, SHA256 or SHA512                      [SHA1]
  --digits N         6, 7 or 8                                   [6]
  --period SECONDS   1 to 120                                    [30]
";

type Outcome<T> = Result<T, Box<dyn Error>>;

fn main() {
    if let Err(error) = run() {
        eprintln!("quickstart: {error}");
        std::process::exit(1);
    }
}

fn run() -> Outcome<()> {
    let Some(options) = Options::from_args()? else {
        print!("{HELP}");
        return Ok(());
    };
    // One process at a time: each reads the state, decides, and writes it back.
    let mut lock = fd_lock::RwLock::new(File::create(options.file.with_extension("lock"))?);
    let _held = lock.try_write().map_err(|_| "another quickstart is using this account file: end it first")?;

    let mut account = match fs::read_to_string(&options.file) {
        Ok(text) if options.makes_account => {
            drop(text);
            return Err(format!(
                "{} is there already: remove it, or leave --secret and its like out",
                options.file.display()
            )
            .into());
        }
        Ok(text) => AccountFile::read(&text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let account = AccountFile::enroll(&options)?;
            account.save(&options.file)?;
            account
        }
        Err(error) => return Err(format!("{}: {error}", options.file.display()).into()),
    };
    if !account.confirmed {
        account.show()?;
    }

    let mut input = io::stdin().lock().lines();
    loop {
        print!("{}", if account.confirmed { "log in with a code: " } else { "confirm with the code your app shows: " });
        io::stdout().flush()?;
        let Some(line) = input.next().transpose()? else { break };
        let now = options.at.map_or_else(|| UnixTime::try_from(SystemTime::now()), Ok)?;
        println!("{}", account.submit(&line, now, &options.file)?);
    }
    println!();
    Ok(())
}

/// The contents of the account file.
struct AccountFile {
    uri: OtpauthUri,
    confirmed: bool,
    state: [u8; State::LEN],
}

impl AccountFile {
    fn enroll(options: &Options) -> Outcome<Self> {
        let secret = match &options.secret {
            Some(text) => Secret::from_base32(text)?,
            None => Secret::random(options.totp.algorithm)?,
        };
        let uri = OtpauthUri::new(&options.issuer, &options.account, secret, options.totp)?;
        Ok(Self { uri, confirmed: false, state: State::new().to_bytes() })
    }

    /// QR code, text key and URI, for the owner's app.
    fn show(&self) -> Outcome<()> {
        println!("Scan this with an authenticator app:\n\n{}", Qr::new(&self.uri)?.to_half_blocks().expose());
        println!("or type the key:  {}", self.uri.secret().to_base32_groups().expose());
        println!("or use the URI:   {}\n", self.uri.to_text().expose());
        Ok(())
    }

    /// Judges one line as a log-in (or the confirmation) and says what came of it. The new state is
    /// in the file before anything is said.
    fn submit(&mut self, line: &str, now: UnixTime, path: &Path) -> Outcome<String> {
        let code: Code = match line.parse() {
            Ok(code) => code,
            Err(error) => return Ok(format!("no code: {error}")),
        };
        let key = self.uri.totp().key(self.uri.secret());
        let policy = if self.confirmed { CodePolicy::DEFAULT } else { CodePolicy::ENROLLMENT };
        let decision = decide(&key, &policy, State::from_bytes(&self.state)?, now, &code)?;
        let confirmed = self.confirmed;
        let answer = decision.commit(|state| {
            // Only an accepted code leaves a watermark.
            let used = State::from_bytes(state)?.watermark().is_some();
            (self.state, self.confirmed) = (*state, confirmed || used);
            self.save(path)
        });
        match answer {
            Ok(_) if confirmed => Ok("accepted: you are logged in".into()),
            Ok(_) => Ok("confirmed: the authenticator is enrolled; this code is used up".into()),
            Err(NotAccepted::Rejected(rejection)) => Ok(explain(&rejection, now)),
            Err(NotAccepted::Failed(error)) => Err(error),
        }
    }

    fn save(&self, path: &Path) -> Outcome<()> {
        let text = format!(
            "sekisho quickstart account, version 1\nuri {}\nconfirmed {}\nstate {}\n",
            self.uri.to_text().expose(),
            self.confirmed,
            hex::encode(self.state)
        );
        // A crash leaves the old file or the new one.
        let new = path.with_extension("new");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&new)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, path)?;
        // The rename itself has to outlast a power cut.
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
        Ok(())
    }

    fn read(text: &str) -> Outcome<Self> {
        let damaged = "the account file is damaged: remove it to begin anew";
        let mut lines = text.lines();
        if lines.next() != Some("sekisho quickstart account, version 1") {
            return Err("this is not an account file of this quickstart: name another with --file".into());
        }
        let mut field = |name: &str| lines.next().and_then(|line| line.strip_prefix(name)).ok_or(damaged);
        let uri = OtpauthUri::parse(field("uri ")?)?;
        let confirmed = field("confirmed ")?.parse()?;
        let state = State::from_bytes(&hex::decode(field("state ")?)?)?.to_bytes();
        Ok(Self { uri, confirmed, state })
    }
}

/// Says what a log-in page would: the reason, then the advice.
fn explain(rejection: &Rejection, now: UnixTime) -> String {
    let wait = rejection.retry_at().map_or(0, |at| at.saturating_since(now));
    let reason = match rejection {
        Rejection::Replayed { .. } => format!("already used: the next code can be used in {wait} s"),
        Rejection::Locked { .. } => format!("locked: try again in {wait} s"),
        Rejection::Busy { .. } => format!("too many log-ins: try again in {wait} s"),
        Rejection::Disabled => "disabled".into(),
        Rejection::Mismatch(count) | Rejection::Expired(count) => {
            let what = if matches!(rejection, Rejection::Expired(_)) { "expired" } else { "wrong" };
            match count.lock_state {
                LockState::Open { attempts_left } => format!("{what}: attempts left: {attempts_left}"),
                LockState::Locked { .. } => format!("{what}: locked, try again in {wait} s"),
                LockState::Disabled => format!("{what}: disabled"),
            }
        }
        other => format!("refused: {other:?}"),
    };
    format!("{reason}. {}", rejection.advice())
}

struct Options {
    file: PathBuf,
    at: Option<UnixTime>,
    secret: Option<String>,
    issuer: String,
    account: String,
    totp: Totp,
    /// Returns whether an option was given that only a new account file can take.
    makes_account: bool,
}

impl Options {
    /// `None` where help was asked for.
    fn from_args() -> Outcome<Option<Self>> {
        use lexopt::prelude::*;
        let mut options = Self {
            file: "sekisho-quickstart.account".into(),
            at: None,
            secret: None,
            issuer: "Sekisho quickstart".into(),
            account: "alice@example.com".into(),
            totp: Totp::DEFAULT,
            makes_account: false,
        };
        let mut parser = lexopt::Parser::from_env();
        while let Some(argument) = parser.next()? {
            match argument {
                Long("file") => options.file = parser.value()?.into(),
                Long("at") => options.at = Some(UnixTime::from_secs(parser.value()?.parse()?)),
                Short('h') | Long("help") => return Ok(None),
                Long(name) => {
                    options.makes_account = true;
                    match name {
                        "secret" => options.secret = Some(parser.value()?.string()?),
                        "issuer" => options.issuer = parser.value()?.string()?,
                        "account" => options.account = parser.value()?.string()?,
                        "algorithm" => options.totp.algorithm = parser.value()?.parse_with(algorithm)?,
                        "digits" => options.totp.digits = parser.value()?.parse_with(digits)?,
                        "period" => options.totp.period = parser.value()?.parse_with(period)?,
                        _ => return Err(argument.unexpected().into()),
                    }
                }
                _ => return Err(argument.unexpected().into()),
            }
        }
        Ok(Some(options))
    }
}

fn algorithm(name: &str) -> Result<Algorithm, String> {
    let all = [Algorithm::Sha1, Algorithm::Sha256, Algorithm::Sha512];
    all.into_iter().find(|algorithm| algorithm.as_str() == name).ok_or_else(|| "name SHA1, SHA256 or SHA512".into())
}

fn digits(count: &str) -> Result<Digits, String> {
    count.parse().ok().and_then(Digits::from_count).ok_or_else(|| "give 6, 7 or 8".into())
}

fn period(secs: &str) -> Result<Period, String> {
    secs.parse().ok().and_then(Period::from_secs).ok_or_else(|| "give 1 to 120 seconds".into())
}
