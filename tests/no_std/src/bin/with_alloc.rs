//! A secret from an otpauth URI, a whole decision, an envelope, and an account, with a heap and
//! without std.
#![no_std]
#![no_main]

extern crate alloc;

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::convert::Infallible;
use core::sync::atomic::{AtomicUsize, Ordering};
use sekisho::account::{Account, AccountId, Attempt, NewAuthenticator, Policy, Purpose};
use sekisho::otp::{CodePolicy, OtpauthUri, State, Step, Totp, UnixTime, decide};
use sekisho::seal::{Keyring, Revision, Stored};
use sekisho_no_std as _;

const ENVELOPE: &[u8] = &[
    0x01, 0x00, 0x00, 0x00, 0x07, 0xfe, 0x63, 0xfc, 0xb3, 0xe3, 0x3a, 0xf4, 0x12, 0x08, 0xe4, 0xd4, 0xae, 0xbc, 0xbb,
    0x65, 0x5e, 0x2f, 0x0e, 0x62, 0x6a,
];

const SIZE: usize = 1 << 20;

/// Hands out its memory once and takes nothing back.
struct Bump {
    memory: UnsafeCell<[u8; SIZE]>,
    used: AtomicUsize,
}

// SAFETY: each byte is handed out once.
unsafe impl Sync for Bump {}

// SAFETY: blocks are aligned, lie within the memory and do not overlap.
unsafe impl GlobalAlloc for Bump {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let start = self.memory.get().cast::<u8>();
        let before = self.used.fetch_add(layout.size() + layout.align(), Ordering::Relaxed);
        let address = (start as usize + before).next_multiple_of(layout.align());
        if address + layout.size() > start as usize + SIZE {
            return core::ptr::null_mut();
        }
        start.wrapping_add(address - start as usize)
    }

    unsafe fn dealloc(&self, _: *mut u8, _: Layout) {}
}

#[global_allocator]
static HEAP: Bump = Bump { memory: UnsafeCell::new([0; SIZE]), used: AtomicUsize::new(0) };

#[unsafe(no_mangle)]
fn program() {
    let text = "otpauth://totp/Example:alice?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Example";
    let uri = OtpauthUri::parse(text).unwrap();
    assert!(uri.to_text().expose() == text && uri.totp() == Totp::DEFAULT);
    let key = uri.totp().key(uri.secret());
    let code = "287 082".parse().unwrap();
    let decision = decide(&key, &CodePolicy::DEFAULT, State::new(), UnixTime::from_secs(59), &code).unwrap();
    assert!(decision.commit(|_| Ok::<(), Infallible>(())).is_ok());

    // Sealed by libsodium's XChaCha20-Poly1305 under the revision of zeros.
    let ring = Keyring::parse("7:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
    let alice = AccountId::new("alice").unwrap();
    let stored = Stored { revision: Revision::from_bytes([0; 16]), envelope: ENVELOPE.to_vec() };
    assert!(ring.open_bytes(&alice, &stored).unwrap().expose() == b"kept");
    account(&ring, &alice, &uri);
    assert!(HEAP.used.load(Ordering::Relaxed) > 0);
}

/// Enrolls, confirms, logs in, and is refused the second time.
fn account(ring: &Keyring, alice: &AccountId, uri: &OtpauthUri) {
    let (policy, mut rng) = (Policy::default(), Counting(0));
    let key = uri.totp().key(uri.secret());
    let now = |step: u64| UnixTime::from_secs(step * 30);
    let attempt = |step: u64, purpose| {
        let code = key.code_at(Step::new(step)).reveal();
        let mut text = alloc::string::String::new();
        core::fmt::write(&mut text, format_args!("{code}")).unwrap();
        Attempt::new(purpose, &text)
    };
    let new = NewAuthenticator::imported(uri).unwrap();
    let created = Account::create(alice.clone(), now(100), &mut rng);
    let created = ring.seal(created, &mut rng).unwrap().0.unwrap().new;
    let change = ring.open(alice, created).unwrap().enroll_first(&policy, now(100), &new, &mut rng).unwrap();
    let (write, _) = ring.seal(change, &mut rng).unwrap();
    let stored = write.unwrap().new;
    let opened = ring.open(alice, stored).unwrap();
    let change = opened.confirm(&policy, now(101), &attempt(101, Purpose::BINDING)).unwrap();
    let (write, _) = ring.seal(change, &mut rng).unwrap();
    let mut stored = write.unwrap().new;
    for expected in [true, false] {
        let opened = ring.open(alice, stored.clone()).unwrap();
        let change = opened.verify(&policy, now(102), &attempt(102, Purpose::LOGIN)).unwrap();
        let (write, uncommitted) = ring.seal(change, &mut rng).unwrap();
        stored = write.map_or(stored, |write| write.new);
        assert!(uncommitted.assume_committed(&mut alloc::vec::Vec::new()).is_ok() == expected);
    }
}

/// Not random, but never the same: enough for revisions here.
struct Counting(u64);

impl rand::TryRng for Counting {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.try_next_u64().map(|number| number as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.0 += 1;
        Ok(self.0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        for byte in bytes {
            *byte = self.try_next_u64()? as u8;
        }
        Ok(())
    }
}

impl rand::TryCryptoRng for Counting {}
