//! Loads the certificate and its key.

use std::{fs, io, path::PathBuf, sync::Arc};

use actix_web_sse::app_dir;
use rustls::{
    Error, ServerConfig,
    crypto::ring,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject},
};

use super::{CERT, KEY, error};
use crate::setting;

/// The configuration for both settings. actix-web adds HTTP/2 and HTTP/1.1.
pub(crate) fn server_config() -> io::Result<ServerConfig> {
    let (chain, key) = (read_chain()?, read_key()?);
    ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|cause| refused(&cause))
}

/// The app's certificate, and those of the authorities between it and one that browsers trust.
fn read_chain() -> io::Result<Vec<CertificateDer<'static>>> {
    let text = read(CERT)?;
    let chain: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    chain.ok().filter(|chain| !chain.is_empty()).ok_or_else(|| {
        error(
            &format!(
                "{CERT}: `{}` contains no valid PEM certificate",
                path(CERT).display()
            ),
            "name a file with `-----BEGIN CERTIFICATE-----`, such as certbot's fullchain.pem",
        )
    })
}

fn read_key() -> io::Result<PrivateKeyDer<'static>> {
    PrivateKeyDer::from_pem_slice(&read(KEY)?).map_err(|_| {
        error(
            &format!(
                "{KEY}: `{}` contains no valid PEM private key",
                path(KEY).display()
            ),
            "name a file with `-----BEGIN PRIVATE KEY-----`, such as certbot's privkey.pem; \
             a key with a passphrase cannot be used",
        )
    })
}

fn read(key: &str) -> io::Result<Vec<u8>> {
    let path = path(key);
    fs::read(&path).map_err(|cause| {
        error(
            &format!("{key}: cannot read `{}`: {cause}", path.display()),
            "name a file that the app's user may read; a relative path starts in the app's folder",
        )
    })
}

fn path(key: &str) -> PathBuf {
    app_dir().join(setting(key, ""))
}

fn refused(cause: &Error) -> io::Error {
    let (cert, key) = (path(CERT), path(KEY));
    let (cert, key) = (cert.display(), key.display());
    match cause {
        Error::InconsistentKeys(_) => error(
            &format!("{KEY}: `{key}` is not the key of the certificate in {CERT}, `{cert}`"),
            "name two files that were created together; the app's own certificate must be the first in its file",
        ),
        cause => error(
            &format!("{CERT} `{cert}` and {KEY} `{key}` cannot be used: {cause}"),
            "name a certificate and its key, both in PEM format",
        ),
    }
}
