//! The file with the token.

use std::{fs, os::unix::fs::PermissionsExt, process::Command};

use support::until;

use super::{JSON, Shop, TOKEN, request, save};

#[test]
fn a_file_without_a_usable_token_ends_the_command_at_the_start() {
    let shop = Shop::new();
    let fails = |problem: &str| {
        let arguments = [
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--save-token-file",
            "token",
        ];
        let output = shop.0.sse(&arguments);
        let text = String::from_utf8(output.stderr).unwrap();
        assert_eq!(output.status.code(), Some(1), "{text}");
        assert!(text.contains(problem), "{problem}: {text}");
        assert!(text.contains("SSE_SAVE_TOKEN_FILE"), "{text}");
        assert!(text.contains("\nhelp: "), "{text}");
        assert!(!text.contains("Listening"), "{text}");
    };
    let mode = |mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(shop.token_file(), mode).unwrap();
    };
    mode(0o644);
    fails("every user of this machine");
    shop.write_token("");
    fails("is empty");
    shop.write_token("secret\n");
    fails("has 6 characters");
    fs::remove_file(shop.token_file()).unwrap();
    fails("does not exist");
    assert!(
        Command::new("mkfifo")
            .arg(shop.token_file())
            .status()
            .unwrap()
            .success()
    );
    fails("not a regular file");
}

#[test]
fn the_file_may_be_replaced_while_the_server_runs() {
    let shop = Shop::new();
    let server = shop.serve();
    let status = |token: &str| {
        let authorization = format!("Bearer {token}");
        let headers = [JSON, ("Authorization", &*authorization)];
        request(&server, "POST /sse/save/orders", &headers, "1").status
    };
    let becomes = |token: &str, expected: u16| {
        until(&format!("{expected} for {token}"), || {
            (status(token) == expected).then_some(())
        });
    };
    assert_eq!(status(TOKEN), 201);
    let other = TOKEN.replace('0', "f");
    shop.write_token(&other);
    becomes(&other, 201);
    assert_eq!(status(TOKEN), 401);

    fs::remove_file(shop.token_file()).unwrap();
    becomes(&other, 503);
    let refused = save(&server, "orders", &[JSON], "1");
    refused.assert_refused(503, "no token to compare with");
    let path = shop.token_file().display().to_string();
    assert!(!refused.text.contains(&path), "{}", refused.text);
    let log = server.wait_for_log("does not exist");
    assert_eq!(log.matches("does not exist").count(), 1, "{log}");

    shop.write_token(TOKEN);
    becomes(TOKEN, 201);
    let log = server.wait_for_log("resolved: ");
    assert!(!log.contains(TOKEN) && !log.contains(&other), "{log}");
}
