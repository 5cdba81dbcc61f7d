//! Settings with which the app does not start.

use std::fs;

use support::{App, Server};

use super::run;

/// Expects that the app does not start, and says this.
#[track_caller]
fn assert_refused(app: &App, settings: &[(&str, &str)], expected: &[&str]) {
    let port = [("PORT", "0")];
    let output = run(app, &[], &[&port[..], settings].concat());
    let printed = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(1), "{printed}");
    for text in expected {
        assert!(printed.contains(text), "`{text}` is not in: {printed}");
    }
    assert!(printed.contains("\nhelp: "), "{printed}");
    assert!(output.stdout.is_empty(), "it has listened: {settings:?}");
}

#[test]
fn one_setting_without_the_other_is_refused() {
    let app = App::new();
    for (set, missing) in [("TLS_CERT", "TLS_KEY"), ("TLS_KEY", "TLS_CERT")] {
        let expected = format!("error: {set} is set, but {missing} is not\n");
        assert_refused(&app, &[(set, "file.pem")], &[&expected]);
        assert_refused(&app, &[(set, "file.pem"), (missing, "")], &[&expected]);
    }
}

#[test]
fn files_that_cannot_be_used_are_named_with_the_reason() {
    let app = App::new();
    app.write_certificate("cert.pem", "key.pem");
    app.write_certificate("other-cert.pem", "other-key.pem");
    fs::write(app.path().join("garbage.pem"), "not a certificate").unwrap();
    let damaged = fs::read_to_string(app.path().join("cert.pem")).unwrap();
    let damaged = damaged
        .replacen("MII", "M!I", 1)
        .replacen("\nMI", "\n!!", 1);
    fs::write(app.path().join("damaged.pem"), damaged).unwrap();
    let locked =
        "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n";
    fs::write(app.path().join("locked.pem"), locked).unwrap();
    for (cert, key, expected) in [
        (
            "none.pem",
            "key.pem",
            &["TLS_CERT: cannot read `", "none.pem`: No such file"][..],
        ),
        (
            "cert.pem",
            "none.pem",
            &["TLS_KEY: cannot read `", "none.pem`: No such file"],
        ),
        (
            "public",
            "key.pem",
            &["TLS_CERT: cannot read `", "public`: Is a directory"],
        ),
        (
            "garbage.pem",
            "key.pem",
            &[
                "TLS_CERT: `",
                "garbage.pem` contains no valid PEM certificate",
            ],
        ),
        (
            "damaged.pem",
            "key.pem",
            &[
                "TLS_CERT: `",
                "damaged.pem` contains no valid PEM certificate",
            ],
        ),
        (
            "cert.pem",
            "garbage.pem",
            &[
                "TLS_KEY: `",
                "garbage.pem` contains no valid PEM private key",
            ],
        ),
        (
            "key.pem",
            "cert.pem",
            &["TLS_CERT: `", "key.pem` contains no valid PEM certificate"],
        ),
        (
            "cert.pem",
            "locked.pem",
            &[
                "locked.pem` contains no valid PEM private key",
                "passphrase",
            ],
        ),
        (
            "cert.pem",
            "other-key.pem",
            &[
                "other-key.pem` is not the key of the certificate in TLS_CERT, `",
                "cert.pem`",
            ],
        ),
    ] {
        assert_refused(&app, &[("TLS_CERT", cert), ("TLS_KEY", key)], expected);
    }
}

#[test]
fn empty_settings_mean_http() {
    let app = App::new();
    let settings = [("TLS_CERT", ""), ("TLS_KEY", "")];
    let server = Server::start(app.path(), &settings);
    assert!(server.url("/").starts_with("http://"));
}
