//! Recovery codes: for when every authenticator is out of reach.

use super::capacity::RECOVERY_CODES;
use super::token::{EnrollmentHandle, TokenHash};
use crate::otp::typed::is_passed_over;
use crate::otp::{Moment, Sensitive, UnixTime};
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use base32::Alphabet;
use core::fmt::{self, Write};
use rand::CryptoRng;
use sha2::{Digest, Sha256};
use subtle::{Choice, ConditionallySelectable, ConstantTimeEq};
use zeroize::{Zeroize, Zeroizing};

/// The bytes of a code: 120 bits.
const LEN: usize = 15;
/// The longest text that is looked at, in bytes: 24 full-width characters take 72, the rest is room
/// for blanks, and for the marks of a list.
const MAX_TEXT: usize = 192;

/// A set waits so long for its owner to say that it is kept, in seconds.
pub(in crate::account) const WAITING_SECS: u64 = 600;

/// A new set of recovery codes, and what it takes to show it again and to put it in force. Redacted
/// in `Debug`.
///
/// Keep the [handle](Self::handle) in the session, and nowhere else. A page that is loaded again
/// shows the same codes by it
/// ([`waiting_recovery_codes`](crate::account::Account::waiting_recovery_codes)). The set is in
/// force once the owner says that it is kept
/// ([`keep_recovery_codes`](crate::account::Account::keep_recovery_codes)); until then, and if that
/// never comes, the one before is.
#[derive(Debug)]
#[must_use = "the set is not in force yet"]
pub struct RecoverySheet {
    pub(in crate::account) codes: RecoveryCodes,
    pub(in crate::account) handle: EnrollmentHandle,
    pub(in crate::account) until: UnixTime,
}

impl RecoverySheet {
    /// The codes, to be shown.
    pub const fn codes(&self) -> &RecoveryCodes {
        &self.codes
    }

    /// The codes alone, once the handle is kept elsewhere.
    pub fn into_codes(self) -> RecoveryCodes {
        self.codes
    }

    /// Names the set in the owner's session.
    pub const fn handle(&self) -> &EnrollmentHandle {
        &self.handle
    }

    /// Until when it can be shown again, and kept.
    #[must_use]
    pub const fn until(&self) -> UnixTime {
        self.until
    }
}

/// A set of recovery codes. Wiped on drop, redacted in `Debug`.
#[must_use = "they are to be shown"]
pub struct RecoveryCodes(Vec<Sensitive<String>>);

impl RecoveryCodes {
    /// The codes: 24 characters each, in groups of four.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.iter().map(|code| code.expose().as_str())
    }

    /// A sheet to print: a heading (the service and the account, say), and the codes one a line
    /// with boxes to tick.
    #[must_use]
    pub fn to_sheet(&self, heading: &str) -> Sensitive<String> {
        // Large enough never to grow, which would leave copies unwiped.
        let line = |code: &str| code.len().saturating_add(8);
        let len = self.iter().map(line).fold(heading.len().saturating_add(8), usize::saturating_add);
        let mut sheet = Sensitive::new(String::with_capacity(len));
        let text = sheet.expose_mut();
        // Writing to a string does not fail.
        let _ = writeln!(text, "{heading}\n");
        for code in self.iter() {
            let _ = writeln!(text, "[ ] {code}");
        }
        sheet
    }
}

impl fmt::Debug for RecoveryCodes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RecoveryCodes({})", self.0.len())
    }
}

/// One code as it was typed. Wiped on drop.
#[derive(Clone)]
pub(crate) struct RecoveryCode(Box<[u8; LEN]>);

