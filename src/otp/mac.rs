//! HMAC of a step (RFC 2104, RFC 4226 §5.2) from prepared pad states, over the hashes' block
//! functions.
//!
//! The message is always eight bytes, so each code costs exactly two compressions, inner and outer,
//! once the two blocks of key material have been absorbed. Compressions of different steps do not
//! depend on each other: they are run side by side, [`LANES`] at a time, for the processor to
//! overlap.

use digest::Digest;
use sha1::digest;
#[cfg(feature = "alloc")]
use subtle::ConstantTimeEq;
use subtle::{Choice, ConditionallySelectable};
use zeroize::Zeroize;

/// The number of steps that are computed side by side.
pub(super) const LANES: usize = 8;

/// The parts of a hash that HMAC needs: chaining states, blocks, and the compression from one to
/// the next.
pub(super) trait Hash {
    type State: Copy + Zeroize;
    type Block: Copy + AsMut<[u8]> + Zeroize;
    /// The initial chaining value (FIPS 180-4 §5.3).
    const INITIAL: Self::State;
    const EMPTY: Self::Block;

    fn compress(state: &mut Self::State, block: &Self::Block);
    /// The hash of a key longer than a block (RFC 2104 §2), into the start of `block`.
    fn hash_key(key: &[u8], block: &mut Self::Block);
    /// The last block of the inner hash: the step, padded (FIPS 180-4 §5.1).
    fn inner_block(step: u64) -> Self::Block;
    /// The last block of the outer hash: the inner digest, padded.
    fn outer_block(inner: &Self::State) -> Self::Block;
    /// The digest's first twenty bytes as five words, and its last word.
    fn ends(outer: &Self::State) -> ([u32; 5], u32);
}

/// The chaining states after the key's inner and outer pad: what is left to know of a key to make
/// its codes.
pub(super) struct Pads<H: Hash> {
    inner: H::State,
    outer: H::State,
}

impl<H: Hash> Pads<H> {
    pub(super) fn new(key: &[u8]) -> Self {
        let mut block = H::EMPTY;
        match block.as_mut().get_mut(..key.len()) {
            Some(start) => start.copy_from_slice(key),
            None => H::hash_key(key, &mut block),
        }
        let mut pads = Self { inner: H::INITIAL, outer: H::INITIAL };
        xor(&mut block, 0x36);
        H::compress(&mut pads.inner, &block);
        xor(&mut block, 0x36 ^ 0x5c);
        H::compress(&mut pads.outer, &block);
        block.zeroize();
        pads
    }

    /// By 160 bits or more of the inner state, which no other key leads to.
    #[cfg(feature = "alloc")]
    pub(super) fn is_same_key(&self, other: &Self) -> Choice {
        let ((start, end), (other_start, other_end)) = (H::ends(&self.inner), H::ends(&other.inner));
        start.ct_eq(&other_start) & end.ct_eq(&other_end)
    }

    /// The truncated HMAC (RFC 4226 §5.3, 31 bits) of the first `count` of `steps`.
    pub(super) fn truncated(&self, steps: &[u64; LANES], count: usize, out: &mut [u32; LANES]) {
        let mut blocks = [H::EMPTY; LANES];
        for (block, step) in blocks.iter_mut().zip(steps).take(count) {
            *block = H::inner_block(*step);
        }
        // Each outer block is written while the next inner compression runs: read at once it would
        // have to be waited for.
        for block in blocks.iter_mut().take(count) {
            let mut inner = self.inner;
            H::compress(&mut inner, block);
            *block = H::outer_block(&inner);
        }
        for (block, truncated) in blocks.iter().zip(out).take(count) {
            let mut outer = self.outer;
            H::compress(&mut outer, block);
            *truncated = truncate(H::ends(&outer));
            outer.zeroize();
        }
    }
}

impl<H: Hash> Drop for Pads<H> {
    fn drop(&mut self) {
        self.inner.zeroize();
        self.outer.zeroize();
    }
}

fn xor<B: AsMut<[u8]>>(block: &mut B, pad: u8) {
    for byte in block.as_mut() {
        *byte ^= pad;
    }
}

/// Dynamic truncation (RFC 4226 §5.3): the four bytes that begin at the offset which the last four
/// bits name.
///
/// Nothing is indexed by the offset. Each of its bits chooses by mask whether to go on by two
/// words, one word, two bytes or one byte. (Masks of plain arithmetic will not do: the compiler has
/// been seen to make branches of them.)
#[allow(clippy::cast_possible_truncation)] // bits, and the upper half of 64
fn truncate(([a, b, c, d, e], last): ([u32; 5], u32)) -> u32 {
    let bit = |n: u32| Choice::from((last >> n) as u8 & 1);
    let select = u32::conditional_select;
    let (two_words, one_word, two_bytes, one_byte) = (bit(3), bit(2), bit(1), bit(0));
    let [a, b, c] = [select(&a, &c, two_words), select(&b, &d, two_words), select(&c, &e, two_words)];
    let [a, b] = [select(&a, &b, one_word), select(&b, &c, one_word)];
    let mut bytes = (u64::from(a) << 32) | u64::from(b);
    bytes.conditional_assign(&(bytes << 16), two_bytes);
    bytes.conditional_assign(&(bytes << 8), one_byte);
    (bytes >> 32) as u32 & 0x7fff_ffff
}

