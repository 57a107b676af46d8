//! QR codes of otpauth URIs: SVG for pages, PNG for mails and apps, text for terminals.

use crate::otp::{Field, OtpauthUri, Sensitive, UriError};
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write;
use qrcodegen_no_heap::{QrCode, QrCodeEcc, Version};
use zeroize::Zeroizing;

/// Modules of white around the code (ISO/IEC 18004 asks for four).
const QUIET: usize = 4;

/// The QR code of an otpauth URI. It shows the secret to whoever sees it; wiped on drop, as are the
/// images made of it.
///
/// ```
/// use sekisho::otp::{OtpauthUri, Secret, Totp};
/// use sekisho::qr::Qr;
///
/// let uri = OtpauthUri::new("Example", "alice", Secret::new(&[7; 20])?, Totp::DEFAULT)?;
/// let qr = Qr::new(&uri).expect("every URI fits");
/// assert!(qr.to_svg().expose().starts_with("<svg"));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Qr {
    /// Modules along a side, without the quiet zone.
    size: usize,
    dark: Zeroizing<Vec<bool>>,
}

impl Qr {
    /// The QR code of `uri`, with medium error correction or better.
    ///
    /// # Errors
    /// [`UriError`] if the URI has more bytes than a QR code holds (2 331). No URI within the
    /// lengths of [`OtpauthUri`] has.
    pub fn new(uri: &OtpauthUri) -> Result<Self, UriError> {
        Self::of(&uri.to_text())
    }

    /// The same with every parameter in it, those that have their default too: for apps that insist
    /// on them.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn with_defaults(uri: &OtpauthUri) -> Result<Self, UriError> {
        Self::of(&uri.to_text_with_defaults())
    }

    fn of(text: &Sensitive<String>) -> Result<Self, UriError> {
        const BUFFER: usize = Version::MAX.buffer_len();
        let mut buffers = Zeroizing::new([[0; BUFFER]; 2]);
        let [temporary, out] = &mut *buffers;
        let code = QrCode::encode_text(
            text.expose(),
            temporary,
            out,
            QrCodeEcc::Medium,
            Version::MIN,
            Version::MAX,
            None,
            true,
        )
        .map_err(|_| UriError::TooLong(Field::Uri))?;
        let side = code.size();
        let dark = (0..side).flat_map(|y| (0..side).map(move |x| (x, y)));
        let mut modules = Zeroizing::new(Vec::with_capacity(usize::try_from(side.saturating_mul(side)).unwrap_or(0)));
        modules.extend(dark.map(|(x, y)| code.get_module(x, y)));
        Ok(Self { size: usize::try_from(side).unwrap_or(0), dark: modules })
    }

    /// Modules along a side, the quiet zone of four on either side included.
    #[must_use]
    pub const fn side(&self) -> usize {
        self.size.saturating_add(2 * QUIET)
    }

    /// Returns whether the module in column `x` and row `y` is dark; light outside of the code.
    fn is_dark(&self, x: usize, y: usize) -> bool {
        let inside = |at: usize| at.checked_sub(QUIET).filter(|at| *at < self.size);
        match (inside(x), inside(y)) {
            (Some(x), Some(y)) => {
                self.dark.get(y.saturating_mul(self.size).saturating_add(x)).is_some_and(|dark| *dark)
            }
            _ => false,
        }
    }

    /// An SVG image of one unit a module: a white square and one black path. It scales to any size
    /// and needs neither script nor style.
    #[must_use]
    pub fn to_svg(&self) -> Sensitive<String> {
        const HEAD: usize = 256;
        const MODULE: usize = "M000 000h1v1h-1z".len();
        let side = self.side();
        // Large enough never to grow, which would leave a copy unwiped.
        let mut text =
            Sensitive::new(String::with_capacity(self.dark.len().saturating_mul(MODULE).saturating_add(HEAD)));
        let svg = text.expose_mut();
        // Writing to a String does not fail.
        let _ = write!(
            svg,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {side} {side}\" shape-rendering=\"crispEdges\">\
             <path fill=\"#fff\" d=\"M0 0h{side}v{side}H0z\"/><path d=\""
        );
        for y in 0..side {
            for x in (0..side).filter(|x| self.is_dark(*x, y)) {
                let _ = write!(svg, "M{x} {y}h1v1h-1z");
            }
        }
        svg.push_str("\"/></svg>");
        text
    }

    /// A PNG image of one bit a pixel and `scale` pixels a module; 1 to 16, others are taken as the
    /// nearest.
    ///
    /// The encoder's own buffers are not wiped: prefer [`to_svg`](Self::to_svg) where it will do.
    ///
    /// # Errors
    /// [`UriError`] if the encoder fails, which it has no reason to.
    pub fn to_png(&self, scale: u8) -> Result<Sensitive<Vec<u8>>, UriError> {
        let scale = usize::from(scale.clamp(1, 16));
        let side = self.side().saturating_mul(scale);
        let row_len = side.div_ceil(8);
        let mut pixels = Zeroizing::new(Vec::with_capacity(row_len.saturating_mul(side)));
        for y in 0..side {
            let at = |x: usize| x.checked_div(scale).zip(y.checked_div(scale));
            let white = |x: usize| x >= side || !at(x).is_some_and(|(x, y)| self.is_dark(x, y));
            for first in (0..side).step_by(8) {
                pixels.push((0..8).fold(0, |byte: u8, bit| (byte << 1) | u8::from(white(first.saturating_add(bit)))));
            }
        }
        // Uncompressed size and some: the encoder writes less.
        let mut png = Sensitive::new(Vec::with_capacity(pixels.len().saturating_mul(2).saturating_add(1024)));
        let pixels_wide = u32::try_from(side).map_err(|_| UriError::TooLong(Field::Uri))?;
        let mut encoder = png::Encoder::new(png.expose_mut(), pixels_wide, pixels_wide);
        encoder.set_color(png::ColorType::Grayscale);
        encoder.set_depth(png::BitDepth::One);
        let mut writer = encoder.write_header().map_err(|_| UriError::TooLong(Field::Uri))?;
        writer.write_image_data(&pixels).map_err(|_| UriError::TooLong(Field::Uri))?;
        writer.finish().map_err(|_| UriError::TooLong(Field::Uri))?;
        Ok(png)
    }

    /// Text for a terminal: each character shows two modules, one above the other, as half blocks.
    /// Dark modules are left blank and light ones drawn, which reads right on a terminal with a
    /// dark background.
    #[must_use]
    pub fn to_half_blocks(&self) -> Sensitive<String> {
        let side = self.side();
        let mut text =
            Sensitive::new(String::with_capacity(side.saturating_add(1).saturating_mul(side).saturating_mul(2)));
        for y in (0..side).step_by(2) {
            for x in 0..side {
                let (upper, lower) = (self.is_dark(x, y), self.is_dark(x, y.saturating_add(1)));
                text.expose_mut().push(match (upper, lower) {
                    (false, false) => '█',
                    (false, true) => '▀',
                    (true, false) => '▄',
                    (true, true) => ' ',
                });
            }
            text.expose_mut().push('\n');
        }
        text
    }
}

impl core::fmt::Debug for Qr {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Qr({0} × {0} modules)", self.size)
    }
}
