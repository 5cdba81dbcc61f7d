#![no_main]

libfuzzer_sys::fuzz_target!(|bytes: &[u8]| actix_web_sse::fuzzing::check_env(bytes));
