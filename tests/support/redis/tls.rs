//! A certificate for a Redis server.

use std::{fs, path::Path};

/// Writes `ca.pem` and `key.pem`, unless they exist.
pub(super) fn write_certificate(dir: &Path) {
    let (certificate, key) = (dir.join("ca.pem"), dir.join("key.pem"));
    if certificate.exists() {
        return;
    }
    let names = ["localhost".to_owned(), "127.0.0.1".to_owned()];
    let made = rcgen::generate_simple_self_signed(names).unwrap();
    fs::write(certificate, made.cert.pem()).unwrap();
    fs::write(key, made.signing_key.serialize_pem()).unwrap();
}
