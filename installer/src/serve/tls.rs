//! Loads the certificate and its key.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{Error, ServerConfig};

use super::settings::TlsFiles;
use crate::exit::Failure;

/// The configuration of HTTPS. actix-web adds HTTP/2 and HTTP/1.1.
pub(super) fn server_config(files: &TlsFiles) -> Result<ServerConfig, Failure> {
    let (chain, key) = (read_chain(&files.cert)?, read_key(&files.key)?);
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(|error| refused(files, &error))
}

/// The server's certificate, and those of the authorities between it and one that browsers trust.
fn read_chain(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let text = read(path)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
        Failure::error(format!(
            "{} contains no valid PEM certificate",
            path.display()
        ))
        .with_help(
            "name a file with `-----BEGIN CERTIFICATE-----`, such as certbot's fullchain.pem",
        )
    })
}

fn read_key(path: &Path) -> Result<PrivateKeyDer<'static>, Failure> {
    PrivateKeyDer::from_pem_slice(&read(path)?).map_err(|_| {
        Failure::error(format!("{} contains no valid PEM private key", path.display())).with_help(
            "name a file with `-----BEGIN PRIVATE KEY-----`, such as certbot's privkey.pem; a key with a passphrase \
             cannot be used",
        )
    })
}

fn read(path: &Path) -> Result<Vec<u8>, Failure> {
    fs::read(path).map_err(|error| Failure::io("read", path, &error))
}

fn refused(files: &TlsFiles, error: &Error) -> Failure {
    let (cert, key) = (files.cert.display(), files.key.display());
    match error {
        Error::InconsistentKeys(_) => {
            Failure::error(format!("{key} is not the key of the certificate in {cert}")).with_help(
                "name two files that were created together; the server's own certificate must be the first in its file",
            )
        }
        error => Failure::error(format!("{cert} and {key} cannot be used: {error}"))
            .with_help("name a certificate and its key, both in PEM format"),
    }
}
