//! Edits of `.env`, with a simulated clock.

use std::fs;

use super::*;
use crate::{config::env_bytes, error::ErrorKind};

/// An app's `.env`, its poller, and a simulated clock.
struct App {
    dir: tempfile::TempDir,
    poller: ConfigPoller,
    now: Instant,
    /// Whether the cache of an edit can be used.
    is_folder_usable: bool,
    /// How often that was tried.
    preparations: u32,
}

impl App {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".env"), "SSE_EVENTS=a:k\n").unwrap();
        let config = Config::from_dir(dir.path()).unwrap();
        let mut app = Self {
            dir,
            poller: ConfigPoller::new(config),
            now: Instant::now(),
            is_folder_usable: true,
            preparations: 0,
        };
        assert!(!app.poll_for(3 * ENV_POLL_INTERVAL), "nothing was edited");
        app
    }

    fn edit(&self, text: &str) {
        fs::write(self.dir.path().join(".env"), text).unwrap();
    }

    /// Lets this time pass. Returns whether the configuration has changed.
    fn poll_for(&mut self, time: Duration) -> bool {
        let end = self.now + time;
        let version = self.poller.version();
        while self.now < end {
            self.check();
            self.now += Duration::from_millis(20);
        }
        self.poller.version() != version
    }

    /// Checks the file now. Returns whether the configuration has changed.
    fn check(&mut self) -> bool {
        let version = self.poller.version();
        let prepare = |_: &Config| {
            self.preparations += 1;
            match self.is_folder_usable {
                true => Ok(()),
                false => Err(Error::new(ErrorKind::Cache, "the folder cannot be used")),
            }
        };
        self.poller.reload_if_due_at(self.now, prepare);
        self.poller.version() != version
    }

    fn events(&self) -> String {
        let config = self.poller.current();
        let events: Vec<&str> = config.events().names().collect();
        events.join(",")
    }
}

fn has_error(app: &App) -> bool {
    let state = lock(&app.poller.poll_state);
    state.log.as_ref().is_some_and(RepeatedError::is_reported)
}

/// How long an edit takes at most.
const EDIT_DELAY: Duration = Duration::from_millis(2_200);

#[test]
fn a_named_pipe_in_place_of_the_file_is_not_waited_for() {
    let mut app = App::new();
    let env = app.dir.path().join(".env");
    fs::remove_file(&env).unwrap();
    env_bytes::make_pipe(&env);
    assert!(!app.poll_for(3 * ENV_POLL_INTERVAL));
    assert!(has_error(&app));
    fs::remove_file(&env).unwrap();
    app.edit("SSE_EVENTS=b:k\n");
    assert!(app.poll_for(EDIT_DELAY));
}

#[test]
fn an_edit_takes_effect_within_two_seconds() {
    let mut app = App::new();
    app.edit("SSE_EVENTS=b:k\nSSE_STREAM_DURATION=300\n");
    assert!(app.poll_for(EDIT_DELAY));
    assert_eq!(app.events(), "b");
    let config = app.poller.current();
    assert_eq!(config.stream_duration(), Duration::from_secs(300));
    assert!(
        !app.poll_for(3 * ENV_POLL_INTERVAL),
        "the file did not change again"
    );
    app.edit("# Only a comment.\nSSE_EVENTS=b:k\nSSE_STREAM_DURATION=300\n");
    assert!(!app.poll_for(3 * ENV_POLL_INTERVAL));
}

#[test]
fn a_panic_while_the_file_is_read_does_not_end_live_edits() {
    let mut app = App::new();
    let poll_state = &app.poller.poll_state;
    let panicked = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            let _state = poll_state.lock().unwrap();
            panic!("a thread panics");
        });
        thread.join()
    });
    assert!(panicked.is_err());
    app.edit("SSE_EVENTS=b:k\n");
    assert!(app.poll_for(EDIT_DELAY));
}

#[test]
fn a_file_renamed_to_env_takes_effect() {
    let mut app = App::new();
    let (env, new) = (app.dir.path().join(".env"), app.dir.path().join("new"));
    fs::write(&new, "SSE_EVENTS=renamed:k\n").unwrap();
    fs::rename(&new, &env).unwrap();
    assert!(app.poll_for(EDIT_DELAY));
    assert_eq!(app.events(), "renamed");
}

#[test]
fn an_edit_behind_a_symbolic_link_takes_effect() {
    let mut app = App::new();
    let (env, real) = (app.dir.path().join(".env"), app.dir.path().join("real"));
    fs::rename(&env, &real).unwrap();
    std::os::unix::fs::symlink("real", &env).unwrap();
    fs::write(&real, "SSE_EVENTS=linked:k\n").unwrap();
    assert!(app.poll_for(EDIT_DELAY));
    assert_eq!(app.events(), "linked");
}

