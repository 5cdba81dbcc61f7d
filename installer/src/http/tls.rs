//! TLS: which certificates are trusted, and why a handshake failed.

use std::io;
use std::path::Path;
use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{AlertDescription, CertificateError, ClientConfig, Error, RootCertStore};

use super::error::RequestError;
use super::verifier::{AnyCertificate, TrustedCertificates, is_self_signed};
use crate::exit::Failure;

const UNTRUSTED_HELP: &str = "browsers refuse it as well, unless their users accept it: use a \
    certificate of a public authority for this host name, or pass the authority's certificate with \
    --cacert FILE, or skip this check with --insecure";
const NAME_HELP: &str = "use a URL with a name that the certificate is for, or let the server send the \
    certificate for this name; --insecure skips this check";
const DATE_HELP: &str = "renew the certificate, or correct the clock; --insecure skips this check";
const NO_TLS_HELP: &str = "the URL of a server without TLS begins with http:";
const NO_STORE_HELP: &str = "install the system's certificates (Debian: the package ca-certificates), \
    or let SSL_CERT_FILE or --cacert name a file with certificates";

/// The command line's options about certificates.
#[derive(Default)]
pub(super) struct Trust {
    /// The certificates of `--cacert`.
    pub(super) given: Vec<CertificateDer<'static>>,
    /// `--insecure`.
    pub(super) accepts_any: bool,
}

/// Reads the certificates of `--cacert`.
pub(super) fn read_certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, Failure> {
    let name = path.display();
    let contents = std::fs::read(path).map_err(|error| Failure::io("read", path, &error))?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&contents).collect();
    let certificates = certificates.map_err(|error| {
        Failure::error(format!("{name} is not valid PEM: {error}"))
            .with_help("pass a file that has lines with `-----BEGIN CERTIFICATE-----`")
    })?;
    if certificates.is_empty() {
        return Err(
            Failure::error(format!("{name} contains no certificate in PEM format")).with_help(
                "pass a file that has lines with `-----BEGIN CERTIFICATE-----`; `openssl x509 -inform \
                 der` converts a certificate in DER format",
            ),
        );
    }
    Ok(certificates)
}

/// Offers HTTP/2 and HTTP/1.1. Reads the system's certificates, which takes milliseconds.
pub(super) fn client_config(trust: &Trust) -> Result<ClientConfig, RequestError> {
    let provider = Arc::new(ring::default_provider());
    let verifier = verifier(trust, &provider)?;
    let builder =
        ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.map_err(|error| RequestError::unreachable(error.to_string()))?;
    let mut config = builder
        .dangerous()
        .with_custom_certificate_verifier(verifier)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}

/// For the server's own requests: trusts the system's certificates only.
#[cfg(feature = "serve")]
pub(crate) fn tls_for_http1() -> Result<ClientConfig, RequestError> {
    let mut config = client_config(&Trust::default())?;
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(config)
}

fn verifier(
    trust: &Trust,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ServerCertVerifier>, RequestError> {
    if trust.accepts_any {
        return Ok(Arc::new(AnyCertificate(provider.clone())));
    }
    let system = rustls_native_certs::load_native_certs();
    let mut roots = RootCertStore::empty();
    // A store may have certificates that this library cannot use. They do not spoil the others.
    roots.add_parsable_certificates(system.certs);
    roots.add_parsable_certificates(trust.given.iter().cloned());
    if roots.is_empty() {
        let causes = system.errors.iter().map(|error| format!(": {error}"));
        let reason = format!(
            "this machine has no certificates to check the server's with{}",
            causes.collect::<String>()
        );
        return Err(RequestError::unreachable(reason).with_help(NO_STORE_HELP));
    }
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots), provider.clone());
    let authorities = verifier
        .build()
        .map_err(|error| RequestError::unreachable(error.to_string()))?;
    Ok(Arc::new(TrustedCertificates {
        authorities,
        given: trust.given.clone(),
    }))
}

