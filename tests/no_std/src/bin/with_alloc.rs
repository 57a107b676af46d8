//! A secret from an otpauth URI, a whole decision, and an envelope, with a heap and without std.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::convert::Infallible;
use core::sync::atomic::{AtomicUsize, Ordering};
use sekisho::account::AccountId;
use sekisho::otp::{CodePolicy, OtpauthUri, State, Totp, UnixTime, Verdict, decide};
use sekisho::seal::{Keyring, Revision, Stored};
use sekisho_no_std as _;

const ENVELOPE: &[u8] = &[
    0x01, 0x00, 0x00, 0x00, 0x07, 0xfe, 0x63, 0xfc, 0xb3, 0x63, 0x9b, 0xee, 0xf8, 0x44, 0x6d, 0x09, 0xaa, 0xab, 0x00,
    0xa5, 0x4c, 0x41, 0x68, 0xb9, 0x93,
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
    assert!(matches!(decision.commit(|_| Ok::<(), Infallible>(())).unwrap(), Verdict::Accepted(_)));

    // Sealed by libsodium's XChaCha20-Poly1305 under the revision of noughts.
    let ring = Keyring::parse("7:000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f").unwrap();
    let alice = AccountId::new("alice").unwrap();
    let stored = Stored { revision: Revision::from_bytes([0; 16]), envelope: ENVELOPE.to_vec() };
    assert!(ring.open_bytes(&alice, &stored).unwrap().expose() == b"kept");
    assert!(HEAP.used.load(Ordering::Relaxed) > 0);
}