#[test]
fn the_intermediate_states_of_an_editor_are_ignored() {
    let mut app = App::new();
    // As if an editor wrote the file piece by piece, each just before a check.
    for piece in ["", "SSE_EVENTS=b", "SSE_EVENTS=b:k\nSSE_TTL", ""] {
        app.now += ENV_POLL_INTERVAL;
        app.edit(piece);
        assert!(!app.check(), "{piece}");
        app.now += EDIT_DEBOUNCE / 2;
        assert!(!app.check(), "{piece}");
    }
    app.edit("SSE_EVENTS=b:k,c:k\n");
    assert!(app.poll_for(EDIT_DELAY));
    assert_eq!(app.events(), "b,c");
}

#[test]
fn a_file_that_cannot_be_used_changes_nothing() {
    let mut app = App::new();
    let env = app.dir.path().join(".env");
    app.edit("SSE_EVENTS=b:k\n");
    assert!(app.poll_for(EDIT_DELAY));
    for broken in [
        "SSE_EVENTS=b\n",
        "SSE_EVENTS=c:k\nSSE_TTL=soon\n",
        "",
        "A='",
    ] {
        app.edit(broken);
        assert!(!app.poll_for(3 * ENV_POLL_INTERVAL), "{broken}");
        assert_eq!(app.events(), "b", "{broken}");
    }
    fs::remove_file(&env).unwrap();
    assert!(!app.poll_for(3 * ENV_POLL_INTERVAL));
    fs::create_dir(&env).unwrap();
    assert!(!app.poll_for(3 * ENV_POLL_INTERVAL));
    assert_eq!(app.events(), "b");
    fs::remove_dir(&env).unwrap();
    app.edit("SSE_EVENTS=c:k\n");
    assert!(app.poll_for(EDIT_DELAY));
    assert_eq!(app.events(), "c");
}

#[test]
fn settings_from_code_survive_an_edit() {
    let app = App::new();
    let config = Config::from_dir(app.dir.path()).unwrap();
    let config = config.with_ttl(Duration::from_secs(7));
    let mut app = App {
        poller: ConfigPoller::new(config.with_heartbeat(Duration::from_secs(3))),
        ..app
    };
    app.edit("SSE_EVENTS=b:k\nSSE_TTL=100\n");
    assert!(app.poll_for(2 * EDIT_DELAY));
    let config = app.poller.current();
    assert_eq!(config.ttl(), Duration::from_secs(7));
    assert_eq!(config.heartbeat(), Duration::from_secs(3));
    assert_eq!(app.events(), "b");
}

#[test]
fn a_line_that_moves_changes_no_value_but_its_origin() {
    let mut app = App::new();
    app.edit("# A comment.\n\nSSE_EVENTS=a:k\n");
    assert!(!app.poll_for(3 * ENV_POLL_INTERVAL));
    let config = app.poller.current();
    let events = config.settings().next().unwrap();
    assert_eq!(events.to_string(), "SSE_EVENTS is a:k (.env line 3)");
}

#[test]
fn a_configuration_without_a_file_never_changes() {
    let app = App::new();
    let config = Config::new(app.dir.path(), "own:k").unwrap();
    let mut app = App {
        poller: ConfigPoller::new(config),
        ..app
    };
    assert!(!app.poll_for(3 * ENV_POLL_INTERVAL));
    assert_eq!(app.events(), "own");
}

#[test]
fn an_edit_waits_as_a_whole_until_its_cache_folder_can_be_used() {
    let mut app = App::new();
    app.is_folder_usable = false;
    app.edit("SSE_EVENTS=b:k\nSSE_CACHE=other\n");
    assert!(!app.poll_for(10 * ENV_POLL_INTERVAL));
    assert_eq!(app.events(), "a");
    assert!((9..=10).contains(&app.preparations), "{}", app.preparations);
    app.is_folder_usable = true;
    assert!(app.poll_for(EDIT_DELAY));
    assert_eq!(app.events(), "b");
}

#[test]
fn an_edit_that_is_taken_back_while_it_waits_resolves_the_error() {
    let mut app = App::new();
    app.is_folder_usable = false;
    app.edit("SSE_EVENTS=b:k\nSSE_CACHE=other\n");
    assert!(!app.poll_for(2 * ENV_POLL_INTERVAL));
    assert!(has_error(&app));
    app.edit("SSE_EVENTS=a:k\n");
    assert!(!app.poll_for(2 * ENV_POLL_INTERVAL));
    assert!(!has_error(&app));
    let tried = app.preparations;
    assert!(!app.poll_for(3 * ENV_POLL_INTERVAL));
    assert_eq!(app.preparations, tried);
}

#[test]
fn an_edit_made_long_before_the_check_takes_effect_at_once() {
    let mut app = App::new();
    app.now += ENV_POLL_INTERVAL;
    app.edit("SSE_EVENTS=b:k\n");
    while unchanged_for(&app.dir.path().join(".env")) < EDIT_DEBOUNCE {
        std::thread::yield_now();
    }
    assert!(app.check());
    assert_eq!(app.events(), "b");
}

#[cfg(feature = "actix")]
#[test]
fn a_check_is_not_due_while_another_thread_reads_the_file() {
    let app = App::new();
    lock(&app.poller.poll_state).next_check = Instant::now();
    assert!(app.poller.is_check_due());
    let _reading = lock(&app.poller.poll_state);
    assert!(!app.poller.is_check_due());
}
