//! Passwords, and users with few permissions.

use support::{
    App, get,
    redis::{RedisOptions, RedisServer},
};

use crate::app::{FAULT, QUIET, app_at, cache, listen, receive, try_cache};

const PASSWORD: &str = "correct-horse";
const REFUSED: &str = "Redis does not accept this user and password";

fn app(redis: &RedisServer, credentials: &str) -> App {
    app_at(&format!("redis://{credentials}@{}", redis.address()))
}

/// The error of an app whose credentials Redis refuses: as the library, the command, and the server report it.
#[track_caller]
fn refused(app: &App, expected: &str, secret: &str) {
    let library = try_cache(app).err().unwrap();
    let output = app.sse().args(["save", "key", "1"]).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    let server = app.start();
    let page = get(server.address(), "/sse/stream");
    assert_eq!(page.status, 503);
    let log = server.wait_for_log(expected);
    let command = String::from_utf8(output.stderr).unwrap();
    for text in [&format!("{library:?}"), &command, &page.body, &log] {
        assert!(text.contains(expected), "{text}");
        assert!(!text.contains(secret), "{text}");
    }
}

#[test]
fn the_password_of_the_default_user_is_used() {
    let redis = RedisServer::start(RedisOptions::new().password(PASSWORD));
    let correct = app(&redis, &format!(":{PASSWORD}"));
    let server = correct.start();
    let stream = listen(&server);
    correct.save("key", "1");
    receive(&stream, [1]);
    refused(&app(&redis, ":battery-staple"), REFUSED, "battery-staple");
    let without = app_at(&format!("redis://{}", redis.address()));
    refused(&without, "NOAUTH", PASSWORD);
}

#[test]
fn a_user_with_the_permissions_of_one_prefix_suffices() {
    let rules = format!(
        "on >{PASSWORD} ~{{shop}}:* -@all +@read +@write +@connection +@scripting +info +time +wait"
    );
    let redis = RedisServer::start(RedisOptions::new().user("web", &rules));
    let with = |prefix: &str| {
        let url = format!("redis://web:{PASSWORD}@{}?prefix={prefix}", redis.address());
        app_at(&url)
    };
    let shop = with("shop");
    let server = shop.start();
    let stream = listen(&server);
    shop.save("key", "1");
    receive(&stream, [1]);
    refused(&with("other"), "NOPERM", PASSWORD);
    let wrong = app_at(&format!("redis://web:battery-staple@{}", redis.address()));
    refused(&wrong, REFUSED, "battery-staple");
}

/// Like an administrator who removes a permission while the app runs.
#[test]
fn a_permission_that_is_missing_for_a_while_costs_no_event() {
    let rules = format!("on >{PASSWORD} ~* +@all");
    let redis = RedisServer::start(RedisOptions::new().user("web", &rules));
    let app = app(&redis, &format!("web:{PASSWORD}"));
    let server = app.start();
    let stream = listen(&server);
    let cache = cache(&app);
    cache.save_blocking("key", 1).unwrap();
    receive(&stream, [1]);
    redis.run(&["ACL", "SETUSER", "web", "-evalsha", "-eval"]);
    let log = server.wait_for_log(FAULT);
    assert!(log.contains("NOPERM") && !log.contains(PASSWORD), "{log}");
    let error = cache.save_blocking("key", 2).unwrap_err();
    assert!(error.to_string().contains("NOPERM"), "{error}");
    redis.run(&["ACL", "SETUSER", "web", "+@all"]);
    cache.save_blocking("key", 3).unwrap();
    receive(&stream, [3]);
    stream.expect_silence(QUIET);
    assert_eq!(server.log().matches(FAULT).count(), 1, "{}", server.log());
}
