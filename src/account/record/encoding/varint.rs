//! Numbers in as few bytes as they take (LEB128): seven bits a byte, the lowest first, and a bit
//! that says whether more follow. CBOR takes five bytes for the seconds of a day; this takes three.

use super::fields::Corrupt;

/// The most bytes that a number takes.
pub(in crate::account::record) const MAX: usize = 10;

/// The place of the tenth byte's bits.
const LAST_SHIFT: u32 = 63;

/// The bytes of a number, and how many they are.
#[allow(clippy::cast_possible_truncation)] // the lowest seven bits
pub(in crate::account::record) const fn bytes(mut number: u64) -> ([u8; MAX], usize) {
    let (mut bytes, mut len) = ([0; MAX], 1_usize);
    let mut rest: &mut [u8] = &mut bytes;
    while let [place, behind @ ..] = rest {
        *place = number as u8 & 0x7f;
        number >>= 7;
        if number == 0 {
            break;
        }
        *place |= 0x80;
        len = len.wrapping_add(1);
        rest = behind;
    }
    (bytes, len)
}

/// Takes a number from the front of `from`. Each number has one form.
pub(in crate::account::record) fn take(from: &mut &[u8]) -> Result<u64, Corrupt> {
    let (mut number, mut shift) = (0, 0);
    while let Some((byte, rest)) = from.split_first() {
        *from = rest;
        let low = u64::from(byte & 0x7f);
        number |= low << shift;
        if byte & 0x80 == 0 {
            // Nothing has been shifted out, and no last byte says nothing.
            let has_its_form = shift == 0 || (low != 0 && number >> shift == low);
            return if has_its_form { Ok(number) } else { Err(Corrupt) };
        }
        if shift == LAST_SHIFT {
            break;
        }
        shift = shift.wrapping_add(7);
    }
    Err(Corrupt)
}

/// The number of bytes that a number takes.
pub(in crate::account::record) const fn len(number: u64) -> usize {
    let bits = u64::BITS.saturating_sub((number | 1).leading_zeros());
    bits.div_ceil(7) as usize
}

/// A difference between two numbers, as a number that is small if they are near (zigzag).
pub(in crate::account::record) const fn difference(from: u64, to: u64) -> u64 {
    let signed = to.wrapping_sub(from).cast_signed();
    ((signed << 1) ^ (signed >> 63)).cast_unsigned()
}

/// The number at that difference: the inverse of [`difference`], whatever the numbers.
pub(in crate::account::record) const fn at_difference(from: u64, difference: u64) -> u64 {
    let signed = (difference >> 1) ^ (difference & 1).wrapping_neg();
    from.wrapping_add(signed)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use proptest::prelude::*;

    fn written(number: u64) -> Vec<u8> {
        let (bytes, len) = bytes(number);
        bytes[..len].to_vec()
    }

    proptest! {
        #[test]
        fn numbers_are_read_as_they_were_written(number in any::<u64>(), shift in 0..64_u32) {
            let number = number >> shift;
            let written = written(number);
            prop_assert_eq!(written.len(), len(number));
            let mut from = &written[..];
            prop_assert_eq!(take(&mut from).unwrap(), number);
            prop_assert!(from.is_empty());
            for end in 0..written.len() {
                prop_assert!(take(&mut &written[..end]).is_err());
            }
        }

        #[test]
        fn differences_are_undone(from in any::<u64>(), to in any::<u64>()) {
            prop_assert_eq!(at_difference(from, difference(from, to)), to);
        }
    }

    #[test]
    fn a_day_takes_three_bytes_to_either_side_and_each_number_has_one_form() {
        assert_eq!((len(0), len(127), len(128), len(u64::MAX)), (1, 1, 2, MAX));
        assert_eq!(len(difference(1_800_000_000, 1_800_086_400)), 3);
        assert_eq!(len(difference(1_800_086_400, 1_800_000_000)), 3);
        assert_eq!(written(u64::MAX).last(), Some(&1));
        let refused: [&[u8]; 4] =
            [&[0x80, 0], &[0xff, 0], &[0xff; 11], &[255, 255, 255, 255, 255, 255, 255, 255, 255, 2]];
        for form in refused {
            assert!(take(&mut &*form).is_err(), "{form:?}");
        }
    }
}