impl RecoveryCode {
    /// Reads what a person typed: in either case, `O` for `0`, `I` and `L` for `1`, blanks, hyphens
    /// and unseen marks anywhere, full-width characters too; or pasted, as one line of a list, with
    /// its box, bullet, number or quotation marks. The time this takes depends on the text, which
    /// whoever typed it knows already.
    pub(in crate::account) fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut plain = Zeroizing::new([0_u8; 24]);
        let mut places = plain.iter_mut();
        for character in without_marks_of_a_list(text).chars() {
            if is_passed_over(character) {
                continue;
            }
            let character = match character {
                '！'..='～' => char::from_u32(u32::from(character).wrapping_sub(0xfee0))?,
                character => character,
            };
            *places.next()? = match character.to_ascii_uppercase() {
                'O' => b'0',
                'I' | 'L' => b'1',
                character @ ('0'..='9' | 'A'..='Z') if character != 'U' => u8::try_from(character).ok()?,
                _ => return None,
            };
        }
        if places.next().is_some() {
            return None;
        }
        let decoded = Zeroizing::new(base32::decode(Alphabet::Crockford, str::from_utf8(&*plain).ok()?)?);
        // Copied from heap to heap: an array in between would stay on the stack.
        Box::<[u8]>::from(decoded.as_slice()).try_into().ok().map(Self)
    }

    pub(in crate::account) fn bytes(&self) -> &[u8; LEN] {
        &self.0
    }

    pub(in crate::account) fn text(&self) -> Sensitive<String> {
        // Twenty-four characters and five hyphens.
        let mut text = Sensitive::new(String::with_capacity(29));
        // Five bytes make eight characters exactly. More at once would have the encoder's buffer
        // grow, and leave a copy unwiped.
        for bytes in self.bytes().chunks(5) {
            let group = Zeroizing::new(base32::encode(Alphabet::Crockford, bytes));
            for half in [group.get(..4), group.get(4..)].into_iter().flatten() {
                if !text.expose().is_empty() {
                    text.expose_mut().push('-');
                }
                text.expose_mut().push_str(half);
            }
        }
        text
    }
}

/// A line of a list without what stands before its code and behind it: a box (as
/// [`RecoveryCodes::to_sheet`] prints them), a bullet, a number, quotation marks, a comma.
pub(super) fn without_marks_of_a_list(line: &str) -> &str {
    const BOXES: [&str; 3] = ["[ ]", "[x]", "[X]"];
    let is_around = |character: char| {
        is_passed_over(character)
            || matches!(character, '•' | '*' | '·' | '▪' | '◦' | '‣' | '□' | '☐' | '☑' | '☒' | '✓' | '✔')
            || matches!(character, '"' | '\'' | '`' | '“' | '”' | '„' | '‘' | '’' | ',' | ';' | '.')
    };
    let mut rest = line.trim_matches(is_around);
    if let Some((number, behind)) = rest.split_once(['.', ')', ':'])
        && (1..=2).contains(&number.len())
        && number.bytes().all(|byte| byte.is_ascii_digit())
    {
        rest = behind.trim_start_matches(is_around);
    }
    BOXES.iter().find_map(|mark| rest.strip_prefix(mark)).unwrap_or(rest).trim_start_matches(is_around)
}

impl Drop for RecoveryCode {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

/// A set that its owner has not said to have kept: the one before is good until then.
pub(in crate::account) struct WaitingSet {
    pub(in crate::account) seed: Seed,
    pub(in crate::account) count: u8,
    /// The hash of the handle, which whoever was shown the codes has.
    pub(in crate::account) handle: TokenHash,
    pub(in crate::account) until: UnixTime,
    /// The [lead](Moment::lead) when it was drawn.
    pub(in crate::account) lead: u64,
}

/// All codes of a set are made of these random bits. Wiped on drop.
pub(in crate::account) struct Seed(pub(in crate::account) Box<[u8; Seed::LEN]>);

impl Seed {
    pub(in crate::account) const LEN: usize = 32;

    pub(in crate::account) fn generate<R: CryptoRng + ?Sized>(rng: &mut R) -> Self {
        let mut seed = Self(Box::new([0; Self::LEN]));
        rng.fill_bytes(&mut *seed.0);
        seed
    }

    /// The first bytes of a hash of the seed and a number. All lengths are fixed.
    fn fill(&self, number: u8, to: &mut [u8]) {
        let mut hash = Sha256::new();
        hash.update(self.0.as_slice());
        hash.update([number]);
        let bytes = Zeroizing::new(<[u8; 32]>::from(hash.finalize_reset()));
        to.iter_mut().zip(*bytes).for_each(|(place, byte)| *place = byte);
    }

