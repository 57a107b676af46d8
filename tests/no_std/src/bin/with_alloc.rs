//! A secret from an otpauth URI and a whole decision, with a heap and without std.
#![no_std]
#![no_main]

use core::alloc::{GlobalAlloc, Layout};
use core::cell::UnsafeCell;
use core::convert::Infallible;
use core::sync::atomic::{AtomicUsize, Ordering};
use sekisho::otp::{CodePolicy, OtpauthUri, State, Totp, UnixTime, Verdict, decide};
use sekisho_no_std as _;

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
    assert!(HEAP.used.load(Ordering::Relaxed) > 0);
}
