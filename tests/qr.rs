//! QR codes are read back by a decoder that shares no code with what wrote them.
#![cfg(feature = "qr")]

use sekisho::otp::{Algorithm, Digits, OtpauthUri, Period, Secret, Totp};
use sekisho::qr::Qr;

fn uris() -> Vec<OtpauthUri> {
    let totp = Totp {
        algorithm: Algorithm::Sha512,
        digits: Digits::Eight,
        period: Period::from_secs(120).unwrap(),
        ..Totp::DEFAULT
    };
    let longest_secret = Secret::new(&[0xa5; 128]).unwrap();
    // What takes the most room: names of which every byte is percent-encoded.
    let (issuer, account) = ("語".repeat(32), "例".repeat(84));
    vec![
        OtpauthUri::new("Example", "alice", Secret::new(&[1; 20]).unwrap(), Totp::DEFAULT).unwrap(),
        OtpauthUri::new("日本語の取引所", "alice@example.com", Secret::new(&[2; 64]).unwrap(), totp).unwrap(),
        OtpauthUri::new(&issuer, &account, longest_secret, totp).unwrap(),
    ]
}

/// Reads a grey image, white being 255.
fn read(side: usize, pixel: impl Fn(usize, usize) -> u8) -> String {
    let mut image = rqrr::PreparedImage::prepare_from_greyscale(side, side, pixel);
    let grids = image.detect_grids();
    assert_eq!(grids.len(), 1, "exactly one QR code is found");
    grids[0].decode().unwrap().1
}

#[test]
fn every_parameter_can_be_written_into_it() {
    for uri in uris() {
        let qr = Qr::with_defaults(&uri).unwrap();
        let png = qr.to_png(3).unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png.expose())).read_info().unwrap();
        let mut bits = vec![0; reader.output_buffer_size().unwrap()];
        let info = reader.next_frame(&mut bits).unwrap();
        let (side, line) = (info.width as usize, info.line_size);
        let said = read(side, |x, y| if bits[y * line + x / 8] >> (7 - x % 8) & 1 == 1 { 255 } else { 0 });
        assert_eq!(&said, uri.to_text_with_defaults().expose());
        assert!(["algorithm=", "digits=", "period="].iter().all(|name| said.contains(name)));
    }
}

#[test]
fn png_is_read_back_exactly() {
    for uri in uris() {
        for scale in [1, 3, 8] {
            let png = Qr::new(&uri).unwrap().to_png(scale).unwrap();
            let mut reader = png::Decoder::new(std::io::Cursor::new(png.expose())).read_info().unwrap();
            let mut bits = vec![0; reader.output_buffer_size().unwrap()];
            let info = reader.next_frame(&mut bits).unwrap();
            let side = info.width as usize;
            let pixel =
                |x: usize, y: usize| if bits[y * info.line_size + x / 8] >> (7 - x % 8) & 1 == 1 { 255 } else { 0 };
            if scale > 1 {
                assert_eq!(&read(side, pixel), uri.to_text().expose(), "{scale} pixels a module");
            } else {
                assert_eq!(side, Qr::new(&uri).unwrap().side());
            }
        }
    }
}

#[test]
fn svg_is_read_back_exactly() {
    for uri in uris() {
        let qr = Qr::new(&uri).unwrap();
        let svg = qr.to_svg();
        let path = svg.expose().rsplit("d=\"").next().unwrap().strip_suffix("\"/></svg>").unwrap();
        let mut dark = vec![vec![false; qr.side()]; qr.side()];
        for module in path.split_terminator("h1v1h-1z") {
            let (x, y) = module.strip_prefix('M').unwrap().split_once(' ').unwrap();
            dark[y.parse::<usize>().unwrap()][x.parse::<usize>().unwrap()] = true;
        }
        let text = read(qr.side() * 4, |x, y| if dark[y / 4][x / 4] { 0 } else { 255 });
        assert_eq!(&text, uri.to_text().expose());
    }
}

#[test]
fn half_blocks_are_read_back_exactly() {
    for uri in uris() {
        let qr = Qr::new(&uri).unwrap();
        let text = qr.to_half_blocks();
        let rows: Vec<Vec<char>> = text.expose().lines().map(|line| line.chars().collect()).collect();
        let light = |x: usize, y: usize| match (rows[y / 2][x], y % 2) {
            ('█', _) | ('▀', 0) | ('▄', 1) => true,
            (' ' | '▀' | '▄', _) => false,
            other => panic!("{other:?} in the text"),
        };
        let read = read(qr.side() * 4, |x, y| if light(x / 4, y / 4) { 255 } else { 0 });
        assert_eq!(&read, uri.to_text().expose());
    }
}

#[test]
fn debug_shows_no_module() {
    assert_eq!(format!("{:?}", Qr::new(&uris()[0]).unwrap()), "Qr(37 × 37 modules)");
}