    /// The set, and its codes: at most as many as a record holds.
    pub(in crate::account) fn set(&self, count: u8) -> (RecoverySet, RecoveryCodes) {
        let mut set = RecoverySet { key: [0; 16], hashes: Vec::new(), is_used: false };
        self.fill(u8::MAX, &mut set.key);
        let mut texts = Vec::with_capacity(RECOVERY_CODES);
        for number in (0..count).take(RECOVERY_CODES) {
            let mut code = RecoveryCode(Box::new([0; LEN]));
            self.fill(number, &mut *code.0);
            set.hashes.push(set.hash(&code));
            texts.push(code.text());
        }
        (set, RecoveryCodes(texts))
    }
}

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl WaitingSet {
    /// Returns whether this is the text of its handle, and its time is not over.
    pub(in crate::account) fn is_named_by(&self, handle: &str, now: Moment) -> bool {
        let is_its = TokenHash::of_text(handle).is_some_and(|hash| hash.ct_eq(&self.handle).into());
        is_its && now.is_before_end(self.until, self.lead, WAITING_SECS)
    }
}

/// The record keeps this of a set: hashes under a key of the set's own, of the codes that have not
/// been used.
pub(in crate::account) struct RecoverySet {
    pub(in crate::account) key: [u8; 16],
    pub(in crate::account) hashes: Vec<[u8; 32]>,
    /// A code of it was used: the next set is due.
    pub(in crate::account) is_used: bool,
}

impl RecoverySet {
    /// A set of which no code is left.
    pub(in crate::account) const fn used_up() -> Self {
        Self { key: [0; 16], hashes: Vec::new(), is_used: true }
    }

    /// The number of codes that have not been used.
    pub(in crate::account) fn left(&self) -> u8 {
        u8::try_from(self.hashes.len()).unwrap_or(u8::MAX)
    }

    /// Uses the code at `place` up; gives how many are left.
    pub(in crate::account) fn spend(&mut self, place: u32) -> u8 {
        if (place as usize) < self.hashes.len() {
            self.hashes.remove(place as usize);
            self.is_used = true;
        }
        self.left()
    }

    /// Finds this code among those that have not been used, and its place: all are
    /// compared, and the place is chosen by mask.
    pub(in crate::account) fn find(&self, code: &RecoveryCode) -> (Choice, u32) {
        let hash = self.hash(code);
        let (mut found, mut place) = (Choice::from(0), 0_u32);
        for (number, kept) in (0..).zip(&self.hashes) {
            let same = kept.ct_eq(&hash);
            place.conditional_assign(&number, same);
            found |= same;
        }
        (found, place)
    }

