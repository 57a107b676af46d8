//! Looks at what drops leave behind: in place, where a value was, and in every block that goes back
//! to the allocator. Run by `tests/memory.rs`.
//!
//! `wiped` exits with 0 if nothing of a secret was left; `wiped planted` also drops an unwiped
//! copy, and has to exit with 1.

use sekisho::Verifier;
use sekisho::account::{Account, AccountId, Attempt, AuthenticatorId, NewAuthenticator, Policy, Purpose};
use sekisho::otp::{Algorithm, OtpauthUri, Secret, Totp, UnixTime};
use sekisho::qr::Qr;
use sekisho::seal::{KeyId, Keyring, SealingKey};
use sekisho::store::MemoryStore;
use sekisho::test_kit::TestClock;
use std::alloc::{GlobalAlloc, Layout, System};
use std::hint::black_box;
use std::mem::MaybeUninit;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Waker};

/// The secret, and the texts that carry parts of it: a block that is freed with any of these in it
/// has leaked.
const SECRET: &[u8; 20] = b"\x9a\x31\xc7\x5e\x02\xbd\x68\xf4\x1c\xa9\x73\xd0\x4b\xe6\x87\x2f\x55\xbe\x10\x99";
const TEXT: &str = "TIY4OXQCXVUPIHFJOPIEXZUHF5K34EEZ";
const NEEDLES: [&[u8]; 11] = [
    b"\x9a\x31\xc7\x5e\x02",
    b"\x55\xbe\x10\x99",
    b"TIY4OXQC",
    b"XVUPIHFJ",
    b"5K34EEZ",
    b"TIY4 OXQC",
    b"K34 EEZ",
    b"6N2D05SB",
    b"6N2D-05SB",
    b"\x9e\x73\x9a\x43\x0d",
    b"\x35\x44\xd0\x17\x2b",
];
/// The key that the test's sealing key gives for the label `notes`: HMAC-SHA256 by Python's `hmac`
/// over `sekisho label notes` and 0x01 (RFC 5869 §2.3).
const DERIVED: [u8; 32] = [
    0xd4, 0xee, 0x38, 0x2d, 0x0e, 0x9d, 0x76, 0x0d, 0x70, 0x5a, 0x69, 0x93, 0x7a, 0x5c, 0xfa, 0x62, 0xbc, 0x89, 0xd6,
    0x64, 0xa2, 0x78, 0x9c, 0x92, 0xd6, 0xca, 0x71, 0xcf, 0x62, 0x4c, 0xfb, 0xbf,
];
/// How the first recovery code begins that is made of a seed by [`Repeating`]: SHA-256 of it and a
/// zero byte, in Crockford's base 32.
const RECOVERY: &str = "6N2D-05SB";

/// Five bytes over and over: not random, so that what is made of them can be looked for.
struct Repeating(usize);

impl rand::TryRng for Repeating {
    type Error = std::convert::Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
        // The seed of the set is drawn first, and its handle, of other bytes, after it.
        let pattern = if self.0 == 0 { b"\x9e\x73\x9a\x43\x0d" } else { b"\x01\x02\x03\x04\x05" };
        bytes.iter_mut().zip(pattern.iter().cycle()).for_each(|(byte, pattern)| *byte = *pattern);
        self.0 += 1;
        Ok(())
    }
}

impl rand::TryCryptoRng for Repeating {}

// FIPS 180-4 §5.3.
const SHA1: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
const SHA256: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];
const SHA512: [u64; 8] = [
    0x6a09_e667_f3bc_c908,
    0xbb67_ae85_84ca_a73b,
    0x3c6e_f372_fe94_f82b,
    0xa54f_f53a_5f1d_36f1,
    0x510e_527f_ade6_82d1,
    0x9b05_688c_2b3e_6c1f,
    0x1f83_d9ab_fb41_bd6b,
    0x5be0_cd19_137e_2179,
];

static LEAKS: AtomicUsize = AtomicUsize::new(0);
/// The secret's SHA-1 key, once it is known.
static PADS: OnceLock<Vec<u8>> = OnceLock::new();

struct Searching;

