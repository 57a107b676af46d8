//! Texts as people type and paste them: digits of any script, and what stands around them unseen.

/// The zeros of the scripts whose digits are read: ASCII, Arabic, Persian and Urdu, Devanagari,
/// Thai, full-width. The other digits of each follow its zero.
const ZEROS: [char; 6] = ['0', '\u{660}', '\u{6f0}', '\u{966}', '\u{e50}', '\u{ff10}'];

/// A decimal digit: the zero of its script, and its value. Full-width digits are of the same script
/// as those of ASCII, and Japanese keyboards mix them.
pub(crate) fn digit(character: char) -> Option<(char, u32)> {
    ZEROS.into_iter().find_map(|zero| {
        let value = u32::from(character).checked_sub(u32::from(zero))?;
        let script = if zero == '\u{ff10}' { '0' } else { zero };
        (value < 10).then_some((script, value))
    })
}

/// Returns whether a character says nothing between the characters of a code: a blank of any kind,
/// a line end, a hyphen of any kind, or a mark that is not seen.
pub(crate) fn is_passed_over(character: char) -> bool {
    character.is_whitespace() || is_hyphen(character) || is_unseen(character)
}

/// The dashes of Unicode (property `Dash`), the soft hyphen, and the long-vowel marks that Japanese
/// keyboards have in the hyphen's place.
const fn is_hyphen(character: char) -> bool {
    matches!(
        character,
        '-' | '\u{ad}' | '\u{58a}' | '\u{5be}' | '\u{1400}' | '\u{1806}' | '\u{2010}'
            ..='\u{2015}'
                | '\u{2043}'
                | '\u{2053}'
                | '\u{207b}'
                | '\u{208b}'
                | '\u{2212}'
                | '\u{2e17}'
                | '\u{2e1a}'
                | '\u{2e3a}'
                | '\u{2e3b}'
                | '\u{301c}'
                | '\u{3030}'
                | '\u{30a0}'
                | '\u{30fc}'
                | '\u{fe31}'
                | '\u{fe32}'
                | '\u{fe58}'
                | '\u{fe63}'
                | '\u{ff0d}'
                | '\u{ff5e}'
                | '\u{ff70}'
    )
}

/// Marks of direction: they have a text shown in another order than it is stored in.
pub(crate) const fn is_direction(character: char) -> bool {
    matches!(
        character,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    )
}

/// Marks that are not seen: of direction, without width, and fillers.
pub(crate) const fn is_unseen(character: char) -> bool {
    is_direction(character)
        || matches!(
            character,
            '\u{34f}'
                | '\u{115f}'
                | '\u{1160}'
                | '\u{17b4}'
                | '\u{17b5}'
                | '\u{180b}'..='\u{180f}'
                | '\u{200b}'..='\u{200d}'
                | '\u{2060}'..='\u{2065}'
                | '\u{206a}'..='\u{206f}'
                | '\u{2800}'
                | '\u{3164}'
                | '\u{fe00}'..='\u{fe0f}'
                | '\u{feff}'
                | '\u{ffa0}'
                | '\u{fff0}'..='\u{fffb}'
                | '\u{e0000}'..='\u{e0fff}'
        )
}
