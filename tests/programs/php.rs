//! Events triggered by real PHP, in the way of CodeIgniter.

mod records;

use std::{
    process::Command,
    time::{Duration, Instant},
};

use support::{App, Stream, attempts};

/// Runs the code, which finds the arguments in `$argv`, and returns what it prints.
fn php(app: &App, code: &str, arguments: &[&str]) -> String {
    let output = Command::new("php")
        .args(["-r", code, "--"])
        .args(arguments)
        .current_dir(app.path())
        .output()
        .expect("php is missing: run `tests/setup`");
    assert!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_codeigniter_record_written_by_php_arrives_within_a_second() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    for (data, value) in [
        ("'1'", serde_json::json!("1")),
        (
            "['order' => 42, 'items' => ['a', 'b'], 'total' => 9.5, 'paid' => true, 'note' => null]",
            serde_json::json!({"order": 42, "items": ["a", "b"], "total": 9.5, "paid": true, "note": null}),
        ),
        (
            "'caf\u{e9} \u{1f600}'",
            serde_json::json!("caf\u{e9} \u{1f600}"),
        ),
    ] {
        // The steps of CodeIgniter's file handler: open and truncate, lock, write, close, then set the
        // permissions.
        let code = format!(
            "$path = 'writable/cache/event_cache_key1';
             $file = fopen($path, 'wb');
             flock($file, LOCK_EX);
             fwrite($file, serialize(['time' => time(), 'ttl' => 60, 'data' => {data}]));
             flock($file, LOCK_UN);
             fclose($file);
             @chmod($path, 0640);"
        );
        attempts("a record within a second", || {
            let saved = Instant::now();
            php(&app, &code, &[]);
            assert_eq!(stream.next_event().value(), value);
            // Including the start of PHP.
            (saved.elapsed() < Duration::from_millis(1_200)).then_some(())
        });
    }
}

#[test]
fn records_written_in_a_tight_loop_are_never_read_torn() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    php(&app, "for ($i = 1; $i <= 2000; $i++) {
        $file = fopen('writable/cache/event_cache_key1', 'wb');
        flock($file, LOCK_EX);
        fwrite($file, serialize(['time' => time(), 'ttl' => 60, 'data' => [$i, str_repeat('x', 5000)]]));
        fclose($file);
    }", &[]);
    // A drop-in that is overwritten before it is ingested counts once; the last one is always ingested.
    let mut before = 0;
    while before < 2000 {
        let value = stream.next_event().value();
        let number = value[0].as_u64().unwrap();
        assert!(number > before, "{number} after {before}");
        assert_eq!(value[1].as_str().map(str::len), Some(5000));
        before = number;
    }
    assert!(!server.log().contains("is skipped"), "{}", server.log());
}

/// What `cache()->clean()` and `php spark cache:clear` do: they delete each file below the cache folder
/// whose name has no leading dot, and keep the folders.
const CLEAR: &str = r#"
    $items = new RecursiveIteratorIterator(
        new RecursiveDirectoryIterator('writable/cache', RecursiveDirectoryIterator::SKIP_DOTS),
        RecursiveIteratorIterator::CHILD_FIRST
    );
    foreach ($items as $item) {
        if ($item->getFilename()[0] !== '.' && ! $item->isDir()) {
            unlink($item->getPathname());
        }
    }
"#;

#[test]
fn a_codeigniter_app_that_clears_its_cache_loses_no_saved_value() {
    let app = App::with_lasting_streams();
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    let id = stream.next().id.unwrap();
    for value in 1..=3 {
        app.save("event_cache_key1", &value.to_string());
        assert_eq!(stream.next_event().value(), value);
    }
    std::fs::write(app.cache().join("another_key"), "1").unwrap();
    php(&app, CLEAR, &[]);
    assert!(!app.cache().join("another_key").exists());
    php(
        &app,
        "file_put_contents('writable/cache/event_cache_key1', '4');",
        &[],
    );
    assert_eq!(stream.next_event().value(), 4);
    let returning = Stream::open(server.address(), "/sse/stream", Some(&id));
    for value in 1..=4 {
        let event = returning.next_event();
        assert_eq!(event.value(), value, "{event:?}");
    }
}

/// PHP's iterator fails at a folder that it may not list.
#[test]
fn another_user_can_traverse_a_cache_folder_that_it_may_list() {
    use std::os::unix::{fs::PermissionsExt, process::CommandExt};

    if !rustix::process::geteuid().is_root() {
        return;
    }
    let app = App::with_lasting_streams();
    std::fs::create_dir_all(app.cache()).unwrap();
    for dir in [
        app.path().to_owned(),
        app.path().join("writable"),
        app.cache(),
    ] {
        std::fs::set_permissions(dir, std::fs::Permissions::from_mode(0o755)).unwrap();
    }
    app.save("event_cache_key1", "1");
    let output = Command::new("php")
        .args(["-r", CLEAR])
        .current_dir(app.path())
        .uid(12_345)
        .gid(12_345)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let secret = Command::new("cat")
        .arg(
            app.cache()
                .join(".sse/journal-2/000000000000/.00000000000000000001"),
        )
        .uid(12_345)
        .gid(12_345)
        .output()
        .unwrap();
    assert!(!secret.status.success(), "the values are private");
}

/// CodeIgniter's file handler for values that live for 60 seconds.
const FILE_HANDLER: &str = r"
    function save($key, $value) {
        $record = serialize(['time' => time(), 'ttl' => 60, 'data' => $value]);
        return file_put_contents(PATH . $key, $record, LOCK_EX);
    }
    function get($key) {
        return is_file(PATH . $key) ? unserialize(file_get_contents(PATH . $key))['data'] : null;
    }
    function increment($key) {
        $value = (get($key) ?? 0) + 1;
        save($key, $value);
        return $value;
    }
    const PATH = 'writable/cache/shop_';
";

/// docs/guides/codeigniter.md describes this: PHP counts with a key of its own, and announces the count.
#[test]
fn php_keeps_its_own_keys_and_loses_those_that_trigger_events() {
    let app =
        App::with_env("SSE_STREAM_DURATION=0\nSSE_EVENTS=order:orders\nSSE_DROP_IN_PREFIX=shop_\n");
    let server = app.start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    let run = |code: &str| php(&app, &format!("{FILE_HANDLER} {code}"), &[]);
    for count in 1..=3 {
        run("save('orders', increment('orders_count'));");
        assert_eq!(stream.next_event().value(), count);
    }
    assert_eq!(
        run("echo json_encode([get('orders'), get('orders_count')]);"),
        "[null,3]"
    );
    for _ in 0..2 {
        run("increment('orders');");
        assert_eq!(stream.next_event().value(), 1);
    }
}
