//! CodeIgniter's records: what PHP reads from one, the page receives.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, chown},
};

use support::{App, Server, Stream, until};

use super::php;

fn open(server: &Server) -> Stream {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    stream
}

/// Two processes open and truncate the file before either has the lock. The shorter record is written
/// last, so the rest of the longer one follows it.
const OVERLAPPING_SAVES: &str = r"
    function write_record($file, $data) {
        flock($file, LOCK_EX);
        fwrite($file, serialize(['time' => time(), 'ttl' => 60, 'data' => $data]));
        flock($file, LOCK_UN);
        fclose($file);
    }
    $path = 'writable/cache/event_cache_key1';
    $first = fopen($path, 'wb');
    $second = fopen($path, 'wb');
    write_record($first, str_repeat('long', 100));
    write_record($second, $argv[1]);
";

#[test]
fn a_record_before_the_rest_of_a_longer_one_arrives_and_is_reported_once() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let stream = open(&server);
    for value in ["first", "second", "third"] {
        php(&app, OVERLAPPING_SAVES, &[value]);
        assert_eq!(stream.next_event().value(), value);
    }
    let log = server.log();
    assert!(!log.contains("is skipped"), "{log}");
    let reports = log.matches("`event_cache_key1` is followed by").count();
    assert_eq!(reports, 1, "{log}");
}

/// Waits for the first third of a second, then writes a record that was saved $argv[1] seconds earlier
/// and lives for one second.
const AGED_RECORD: &str = r"
    do { $fraction = fmod(microtime(true), 1); usleep(1000); } while ($fraction < 0.05 || $fraction > 0.35);
    $record = serialize(['time' => time() - $argv[1], 'ttl' => 1, 'data' => $argv[2]]);
    file_put_contents('writable/cache/.unfinished', $record);
    rename('writable/cache/.unfinished', 'writable/cache/event_cache_key1');
";

/// CodeIgniter compares whole seconds: `time() > $data['time'] + $data['ttl']`.
#[test]
fn a_record_lives_to_the_end_of_its_last_second_as_in_codeigniter() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let stream = open(&server);
    php(&app, AGED_RECORD, &["2", "expired"]);
    until("the expired record is taken", || {
        (!app.cache().join("event_cache_key1").exists()).then_some(())
    });
    // A busy machine may take a record only after its last second.
    let arrived = (0..5).any(|_| {
        php(&app, AGED_RECORD, &["1", "in its last second"]);
        php(
            &app,
            "file_put_contents('writable/cache/event_cache_key2', '\"marker\"');",
            &[],
        );
        let value = stream.next_event().value();
        assert_ne!(value, "expired");
        value == "in its last second"
    });
    assert!(arrived, "{}", server.log());
}

/// The value of each of these is the text that PHP's `json_encode` gives.
#[test]
fn arrays_keep_their_order_and_numbers_their_text() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let stream = open(&server);
    for data in [
        "['z' => 1, 'a' => 2]",
        "['z' => ['y' => 1, 'b' => [3, 2, 1]], 'a' => ['z' => [], 'c' => null]]",
        "[10 => 'ten', 9 => 'nine', 'x' => 'ex']",
        "[PHP_INT_MAX, PHP_INT_MIN, 0]",
        "[10.0, 0.1, 1e25, -1.5e-9, -0.0, 123456789012345678.0, 0.1 + 0.2]",
        "'quotes \" \\\\ \u{e9} \u{1f600} ' . \"\\n\\x01\"",
        "true",
    ] {
        let code = format!(
            "$data = {data};
             file_put_contents(
                 'writable/cache/event_cache_key1',
                 serialize(['time' => time(), 'ttl' => 60, 'data' => $data])
             );
             echo json_encode($data, JSON_UNESCAPED_UNICODE | JSON_UNESCAPED_SLASHES);"
        );
        let json = php(&app, &code, &[]);
        let event = stream.next_event();
        let text = event.data.unwrap();
        assert!(text.ends_with(&format!(",\"value\":{json}}}")), "{text}");
    }
}

/// For example, PHP-FPM wrote it, and neither its group nor other users may read it.
#[test]
fn a_record_that_the_server_may_not_read_is_reported_with_help() {
    let app = App::new();
    fs::create_dir_all(app.cache()).unwrap();
    if rustix::process::geteuid().is_root() {
        // Root reads drop-ins with the rights of the folder's owner.
        chown(app.cache(), Some(12_345), Some(12_345)).unwrap();
    }
    let server = app.start();
    let unreadable = app.path().join("unreadable");
    fs::write(&unreadable, "1").unwrap();
    fs::set_permissions(&unreadable, fs::Permissions::from_mode(0o000)).unwrap();
    fs::rename(&unreadable, app.cache().join("event_cache_key1")).unwrap();
    let log = server.wait_for_log("is skipped");
    for part in [
        "`event_cache_key1` is skipped",
        "Permission denied",
        "help: run both programs as one user, or give them a common group",
        "chmod 2770",
    ] {
        assert!(log.contains(part), "{part}: {log}");
    }
}