/// The hashes whose words are 32 bits and whose blocks are 64 bytes.
macro_rules! hash_of_32_bit_words {
    ($name:ident, $hash:ty, $words:literal, $initial:expr, $compress:path, |$state:ident| $block:expr) => {
        pub(super) enum $name {}

        impl Hash for $name {
            type State = [u32; $words];
            type Block = [u8; 64];
            const INITIAL: Self::State = $initial;
            const EMPTY: Self::Block = [0; 64];

            fn compress(state: &mut Self::State, block: &Self::Block) {
                $compress(state, core::slice::from_ref(block));
            }

            fn hash_key(key: &[u8], block: &mut Self::Block) {
                hash_into::<$hash>(key, block);
            }

            fn inner_block(step: u64) -> Self::Block {
                block_of_64([(u128::from(step) << 64) | (1 << 63), 0, 0, (64 + 8) * 8])
            }

            fn outer_block($state: &Self::State) -> Self::Block {
                block_of_64($block)
            }

            fn ends(outer: &Self::State) -> ([u32; 5], u32) {
                let [a, b, c, d, e, ..] = *outer;
                let [.., last] = *outer;
                ([a, b, c, d, e], last)
            }
        }
    };
}

hash_of_32_bit_words!(
    Sha1,
    sha1::Sha1,
    5,
    [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0],
    sha1::block_api::compress,
    |state| {
        let [a, b, c, d, e] = *state;
        [quad(a, b, c, d), quad(e, 0x8000_0000, 0, 0), 0, (64 + 20) * 8]
    }
);

hash_of_32_bit_words!(
    Sha256,
    sha2::Sha256,
    8,
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19],
    sha2::block_api::compress256,
    |state| {
        let [a, b, c, d, e, f, g, h] = *state;
        [quad(a, b, c, d), quad(e, f, g, h), 1 << 127, (64 + 32) * 8]
    }
);

pub(super) enum Sha512 {}

impl Hash for Sha512 {
    type State = [u64; 8];
    type Block = [u8; 128];
    const INITIAL: Self::State = [
        0x6a09_e667_f3bc_c908,
        0xbb67_ae85_84ca_a73b,
        0x3c6e_f372_fe94_f82b,
        0xa54f_f53a_5f1d_36f1,
        0x510e_527f_ade6_82d1,
        0x9b05_688c_2b3e_6c1f,
        0x1f83_d9ab_fb41_bd6b,
        0x5be0_cd19_137e_2179,
    ];
    const EMPTY: Self::Block = [0; 128];

    fn compress(state: &mut Self::State, block: &Self::Block) {
        sha2::block_api::compress512(state, core::slice::from_ref(block));
    }

    fn hash_key(key: &[u8], block: &mut Self::Block) {
        hash_into::<sha2::Sha512>(key, block);
    }

    fn inner_block(step: u64) -> Self::Block {
        let mut block = [0; 128];
        let (first, rest) = block.split_at_mut(64);
        first.copy_from_slice(&block_of_64([(u128::from(step) << 64) | (1 << 63), 0, 0, 0]));
        rest.copy_from_slice(&block_of_64([0, 0, 0, (128 + 8) * 8]));
        block
    }

    fn outer_block(inner: &Self::State) -> Self::Block {
        let [a, b, c, d, e, f, g, h] = *inner;
        let mut block = [0; 128];
        let (first, rest) = block.split_at_mut(64);
        first.copy_from_slice(&block_of_64([pair(a, b), pair(c, d), pair(e, f), pair(g, h)]));
        rest.copy_from_slice(&block_of_64([1 << 127, 0, 0, (128 + 64) * 8]));
        block
    }

    #[allow(clippy::cast_possible_truncation)] // halves of 64-bit words
    fn ends(outer: &Self::State) -> ([u32; 5], u32) {
        let [a, b, c, .., last] = *outer;
        ([(a >> 32) as u32, a as u32, (b >> 32) as u32, b as u32, (c >> 32) as u32], last as u32)
    }
}

/// Sixteen bytes at a time: the block function reads whole vectors, and a vector read right after
/// narrower writes waits for all of them.
fn block_of_64(quads: [u128; 4]) -> [u8; 64] {
    let mut block = [0; 64];
    for (place, quad) in block.chunks_exact_mut(16).zip(quads) {
        place.copy_from_slice(&quad.to_be_bytes());
    }
    block
}

fn quad(a: u32, b: u32, c: u32, d: u32) -> u128 {
    pair((u64::from(a) << 32) | u64::from(b), (u64::from(c) << 32) | u64::from(d))
}

fn pair(a: u64, b: u64) -> u128 {
    (u128::from(a) << 64) | u128::from(b)
}

fn hash_into<D: Digest>(key: &[u8], block: &mut [u8]) {
    let mut digest = D::digest(key);
    for (place, byte) in block.iter_mut().zip(&digest) {
        *place = *byte;
    }
    digest.as_mut_slice().zeroize();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn truncation_at_every_offset_reads_the_bytes_there() {
        for offset in 0..16_usize {
            let bytes: [u8; 20] = core::array::from_fn(|i| if i == 19 { offset as u8 } else { (i * 37 + 200) as u8 });
            let word = |i: usize| u32::from_be_bytes(bytes[i..i + 4].try_into().unwrap());
            let words = [word(0), word(4), word(8), word(12), word(16)];
            assert_eq!(truncate((words, words[4])), word(offset) & 0x7fff_ffff, "offset {offset}");
        }
    }
}
