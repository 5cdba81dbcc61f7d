//! Drop-ins of another user: PHP as one user and the server as another, as PHP-FPM and most servers
//! run. Linux does not tell the server whether such a file still has a writer.

use std::{
    collections::HashMap,
    fs::{self, Permissions},
    os::unix::{
        fs::{PermissionsExt, chown},
        process::CommandExt,
    },
    process::{Child, Command},
    time::{Duration, Instant, SystemTime},
};

use serde_json::Value;
use support::{App, DEADLINE, Server, Stream, starter};

/// Users that do not exist. The group of PHP's user is also the server's.
const SERVER_USER: u32 = 12_345;
const PHP_USER: u32 = 12_346;

const ENV: &str = "SSE_STREAM_DURATION=0\nSSE_EVENTS=event1:json,event2:record\n";

/// The two ways in which PHP programs write a file in place.
const SAVE: &str = r#"
    function save_json($value) {
        file_put_contents('writable/cache/json', json_encode($value), LOCK_EX);
    }
    function save_record($value) {
        $file = fopen('writable/cache/record', 'wb');
        flock($file, LOCK_EX);
        fwrite($file, serialize(['time' => time(), 'ttl' => 60, 'data' => $value]));
        flock($file, LOCK_UN);
        fclose($file);
    }
"#;

/// Saves bursts of values, each save this many microseconds after the one before it. The next burst would overwrite the
/// last value of the one before it, so it begins when the server has taken that: a busy machine may delay the server.
fn bursts(bursts: u64, saves: u64, microseconds: &str) -> String {
    format!(
        "for ($burst = 0; $burst < {bursts}; $burst++) {{
            for ($save = 0; $save < {saves}; $save++) {{
                $sent = microtime(true);
                save(['burst' => $burst, 'save' => $save, 'sent' => $sent,
                      'padding' => str_repeat('x', 5000)]);
                usleep(max(0, {microseconds} - (int) ((microtime(true) - $sent) * 1000000)));
            }}
            usleep(300000);
            for ($wait = 0; $wait < 3000 && file_exists(PATH); $wait++) {{
                usleep(10000);
                clearstatcache();
            }}
        }}"
    )
}

/// An app whose server runs as another user than PHP. `None` if this process may not do that.
///
/// The server has a high priority: a value that is overwritten while a busy machine keeps the server
/// waiting is lost, whatever the server does.
fn app_of_two_users() -> Option<(App, Server)> {
    if !rustix::process::geteuid().is_root() {
        return None;
    }
    let app = App::with_env(ENV);
    fs::create_dir_all(app.cache()).unwrap();
    for folder in [app.path(), &app.path().join("writable")] {
        fs::set_permissions(folder, Permissions::from_mode(0o755)).unwrap();
    }
    chown(app.cache(), Some(SERVER_USER), Some(PHP_USER)).unwrap();
    fs::set_permissions(app.cache(), Permissions::from_mode(0o770)).unwrap();
    let script = format!(
        "#!/bin/sh\nexec nice -n -15 setpriv --reuid={SERVER_USER} --regid={PHP_USER} --clear-groups '{}'\n",
        starter().display()
    );
    let program = app.path().join("program");
    support::write_script(&program, &script);
    let server = Server::start_program(&program, app.path(), &[]);
    Some((app, server))
}

fn start_php(app: &App, save: &str, code: &str) -> Child {
    let key = save.trim_start_matches("save_");
    let code = format!(
        "{SAVE} const PATH = 'writable/cache/{key}';
         function save($value) {{ {save}($value); }} {code}"
    );
    let mut php = Command::new("php");
    php.args(["-r", &code]).current_dir(app.path());
    php.uid(PHP_USER).gid(PHP_USER);
    php.spawn().expect("php is missing: run `tests/setup`")
}

/// The values of one key that arrived, as (burst, save), and how late each was.
#[derive(Default)]
struct Arrivals {
    values: Vec<(u64, u64)>,
    delays: Vec<Duration>,
}

