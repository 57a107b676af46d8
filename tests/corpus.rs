//! Every seed of the fuzz targets, on the stable toolchain.
#![cfg(all(feature = "migration", feature = "qr", feature = "rand", feature = "transfer"))]

use crate::model;
use crate::phone::envelope;

#[path = "../fuzz/src/properties.rs"]
mod properties;

fn replay(target: &str, property: fn(&[u8])) {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let seeds: Vec<_> = std::fs::read_dir(&folder).unwrap().map(|seed| seed.unwrap().path()).collect();
    assert!(seeds.len() >= 5, "{} has seeds", folder.display());
    for seed in seeds {
        println!("{}", seed.display());
        property(&std::fs::read(&seed).unwrap());
    }
}

macro_rules! replays {
    ($($target:ident)+) => {$(
        #[test]
        fn $target() {
            replay(stringify!($target), properties::$target);
        }
    )+};
}

replays! { code base32 uri migration transfer state decide account }
