//! The app, its cache and the server are in different folders, or the cache cannot be used.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command};

use support::{App, Server};

use crate::{
    doctor::findings::{
        Finding, examine, examine_app_and_url, findings, installed, of_check, only, problems,
    },
    hello::{Hello, Ran},
    other_user::OtherUser,
};

#[test]
fn the_app_is_started_in_the_wrong_folder() {
    let elsewhere = tempfile::tempdir().unwrap();
    let server = Server::start(elsewhere.path(), &[]);
    let log = server.wait_for_log("help: ");
    let path = elsewhere.path().canonicalize().unwrap().join(".env");
    for expected in [
        ".env does not exist in the working directory or in a folder above it",
        &*path.to_string_lossy(),
        "start the program in the app's folder",
        "`Config::from_dir`",
    ] {
        assert!(log.contains(expected), "{expected}: {log}");
    }
    // The doctor sees it from the app's folder, in the server's response.
    let found = problems(&examine_app_and_url(&App::new(), &server.url(""), &[]));
    of_check(&found, "response")[0].assert_is(
        "error",
        "response",
        "503: .env does not exist in the working directory or in a folder above it",
        "start the program in the app's folder",
    );
}

fn judge_folder(app: &App, server: &Server) -> Finding {
    let found = findings(&examine_app_and_url(app, &server.url(""), &[]));
    of_check(&found, "folder")[0].clone()
}

#[test]
fn the_server_follows_the_folder_of_another_checkout() {
    let (app, other) = (App::new(), App::new());
    let server = other.start();
    let cache = app.cache();
    let remedy = "stop it and start the app of this folder";
    let no_journal = format!("{} has no journal", cache.display());
    judge_folder(&app, &server).assert_is("error", "folder", &no_journal, remedy);
    app.save("event_cache_key1", "1");
    let journal = format!("the journal in {} has ", cache.display());
    judge_folder(&app, &server).assert_is("error", "folder", &journal, remedy);
    judge_folder(&other, &server).assert_is("ok", "folder", "follows", "");

    // A copy of the folder with everything in it.
    other.save("event_cache_key1", "1");
    let copy = App::new();
    let copied = Command::new("cp")
        .arg("-a")
        .args([other.path().join("writable"), copy.path().to_owned()])
        .status();
    assert!(copied.unwrap().success());
    // Its own server starts an epoch, but the newest entry is of the former one.
    let server_of_copy = copy.start();
    judge_folder(&copy, &server_of_copy).assert_is("ok", "folder", "follows", "");
    copy.save("event_cache_key1", "1");
    judge_folder(&copy, &server_of_copy).assert_is("ok", "folder", "follows", "");
    judge_folder(&copy, &server).assert_is("error", "folder", "the journal in ", remedy);
}

/// An app beside a CodeIgniter application, whose cache it follows.
fn beside_codeigniter(cache_php: &str, env: &str) -> Hello {
    let hello = installed();
    hello.write("shop/app/Config/Cache.php", cache_php);
    hello.write("shop/.env", env);
    hello.write("shop/writable/cache/index.html", "");
    let own_env = hello.read(".env");
    hello.write(".env", &format!("{own_env}SSE_CACHE=shop/writable/cache\n"));
    hello
}

const RECORD: &str = "a:3:{s:4:\"time\";i:1764400000;s:3:\"ttl\";i:60;s:4:\"data\";i:1;}";

