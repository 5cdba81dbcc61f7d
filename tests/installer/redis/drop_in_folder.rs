//! Checks of the folder where other programs put drop-ins for a cache in Redis.

use std::fs;

use support::redis::RedisServer;

use super::{app_with_cache, durable, url};
use crate::{
    doctor::findings::{examine, findings, of_check},
    hello::Hello,
};

fn app(server: &RedisServer, drop_ins: &str) -> Hello {
    let hello = app_with_cache(&url(server));
    let env = hello.read(".env");
    hello.write(".env", &format!("SSE_DROP_INS='{drop_ins}'\n{env}"));
    hello
}

#[test]
fn the_folder_is_examined_only_if_there_is_one() {
    let server = RedisServer::start(durable());
    let hello = app(&server, "off");
    fs::create_dir_all(hello.path().join("writable/cache")).unwrap();
    // Not a drop-in: the app's folder is no drop-in folder.
    fs::create_dir(hello.path().join("event_cache_key1")).unwrap();
    let found = findings(&examine(&hello));
    for check in ["cache", "drop-ins", "file-system", "notifications"] {
        assert!(found.iter().all(|found| found.check != check), "{found:#?}");
    }

    let hello = app(&server, "incoming");
    let found = findings(&examine(&hello));
    let about = of_check(&found, "drop-ins");
    about[0].assert_is("ok", "drop-ins", "incoming does not exist yet", "");
    fs::create_dir_all(hello.path().join("incoming/event_cache_key1")).unwrap();
    let found = findings(&examine(&hello));
    let about = of_check(&found, "drop-ins");
    about[0].assert_is("ok", "drop-ins", "incoming can be read and removed", "");
    about[1].assert_is("warning", "drop-ins", "is a folder", "remove it");
    of_check(&found, "notifications")[0].assert_is("ok", "notifications", "a drop-in", "");
    assert!(
        found.iter().all(|found| found.check != "cache"),
        "{found:#?}"
    );
}

#[test]
fn a_folder_that_cannot_be_used_is_a_warning_because_saves_arrive_nevertheless() {
    let server = RedisServer::start(durable());
    for (folder, what, help) in [
        (
            "Cargo.toml",
            "is not a folder",
            "SSE_DROP_INS to another folder, or to `off`",
        ),
        (
            "/none/such",
            "neither does its parent",
            "correct SSE_DROP_INS",
        ),
    ] {
        let found = findings(&examine(&app(&server, folder)));
        of_check(&found, "drop-ins")[0].assert_is("warning", "drop-ins", what, help);
    }
    let found = findings(&examine(&app(&server, "public/in")));
    of_check(&found, "drop-ins")[0].assert_is(
        "error",
        "drop-ins",
        "every visitor",
        "SSE_DROP_INS=",
    );
}