impl Arrivals {
    fn add(&mut self, value: &Value) {
        assert_eq!(value["padding"].as_str().map(str::len), Some(5000));
        let number = |name: &str| value[name].as_u64().unwrap();
        let next = (number("burst"), number("save"));
        let last = self.values.last();
        assert!(
            last.is_none_or(|last| *last < next),
            "{next:?} after {last:?}"
        );
        self.values.push(next);
        let sent = Duration::from_secs_f64(value["sent"].as_f64().unwrap());
        let sent = SystemTime::UNIX_EPOCH + sent;
        self.delays.push(sent.elapsed().unwrap_or_default());
    }

    fn has(&self, burst: u64, save: u64) -> bool {
        self.values.contains(&(burst, save))
    }

    /// The delay that 99 % of the values did not exceed, and the longest one.
    fn p99_and_longest(&self) -> (Duration, Duration) {
        let mut delays = self.delays.clone();
        delays.sort_unstable();
        (
            delays[(delays.len() * 99).div_ceil(100) - 1],
            delays[delays.len() - 1],
        )
    }
}

/// Runs both writers at once, and returns what arrived until the last value of each.
fn arrivals(
    app: &App,
    server: &Server,
    count: (u64, u64),
    code: &str,
) -> HashMap<String, Arrivals> {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    let writers = ["save_json", "save_record"].map(|save| start_php(app, save, code));
    let mut arrivals =
        HashMap::from(["event1", "event2"].map(|name| (name.to_owned(), Arrivals::default())));
    let last = (count.0 - 1, count.1 - 1);
    let mut silent_since = Instant::now();
    while !arrivals.values().all(|found| found.has(last.0, last.1)) {
        let Some(event) = stream.next_within(Duration::from_millis(100)) else {
            assert!(
                silent_since.elapsed() < DEADLINE,
                "the last values are missing: {}",
                server.log()
            );
            continue;
        };
        if event.is_from_app() {
            silent_since = Instant::now();
            arrivals.get_mut(event.name()).unwrap().add(&event.value());
        }
    }
    for mut writer in writers {
        assert!(writer.wait().unwrap().success());
    }
    assert!(!server.log().contains("is skipped"), "{}", server.log());
    arrivals
}

const BURSTS: u64 = 8;
const SAVES_PER_BURST: u64 = 50;
/// Values are lost, too, if a busy machine lets no process of this test run for a moment. That rarely
/// happens in each of several rounds.
const MAX_ROUNDS: usize = 4;

#[test]
fn drop_ins_of_another_user_arrive_at_one_save_per_20_ms() {
    let has_passed = (0..MAX_ROUNDS)
        .any(|_| app_of_two_users().is_none_or(|(app, server)| round_passes(&app, &server)));
    assert!(has_passed, "the figures are above");
}

/// The last value of each burst must arrive in every round.
fn round_passes(app: &App, server: &Server) -> bool {
    let code = bursts(BURSTS, SAVES_PER_BURST, "20000");
    let arrivals = arrivals(app, server, (BURSTS, SAVES_PER_BURST), &code);
    arrivals.iter().all(|(event, found)| {
        let (p99, longest) = found.p99_and_longest();
        let (count, saves) = (found.values.len() as u64, BURSTS * SAVES_PER_BURST);
        println!("{event}: {count} of {saves}, p99 {p99:?}, longest {longest:?}");
        for burst in 0..BURSTS {
            assert!(
                found.has(burst, SAVES_PER_BURST - 1),
                "the last value of burst {burst}"
            );
        }
        // On an idle machine p99 is below 100 ms.
        count * 100 >= saves * 95 && p99 < Duration::from_millis(500)
    })
}

/// The writers' closes fall between any two steps of the server, which the other writer wakes.
#[test]
fn no_moment_of_a_close_stalls_another_users_drop_in() {
    const SAVES: u64 = 1_500;
    let Some((app, server)) = app_of_two_users() else {
        return;
    };
    let code = bursts(1, SAVES, "rand(0, 3000)");
    for (event, found) in arrivals(&app, &server, (1, SAVES), &code) {
        let (p99, longest) = found.p99_and_longest();
        println!(
            "{event}: {} of {SAVES}, p99 {p99:?}, longest {longest:?}",
            found.values.len()
        );
        // A close that was missed would cost ten seconds.
        assert!(longest < Duration::from_secs(5), "{longest:?}");
    }
}