    /// All lengths are fixed.
    fn hash(&self, code: &RecoveryCode) -> [u8; 32] {
        // In one place, which is wiped: a hash that moves leaves the code behind.
        let mut hash = Sha256::new();
        hash.update(self.key.as_slice());
        hash.update(code.bytes().as_slice());
        hash.finalize_reset().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    fn code() -> RecoveryCode {
        RecoveryCode(Box::new([
            0x00, 0x44, 0x32, 0x14, 0xc7, 0x42, 0x54, 0xb6, 0x35, 0xcf, 0x84, 0x65, 0x3a, 0x56, 0xd7,
        ]))
    }

    #[test]
    fn a_code_is_24_characters_of_crockfords_alphabet_in_groups_of_four() {
        // The thirty-two values of five bits in order, as far as 120 bits go (Crockford's base 32).
        assert_eq!(code().text().expose(), "0123-4567-89AB-CDEF-GHJK-MNPQ");
    }

    #[test]
    fn a_code_is_read_in_any_spelling() {
        for text in [
            "0123-4567-89AB-CDEF-GHJK-MNPQ",
            "0123456789ABCDEFGHJKMNPQ",
            " oi23 4567-89ab　cdef ghjk mnpq ",
            "Ol23-4567-89AB-CDEF-GHJK-MNPQ",
            "０１２３－４５６７－８９ＡＢ－ｃｄｅｆ－ＧＨＪＫ－ＭＮＰＱ",
            "0123\u{2011}4567–89AB—CDEF−GHJKーMNPQ\r\n",
            "\u{feff}0123\t4567\u{a0}89AB\u{200b}CDEF\u{202f}GHJK\u{2066}MNPQ\u{2069}",
            "[ ] 0123-4567-89AB-CDEF-GHJK-MNPQ",
            "[x] 0123-4567-89AB-CDEF-GHJK-MNPQ",
            "- [ ] 0123-4567-89AB-CDEF-GHJK-MNPQ",
            "1. 0123-4567-89AB-CDEF-GHJK-MNPQ",
            " 10) 0123-4567-89AB-CDEF-GHJK-MNPQ",
            "3. [ ] 0123-4567-89AB-CDEF-GHJK-MNPQ",
            "* 0123-4567-89AB-CDEF-GHJK-MNPQ",
            "•\t0123-4567-89AB-CDEF-GHJK-MNPQ",
            "☐ 0123-4567-89AB-CDEF-GHJK-MNPQ",
            "\"0123-4567-89AB-CDEF-GHJK-MNPQ\",",
            "„0123-4567-89AB-CDEF-GHJK-MNPQ“",
            "`0123-4567-89AB-CDEF-GHJK-MNPQ`.",
        ] {
            let read = RecoveryCode::parse(text).unwrap_or_else(|| panic!("{text}"));
            assert_eq!(read.bytes(), code().bytes(), "{text}");
        }
    }

    #[test]
    fn what_is_no_code_is_not_read() {
        for text in [
            "",
            "123456",
            "0123-4567-89AB-CDEF-GHJK-MNP",
            "0123-4567-89AB-CDEF-GHJK-MNPQR",
            "0123-4567-89AB-CDEF-GHJK-MNPU",
            "0123-4567-89AB-CDEF-GHJK-MNP*",
            "0123-4567-89AB-CDEF-GHJK-MNPé",
            "[ ]",
            "1.",
            "[ ] 0123-4567-89AB-CDEF-GHJK",
            "123. 0123-4567-89AB-CDEF-GHJK-MNPQ",
            "[ ] 0123-4567-89AB-CDEF-GHJK-MNPQ\n[ ] 0123-4567-89AB-CDEF-GHJK-MNPQ",
            &" ".repeat(193),
        ] {
            assert!(RecoveryCode::parse(text).is_none(), "{text}");
        }
    }

    #[test]
    fn each_code_of_a_set_is_found_at_its_place_and_no_other_is() {
        let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
        let (mut set, codes) = Seed::generate(&mut rng).set(10);
        assert_eq!((set.hashes.len(), codes.iter().len()), (10, 10));
        let find = |set: &RecoverySet, code: &RecoveryCode| {
            let (found, place) = set.find(code);
            bool::from(found).then_some(place)
        };
        for (place, text) in (0..).zip(codes.iter()) {
            assert_eq!(find(&set, &RecoveryCode::parse(text).unwrap()), Some(place));
        }
        assert_eq!(find(&set, &code()), None);
        let first = RecoveryCode::parse(codes.iter().next().unwrap()).unwrap();
        assert_eq!(set.spend(0), 9);
        assert_eq!(find(&set, &first), None);
        // Under another key the same codes are unknown: a hash tells nothing outside its set.
        set.key = [0; 16];
        assert!(codes.iter().all(|text| find(&set, &RecoveryCode::parse(text).unwrap()).is_none()));
        assert_eq!(format!("{codes:?}"), "RecoveryCodes(10)");
    }

    #[test]
    fn a_seed_makes_the_same_set_each_time_and_another_seed_shares_nothing() {
        let mut rng = rand::rand_core::UnwrapErr(rand::rngs::SysRng);
        let (one, other) = (Seed::generate(&mut rng), Seed::generate(&mut rng));
        let texts = |seed: &Seed| seed.set(16).1.iter().map(String::from).collect::<Vec<_>>();
        assert_eq!(texts(&one), texts(&one));
        assert_eq!(one.set(16).0.hashes, one.set(16).0.hashes);
        let mut all = [texts(&one), texts(&other)].concat();
        all.sort();
        all.dedup();
        assert_eq!(all.len(), 32);
    }

    #[test]
    fn a_sheet_has_every_code_on_a_line_of_its_own() {
        let (_, codes) = Seed::generate(&mut rand::rand_core::UnwrapErr(rand::rngs::SysRng)).set(10);
        let sheet = codes.to_sheet("Example Exchange, alice@example.com");
        let lines: Vec<_> = sheet.expose().lines().collect();
        assert_eq!((lines[0], lines[1], lines.len()), ("Example Exchange, alice@example.com", "", 12));
        for (line, code) in lines[2..].iter().zip(codes.iter()) {
            assert_eq!(*line, format!("[ ] {code}"));
        }
        assert!(sheet.expose().len() <= sheet.expose().capacity());
    }
}
