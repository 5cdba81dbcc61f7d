use std::fs;

use super::*;

fn read(env: &str, args: &ServeArgs) -> Result<ServeSettings, Failure> {
    let app = tempfile::tempdir().expect("can create a temporary folder");
    fs::write(app.path().join(".env"), env).expect("can write the file");
    ServeSettings::read(app.path(), args)
}

fn listen(address: &str) -> ServeArgs {
    ServeArgs {
        listen: Some(address.to_owned()),
        ..ServeArgs::default()
    }
}

#[test]
fn without_settings_the_server_listens_on_this_machine_only() {
    let settings = read("", &ServeArgs::default()).expect("valid");
    assert_eq!(settings.listen.to_string(), "127.0.0.1:8090");
    assert!(settings.admin_listen.is_none() && settings.tls.is_none() && settings.auth.is_none());
}

#[test]
fn an_option_overrides_env() {
    let env = "SSE_LISTEN=0.0.0.0:1\nSSE_AUTH_URL=http://127.0.0.1/auth\n";
    let settings = read(env, &ServeArgs::default()).expect("valid");
    assert_eq!(settings.listen.to_string(), "0.0.0.0:1");
    let auth = settings.auth.expect("the URL is set");
    assert_eq!(
        (auth.timeout, auth.concurrency),
        (Duration::from_secs(5), 16)
    );
    let settings = read(env, &listen("[::1]:2")).expect("valid");
    assert_eq!(settings.listen.to_string(), "[::1]:2");
}

#[test]
fn an_address_is_a_host_with_a_port_or_a_socket() {
    for address in [
        "localhost:80",
        "0.0.0.0:0",
        "[::]:65535",
        "unix:/run/sse.sock",
    ] {
        let settings = read("", &listen(address)).expect(address);
        assert_eq!(settings.listen.to_string(), address);
    }
    for address in [
        "8090",
        "127.0.0.1",
        ":80",
        "a:65536",
        "::1:80",
        "http://a:80",
        "unix:",
        "a:b",
    ] {
        let failure = read("", &listen(address)).expect_err(address);
        assert_eq!(failure.code(), crate::exit::USAGE, "{address}");
        assert!(failure.message().contains(address), "{}", failure.message());
    }
}

#[test]
fn a_wrong_value_in_env_is_an_error_that_names_the_line() {
    for (line, problem) in [
        ("SSE_LISTEN=x", "is not an address"),
        ("SSE_AUTH_URL=ftp://a/", "is not a URL"),
        ("SSE_AUTH_URL=/auth", "is not a URL"),
        ("SSE_AUTH_URL=http://u:p@a/", "contains a user name"),
        (
            "SSE_AUTH_URL=http://a:99999/",
            "has no port from 1 to 65535",
        ),
        ("SSE_AUTH_URL=http://a:/auth", "has no port from 1 to 65535"),
        (
            "SSE_AUTH_URL=http://[::1]:0/",
            "has no port from 1 to 65535",
        ),
        (
            "SSE_AUTH_URL=http://a/\nSSE_AUTH_TIMEOUT=0",
            "is not a number of seconds",
        ),
        (
            "SSE_AUTH_URL=http://a/\nSSE_AUTH_TIMEOUT=NaN",
            "is not a number of seconds",
        ),
        (
            "SSE_AUTH_URL=http://a/\nSSE_AUTH_CONCURRENCY=0",
            "is not a whole number",
        ),
        ("SSE_TLS_CERT=cert.pem", "is set, but SSE_TLS_KEY is not"),
        ("SSE_TLS_KEY=key.pem", "is set, but SSE_TLS_CERT is not"),
    ] {
        let failure =
            read(&format!("# a comment\n{line}\n"), &ServeArgs::default()).expect_err(line);
        let message = failure.message();
        assert!(message.contains(problem), "{message}");
        assert!(message.contains(".env:"), "{message}");
        assert!(!message.contains("u:p@"), "{message}");
        assert_eq!(failure.code(), crate::exit::ERROR);
    }
}

#[test]
fn an_empty_value_counts_as_none() {
    let settings = read("SSE_AUTH_URL=\nSSE_TLS_CERT=\n", &ServeArgs::default()).expect("valid");
    assert!(settings.auth.is_none() && settings.tls.is_none());
}

#[test]
fn an_empty_option_is_an_error() {
    let args = ServeArgs {
        auth_url: Some(String::new()),
        ..ServeArgs::default()
    };
    let failure = read("", &args).expect_err("the variable of a script may be misspelt");
    assert_eq!(failure.message(), "--auth-url is empty");
    assert_eq!(failure.code(), crate::exit::USAGE);
}

#[test]
fn a_url_may_have_a_port() {
    for url in [
        "http://a/",
        "https://a:8443/x",
        "http://[::1]/",
        "http://[::1]:80/",
    ] {
        let settings = read(&format!("SSE_AUTH_URL={url}\n"), &ServeArgs::default()).expect(url);
        assert_eq!(settings.auth.expect("the URL is set").url, url);
    }
}

#[test]
fn a_relative_path_in_env_starts_in_the_apps_folder() {
    let settings = read("SSE_SAVE_TOKEN_FILE=token\n", &ServeArgs::default()).expect("valid");
    let path = settings.save_token_file.expect("the file is set");
    assert!(path.is_absolute() && path.ends_with("token"), "{path:?}");
}