// SAFETY: hands everything to the system's allocator, and reads only blocks that are still
// allocated.
unsafe impl GlobalAlloc for Searching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // Zeroed, so that what is found in a block was written to it by its owner.
        // SAFETY: the caller's promise.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is allocated with this layout, and initialized since it was zeroed.
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
        // The states after HMAC's pads are as good as the secret: any two words of them one after the
        // other.
        let pads = PADS.get().map_or(&[][..], Vec::as_slice).chunks_exact(8);
        let needles = NEEDLES.into_iter().chain(pads);
        if needles.into_iter().any(|needle| bytes.windows(needle.len()).any(|window| window == needle)) {
            LEAKS.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's promise.
        unsafe { System.dealloc(block, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Searching = Searching;

/// The bytes of a value before it is dropped and of its place after.
fn before_and_after<T>(value: T) -> (Vec<u8>, Vec<u8>) {
    let mut place = MaybeUninit::new(value);
    let start = place.as_ptr().cast::<u8>();
    // SAFETY: within the value; what padding there is is read as whatever it holds.
    let read = || (0..size_of::<T>()).map(|i| unsafe { start.add(i).read_volatile() }).collect();
    let before = read();
    // SAFETY: initialized, and not used afterwards.
    unsafe { place.assume_init_drop() };
    (before, read())
}

/// Counts the words that were in the value and are in its place after the drop. All have to be
/// there before.
fn left_behind<T>(value: T, words: &[Vec<u8>]) -> usize {
    let (before, after) = before_and_after(value);
    let count =
        |bytes: &[u8]| words.iter().filter(|word| bytes.windows(word.len()).any(|window| window == *word)).count();
    assert_eq!(count(&before), words.len(), "{} is not laid out as this test believes", std::any::type_name::<T>());
    count(&after)
}

/// The words of the hash states after HMAC's two pads (RFC 2104), for a key shorter than a block.
fn pad_words<const WORDS: usize, const BLOCK: usize, W: Copy>(
    initial: [W; WORDS],
    compress: fn(&mut [W; WORDS], &[[u8; BLOCK]]),
    bytes: impl Fn(W) -> Vec<u8>,
) -> Vec<Vec<u8>> {
    let states = [0x36, 0x5c].map(|pad| {
        let mut block = [pad; BLOCK];
        block.iter_mut().zip(SECRET).for_each(|(byte, secret)| *byte ^= secret);
        let mut state = initial;
        compress(&mut state, &[block]);
        state
    });
    states.into_iter().flatten().map(bytes).collect()
}

/// Runs a future on the heap to its end; nothing in it ever waits.
fn finish(future: impl Future<Output = ()>) {
    let context = &mut Context::from_waker(Waker::noop());
    assert!(Box::pin(future).as_mut().poll(context).is_ready());
}

fn main() {
    let mut failed = false;
    let mut check = |what: &str, left: usize| {
        println!("{what}: {left} left");
        failed |= left > 0;
    };
    let secret = Secret::new(SECRET).unwrap();
    let key = |algorithm| Totp { algorithm, ..Totp::DEFAULT }.key(&secret);
    let of_32_bits = |word: u32| word.to_ne_bytes().to_vec();
    let sha1 = pad_words(SHA1, sha1::block_api::compress, of_32_bits);
    let sha256 = pad_words(SHA256, sha2::block_api::compress256, of_32_bits);
    let sha512 = pad_words(SHA512, sha2::block_api::compress512, |word: u64| word.to_ne_bytes().to_vec());
    PADS.set(sha1.concat()).unwrap();
    check("words of a Secret", left_behind(secret.clone(), &SECRET.chunks(4).map(<[u8]>::to_vec).collect::<Vec<_>>()));
    check("words of a SHA-1 Key", left_behind(key(Algorithm::Sha1), &sha1));
    check("words of a SHA-256 Key", left_behind(key(Algorithm::Sha256), &sha256));
    let sealing_key = || SealingKey::from_bytes(core::array::from_fn(|i| SECRET[i % 20] ^ 0x33)).unwrap();
    let words: Vec<_> = (0..8).map(|word| (0..4).map(|i| SECRET[(word * 4 + i) % 20] ^ 0x33).collect()).collect();
    check("words of a SealingKey", left_behind(sealing_key(), &words));
    check("words of a Keyring", left_behind(Keyring::new(KeyId::new(1), sealing_key()), &words));
    let derived: Vec<_> = DERIVED.chunks(4).map(<[u8]>::to_vec).collect();
    let notes = || Keyring::new(KeyId::new(1), sealing_key()).of("notes").unwrap();
    check("words of a label's Keyring", left_behind(notes(), &derived));
    check("words of a SHA-512 Key", left_behind(key(Algorithm::Sha512), &sha512));

    // The inputs are the caller's: they are not freed here.
    let inputs: [&'static str; 3] = [
        TEXT,
        String::leak(format!("otpauth://totp/Example:alice?secret={TEXT}&issuer=Example")),
        String::leak(format!("otpauth://totp/alice?secret={}%3D%3d", TEXT.replace("OX", "%4F%58"))),
    ];
    LEAKS.store(0, Ordering::Relaxed);
    assert!(Secret::from_base32(inputs[0]).unwrap() == secret);
    check("blocks with the secret, reading base32", LEAKS.swap(0, Ordering::Relaxed));
    drop((secret.to_base32(), secret.to_base32_groups()));
    check("blocks with the secret, writing base32", LEAKS.swap(0, Ordering::Relaxed));
    drop((OtpauthUri::parse(inputs[1]).unwrap(), OtpauthUri::parse(inputs[2]).unwrap()));
    check("blocks with the secret, reading URIs", LEAKS.swap(0, Ordering::Relaxed));
    let uri = OtpauthUri::new("Example", "alice", secret, Totp::DEFAULT).unwrap();
    drop((uri.to_text(), uri.to_text_with_defaults()));
    check("blocks with the secret, writing URIs", LEAKS.swap(0, Ordering::Relaxed));
    let qr = Qr::new(&uri).unwrap();
    drop((qr.to_svg(), qr.to_half_blocks(), qr.to_png(4).unwrap(), qr, uri));
    check("blocks with the secret, drawing QR codes", LEAKS.swap(0, Ordering::Relaxed));

    let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
    let (ring, alice) = (Keyring::new(KeyId::new(1), sealing_key()), AccountId::new("alice").unwrap());
    let sealed = ring.seal_bytes(&alice, SECRET, &mut rng).unwrap();
    assert!(ring.open_bytes(&alice, &sealed).unwrap().expose() == SECRET);
    drop((sealed, ring));
    check("blocks with the secret, sealing and opening", LEAKS.swap(0, Ordering::Relaxed));

    // Accounts: an imported secret through its life, several beside it, all of them opened and sealed
    // each time.
    let uri = || OtpauthUri::new("Example", "alice", Secret::new(SECRET).unwrap(), Totp::DEFAULT).unwrap();
    let clock = TestClock::at(UnixTime::from_secs(1_800_000_000));
    let keyring = Keyring::new(KeyId::new(1), sealing_key());
    let verifier = Verifier::builder(MemoryStore::new(), keyring).clock(clock.clone()).without_notifications().build();
    let codes = uri().totp().key(&Secret::new(SECRET).unwrap());
    let code = |secs: u64| {
        clock.set(UnixTime::from_secs(1_800_000_000 + secs));
        codes.code_at(Totp::DEFAULT.step_at(UnixTime::from_secs(1_800_000_000 + secs)).unwrap()).reveal().to_string()
    };
    LEAKS.store(0, Ordering::Relaxed);
    finish(async {
        verifier.create_account(&alice).await.unwrap();
        // Begun twice, and shown again.
        drop(verifier.enroll_first(&alice, NewAuthenticator::imported(&uri()).unwrap()).await.unwrap());
        let begun = verifier.enroll_first(&alice, NewAuthenticator::imported(&uri()).unwrap()).await.unwrap();
        let handle = begun.handle().to_text();
        drop(begun);
        drop(verifier.pending_enrollment(&alice, handle.expose()).await.unwrap());
        drop(verifier.confirm(&alice, Attempt::new(Purpose::BINDING, &code(30))).await.unwrap());
        for secs in [60, 120] {
            let attempt = Attempt::new(Purpose::BINDING, &code(secs));
            let proof = verifier.verify(&alice, attempt).await.unwrap();
            let other = verifier.enroll(proof, NewAuthenticator::new("Example", "alice").unwrap()).await.unwrap();
            let key = other.uri().totp().key(other.uri().secret());
            let step = Totp::DEFAULT.step_at(UnixTime::from_secs(1_800_000_000 + secs)).unwrap();
            let typed = key.code_at(step).reveal().to_string();
            drop(verifier.confirm(&alice, Attempt::new(Purpose::BINDING, &typed)).await.unwrap());
        }
        for (typed, is_right) in [(code(180).as_str(), true), (&code(180), false), ("000000", false)] {
            let answer = verifier.verify(&alice, Attempt::new(Purpose::LOGIN, typed)).await;
            assert_eq!(answer.is_ok(), is_right);
        }
        assert_eq!(verifier.view(&alice).await.unwrap().authenticators.len(), 3);
        let attempt = Attempt::new(Purpose::BINDING, &code(210));
        let proof = verifier.verify(&alice, attempt).await.unwrap();
        verifier.remove(proof, AuthenticatorId::new(2)).await.unwrap();
    });
    check("blocks with the secret or its key, an account's life", LEAKS.swap(0, Ordering::Relaxed));

    // Recovery codes: made, printed and used, by a generator whose bytes are known.
    let row = Keyring::new(KeyId::new(1), SealingKey::from_bytes(*b"a key that no needle is part of!").unwrap());
    let policy = Policy::default();
    let at = |secs: u64| UnixTime::from_secs(1_800_000_000 + secs);
    LEAKS.store(0, Ordering::Relaxed);
    let created = row.seal(Account::create(alice.clone(), at(0), &mut rng), &mut rng).unwrap().0.unwrap().new;
    let change = row.open(&alice, created).unwrap();
    let change = change.enroll_first(&policy, at(0), &NewAuthenticator::imported(&uri()).unwrap(), &mut rng).unwrap();
    let (write, uncommitted) = row.seal(change, &mut rng).unwrap();
    let stored = write.unwrap().new;
    let handle = uncommitted.assume_committed(&mut Vec::new()).unwrap().handle().to_text();
    let attempt = Attempt::new(Purpose::BINDING, &code(30)).with_enrollment(handle.expose());
    let change = row.open(&alice, stored).unwrap().confirm(&policy, at(30), &attempt).unwrap();
    let (write, uncommitted) = row.seal(change, &mut rng).unwrap();
    let proof = uncommitted.assume_committed(&mut Vec::new()).unwrap();
    let opened = row.open(&alice, write.unwrap().new).unwrap();
    let change = opened.issue_recovery_codes(&policy, at(30), &proof, &mut Repeating(0)).unwrap();
    let (write, uncommitted) = row.seal(change, &mut rng).unwrap();
    let sheet = uncommitted.assume_committed(&mut Vec::new()).unwrap();
    let (handle, stored) = (sheet.handle().to_text(), write.unwrap().new);
    // Shown again, and kept.
    drop(row.open(&alice, stored.clone()).unwrap().waiting_recovery_codes(at(31), handle.expose()).unwrap());
    let change = row.open(&alice, stored).unwrap().keep_recovery_codes(&policy, at(31), handle.expose()).unwrap();
    let (write, uncommitted) = row.seal(change, &mut rng).unwrap();
    assert!(uncommitted.assume_committed(&mut Vec::new()).is_ok());
    let codes = sheet.into_codes();
    drop(codes.to_sheet("Example"));
    // On the stack: the test's own copy is not to be found on the heap.
    let mut typed = [0; 29];
    typed.copy_from_slice(codes.iter().next().unwrap().as_bytes());
    assert!(typed.starts_with(RECOVERY.as_bytes()), "{}", String::from_utf8_lossy(&typed));
    drop(codes);
    let attempt = Attempt::recovery(Purpose::LOGIN, std::str::from_utf8(&typed).unwrap());
    let change = row.open(&alice, write.unwrap().new).unwrap().verify(&policy, at(60), &attempt).unwrap();
    let (_, uncommitted) = row.seal(change, &mut rng).unwrap();
    assert!(uncommitted.assume_committed(&mut Vec::new()).is_ok());
    drop(attempt);
    check("blocks with a recovery code, made, printed and used", LEAKS.swap(0, Ordering::Relaxed));

    if std::env::args().nth(1).is_some_and(|argument| argument == "planted") {
        drop(black_box(TEXT.to_string()));
        check("blocks with the secret, planted", LEAKS.swap(0, Ordering::Relaxed));
    }
    std::process::exit(i32::from(failed));
}
