#![no_main]

libfuzzer_sys::fuzz_target!(|input: &[u8]| sekisho_fuzz::properties::transfer(input));
