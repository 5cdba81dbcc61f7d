#![no_main]

#[path = "../../src/fuzzing/decode.rs"]
mod decode;

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| actix_web_sse::fuzzing::check_entry(bytes, decode::decode));