/// Why the handshake failed, without the debug texts of the TLS library.
pub(super) fn handshake_error(error: &io::Error) -> RequestError {
    let cause = error
        .get_ref()
        .and_then(|cause| cause.downcast_ref::<Error>());
    let (reason, help) = match cause {
        Some(Error::InvalidCertificate(cause)) => certificate_error(cause),
        Some(Error::InvalidMessage(_)) => ("it does not respond with TLS".to_owned(), NO_TLS_HELP),
        Some(Error::AlertReceived(AlertDescription::UnrecognisedName)) => (
            "it has no certificate for this host name".to_owned(),
            NAME_HELP,
        ),
        _ if error.kind() == io::ErrorKind::UnexpectedEof => (
            "it closes the connection during the TLS handshake".to_owned(),
            NO_TLS_HELP,
        ),
        _ => (format!("the TLS handshake fails: {error}"), NO_TLS_HELP),
    };
    RequestError::unreachable(reason).with_help(help)
}

fn certificate_error(error: &CertificateError) -> (String, &'static str) {
    match error {
        CertificateError::UnknownIssuer => (
            "its certificate is not signed by an authority that this machine trusts".to_owned(),
            UNTRUSTED_HELP,
        ),
        error if is_self_signed(error) => {
            ("its certificate is self-signed".to_owned(), UNTRUSTED_HELP)
        }
        CertificateError::NotValidForName => {
            ("its certificate is for another name".to_owned(), NAME_HELP)
        }
        CertificateError::NotValidForNameContext { presented, .. } => (
            format!("its certificate is for another name: {}", names(presented)),
            NAME_HELP,
        ),
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            ("its certificate has expired".to_owned(), DATE_HELP)
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            ("its certificate is not valid yet".to_owned(), DATE_HELP)
        }
        error => (
            format!("its certificate is not valid: {error}"),
            UNTRUSTED_HELP,
        ),
    }
}

/// rustls writes each name like `DnsName("a.example")`.
fn names(presented: &[String]) -> String {
    let names = presented.iter();
    let names = names.map(|name| name.split('"').nth(1).unwrap_or(name));
    names.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use rustls::InvalidMessage;

    use super::*;

    fn described(error: Error) -> (String, &'static str) {
        let error = handshake_error(&io::Error::other(error));
        (error.reason, error.help.expect("it has a help"))
    }

    #[test]
    fn a_handshake_error_names_its_cause_and_remedy() {
        for (error, reason, help) in [
            (
                CertificateError::UnknownIssuer.into(),
                "not signed by an authority",
                "--cacert",
            ),
            (
                CertificateError::Expired.into(),
                "has expired",
                "--insecure",
            ),
            (
                CertificateError::NotValidYet.into(),
                "not valid yet",
                "the clock",
            ),
            (
                CertificateError::NotValidForName.into(),
                "another name",
                "--insecure",
            ),
            (
                Error::InvalidMessage(InvalidMessage::InvalidContentType),
                "does not respond with TLS",
                "http:",
            ),
        ] {
            let described = described(error);
            assert!(described.0.contains(reason), "{described:?}");
            assert!(described.1.contains(help), "{described:?}");
        }
    }

    #[test]
    fn names_are_listed_without_debug_text() {
        let presented = [
            "DnsName(\"a.example\")".to_owned(),
            "IpAddress(::1)".to_owned(),
        ];
        assert_eq!(names(&presented), "a.example, IpAddress(::1)");
    }

    #[test]
    fn a_file_without_certificates_is_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("a.pem");
        let refused = |path: &Path| read_certificates(path).expect_err("refused").to_string();
        assert!(refused(&path).contains("cannot read"));
        std::fs::write(&path, "no certificate\n").expect("it is written");
        assert!(refused(&path).contains("contains no certificate"));
        std::fs::write(&path, "-----BEGIN CERTIFICATE-----\n!\n").expect("it is written");
        assert!(refused(&path).contains("is not valid PEM"));
    }
}