#[test]
fn codeigniter_saves_its_keys_with_a_prefix() {
    let cache_php =
        "<?php\nclass Cache extends BaseConfig\n{\n    public string $prefix = 'myapp_';\n}\n";
    let hello = beside_codeigniter(cache_php, "CI_ENVIRONMENT = production\n");
    assert_eq!(
        problems(&examine(&hello)),
        [],
        "CodeIgniter may save other keys"
    );
    let saved = "shop/writable/cache/myapp_event_cache_key1";
    hello.write(saved, RECORD);
    let what = "it saves `event_cache_key1` as `myapp_event_cache_key1`, which triggers no event";
    let found = problems(&examine(&hello));
    only(&found).assert_is(
        "warning",
        "drop-ins",
        what,
        "write SSE_DROP_IN_PREFIX=myapp_ into the app's .env",
    );
    assert!(found[0].what.contains("prefix for cache keys is `myapp_`"));
    assert!(found[0].what.contains("app/Config/Cache.php"), "{found:#?}");

    // Its own .env counts before its code.
    hello.write("shop/.env", "cache.prefix = 'shop_'\n");
    assert_eq!(problems(&examine(&hello)), []);
    hello.write("shop/writable/cache/shop_event_cache_key2", RECORD);
    let found = problems(&examine(&hello));
    only(&found).assert_is(
        "warning",
        "drop-ins",
        "prefix for cache keys is `shop_`",
        "write SSE_DROP_IN_PREFIX=shop_ into the app's .env",
    );
    let own_env = hello.read(".env");
    hello.replace(".env", "event_cache_key1", "shop_event_cache_key1");
    assert_eq!(problems(&examine(&hello)), []);
    hello.write(".env", &format!("{own_env}SSE_DROP_IN_PREFIX=shop_\n"));
    assert_eq!(problems(&examine(&hello)), []);

    // The setting is left when the prefix is gone.
    hello.write("shop/.env", "");
    hello.write(
        "shop/app/Config/Cache.php",
        "<?php\npublic string $prefix = '';\n",
    );
    hello.write("shop/writable/cache/event_cache_key1", RECORD);
    let found = problems(&examine(&hello));
    only(&found).assert_is(
        "warning",
        "drop-ins",
        "which triggers no event, because SSE_DROP_IN_PREFIX is `shop_`",
        "remove SSE_DROP_IN_PREFIX",
    );
}

/// The prefix would count twice.
#[test]
fn a_prefix_is_in_the_setting_and_in_the_keys() {
    let cache_php = "<?php\npublic string $prefix = 'event_';\n";
    let hello = beside_codeigniter(cache_php, "");
    let env = hello.read(".env");
    hello.write(".env", &format!("{env}SSE_DROP_IN_PREFIX=event_\n"));
    let found = findings(&examine(&hello));
    let found = of_check(&found, "drop-ins");
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].assert_is(
        "note",
        "drop-ins",
        "the drop-in of the key `event_cache_key1` is the file `event_event_cache_key1`",
        "write cache_key1 for event_cache_key1 in SSE_EVENTS",
    );
}

/// In a container, CodeIgniter's configuration is elsewhere.
#[test]
fn a_key_with_a_prefix_is_found_by_its_file() {
    let hello = installed();
    hello.write("writable/cache/myapp_event_cache_key1", RECORD);
    hello.write("writable/cache/preevent_cache_key2", RECORD);
    let found = problems(&examine(&hello));
    only(&found).assert_is(
        "warning",
        "drop-ins",
        "contains `myapp_event_cache_key1`: if `myapp_` is CodeIgniter's prefix",
        "app/Config/Cache.php",
    );
    hello.write("writable/cache/myapp_event_cache_key1", "not a record");
    assert_eq!(problems(&examine(&hello)), []);

    let env = hello.read(".env");
    hello.write(".env", &format!("{env}SSE_DROP_IN_PREFIX=myapp_\n"));
    hello.write("writable/cache/myapp_event_cache_key1", RECORD);
    assert_eq!(problems(&examine(&hello)), []);
    hello.write("writable/cache/event_cache_key2", RECORD);
    let found = problems(&examine(&hello));
    only(&found).assert_is(
        "warning",
        "drop-ins",
        "so the drop-in of this key is the file `myapp_event_cache_key2`",
        "remove SSE_DROP_IN_PREFIX",
    );
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn the_cache_cannot_be_read() {
    let hello = installed();
    let cache = hello.path().join("writable/cache");
    fs::create_dir_all(&cache).unwrap();
    set_mode(&cache, 0o000);
    let user = OtherUser::new();
    // The other user must reach the app.
    set_mode(hello.outside(), 0o755);
    let mut sse = user.sse(hello.path(), &["doctor", "--json"]);
    let found = findings(&Ran::from_output(&sse.output().unwrap()));
    set_mode(&cache, 0o755);
    of_check(&found, "cache")[0].assert_is(
        "error",
        "cache",
        "this user cannot save in",
        "write access (chown or chmod)",
    );
}
