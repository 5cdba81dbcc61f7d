//! `sse doctor` on files that other programs wrote into the cache folder.

use std::{fs, os::unix::fs::PermissionsExt, path::Path};

use crate::{
    doctor::findings::{findings, installed, of_check},
    hello::Ran,
    other_user::OtherUser,
};

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn files_that_the_server_cannot_read_or_use_are_named() {
    let hello = installed();
    hello.write("writable/cache/event_cache_key1", "1");
    hello.write("writable/cache/.sse/broken/event_cache_key1", "1");
    hello.write("writable/cache/.sse/broken/event_cache_key2", "");
    hello.write("writable/cache/another_key", "1");
    let cache = hello.path().join("writable/cache");
    for name in [
        "event_cache_key1",
        ".sse/broken/event_cache_key1",
        "another_key",
    ] {
        set_mode(&cache.join(name), 0o000);
    }
    let user = OtherUser::new();
    // The other user must reach the app.
    set_mode(hello.outside(), 0o755);
    let mut sse = user.sse(hello.path(), &["doctor", "--json"]);
    let found = findings(&Ran::from_output(&sse.output().unwrap()));
    let found = of_check(&found, "drop-ins");
    assert_eq!(found.len(), 3, "{found:#?}");
    let (waiting, skipped) = (
        "cache/event_cache_key1 (mode 0000",
        "broken/event_cache_key1 (mode 0000",
    );
    found[0].assert_is("warning", "drop-ins", waiting, "chmod 2770");
    found[1].assert_is("warning", "drop-ins", skipped, "app/Config/Cache.php");
    found[2].assert_is(
        "note",
        "drop-ins",
        "broken/event_cache_key2",
        "delete the file",
    );
}
