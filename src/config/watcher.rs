//! The configuration in force: `.env` as it was edited last, as long as it can be used.
//!
//! The file is read again and again instead of being watched: it is small, may be replaced by a
//! rename, lie behind a symbolic link or on a file system without notifications, and two seconds
//! are soon enough.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::{Duration, Instant},
};

use super::Config;
use crate::runtime::RepeatedError;

/// Between looks at the file.
const EVERY: Duration = Duration::from_secs(2);
/// Editors empty a file before they write it. What is found has to stay the same for so long.
pub(super) const SETTLED: Duration = Duration::from_millis(100);
/// And what cannot be used for so long, before anybody is told.
const SETTLED_IF_BROKEN: Duration = Duration::from_secs(1);

pub(crate) struct ConfigWatcher {
    current: RwLock<Arc<Config>>,
    look: Mutex<Look>,
}

/// What there is to know between two looks at the file.
struct Look {
    next: Instant,
    /// What the file had in it when it was last decided upon; `None`: that has not been yet.
    decided: Option<Content>,
    found: Option<Found>,
    fault: RepeatedError,
}

/// Something else than what was decided upon.
struct Found {
    content: Content,
    since: Instant,
    /// It could not be used the first time.
    is_broken: bool,
}

pub(super) type Content = Result<Vec<u8>, io::ErrorKind>;

impl ConfigWatcher {
    pub(crate) fn new(config: Config) -> Self {
        Self {
            current: RwLock::new(Arc::new(config)),
            look: Mutex::new(Look {
                next: Instant::now() + EVERY,
                decided: None,
                found: None,
                fault: RepeatedError::new(
                    "changes in .env are not applied",
                    "changes in .env are applied again",
                ),
            }),
        }
    }

    pub(crate) fn current(&self) -> Arc<Config> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// How long until the next look is due.
    pub(crate) fn time_to_next_check(&self) -> Duration {
        let look = self.look.lock().unwrap_or_else(PoisonError::into_inner);
        look.next.saturating_duration_since(Instant::now())
    }

    /// Looks at the file if it is time to, and says whether anything has changed by that.
    ///
    /// The file is read on this thread.
    pub(crate) fn reload_if_due(&self) -> bool {
        self.refresh_at(Instant::now())
    }

    fn refresh_at(&self, now: Instant) -> bool {
        // Who comes while another looks has what was in force a moment ago.
        let Ok(mut look) = self.look.try_lock() else {
            return false;
        };
        if now < look.next {
            return false;
        }
        look.next = now + EVERY;
        let current = self.current();
        if !current.is_from_env {
            return false;
        }
        let content = read(&current.app_dir.join(".env"));
        if look.decided.as_ref() == Some(&content) {
            look.found = None;
            return false;
        }
        if look.found.as_ref().is_none_or(|it| it.content != content) {
            look.found = Some(Found {
                content,
                since: now,
                is_broken: false,
            });
        }
        self.decide(&mut look, &current, now)
    }

    fn decide(&self, look: &mut Look, current: &Config, now: Instant) -> bool {
        let Some(found) = &mut look.found else {
            return false;
        };
        let wait = if found.is_broken {
            SETTLED_IF_BROKEN
        } else {
            SETTLED
        };
        if now.duration_since(found.since) < wait {
            look.next = now + SETTLED;
            return false;
        }
        let changed = match current.read_again() {
            Err(_) if !found.is_broken => {
                found.is_broken = true;
                look.next = now + SETTLED;
                return false;
            }
            Err(error) => {
                look.fault.report(&error);
                false
            }
            Ok(config) => {
                look.fault.resolved();
                self.put_in_force(current, config)
            }
        };
        look.decided = look.found.take().map(|found| found.content);
        changed
    }

    fn put_in_force(&self, current: &Config, config: Config) -> bool {
        if config.values == current.values {
            return false;
        }
        log::info!(".env: what was edited is in force now");
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(config);
        true
    }
}

/// Only a plain file is read more than once: a pipe gives what it has to one reader, and may ask
/// its owner each time.
pub(super) fn read(path: &Path) -> Content {
    let metadata = fs::metadata(path).map_err(|error| error.kind())?;
    if metadata.is_file() {
        fs::read(path).map_err(|error| error.kind())
    } else {
        Err(io::ErrorKind::InvalidInput)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// An app's `.env`, and a clock for the looks at it.
    struct App {
        dir: tempfile::TempDir,
        live: ConfigWatcher,
        now: Instant,
    }

    impl App {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            fs::write(dir.path().join(".env"), "SSE_EVENTS=a:k\n").unwrap();
            let config = Config::from_dir(dir.path()).unwrap();
            let mut app = Self {
                dir,
                live: ConfigWatcher::new(config),
                now: Instant::now(),
            };
            assert!(!app.look_for(3 * EVERY), "nothing was edited");
            app
        }

        fn edit(&self, text: &str) {
            fs::write(self.dir.path().join(".env"), text).unwrap();
        }

        /// Lets this time pass, with a look whenever one is due; `true`: something has changed.
        fn look_for(&mut self, time: Duration) -> bool {
            let end = self.now + time;
            let mut changed = false;
            while self.now < end {
                changed |= self.live.refresh_at(self.now);
                self.now += Duration::from_millis(20);
            }
            changed
        }

        fn events(&self) -> String {
            let config = self.live.current();
            let events: Vec<&str> = config.events().names().collect();
            events.join(",")
        }
    }

    /// As long as an edit takes at most.
    const SOON: Duration = Duration::from_millis(2_200);

    #[test]
    fn an_edit_is_in_force_soon() {
        let mut app = App::new();
        app.edit("SSE_EVENTS=b:k\nSSE_STREAM_DURATION=300\n");
        assert!(app.look_for(SOON));
        assert_eq!(app.events(), "b");
        let config = app.live.current();
        assert_eq!(config.stream_duration(), Duration::from_secs(300));
        assert!(!app.look_for(3 * EVERY), "that was all");
        app.edit("# Only a comment.\nSSE_EVENTS=b:k\nSSE_STREAM_DURATION=300\n");
        assert!(!app.look_for(3 * EVERY));
    }

    #[test]
    fn a_file_that_takes_its_place_counts_too() {
        let mut app = App::new();
        let (env, new) = (app.dir.path().join(".env"), app.dir.path().join("new"));
        fs::write(&new, "SSE_EVENTS=renamed:k\n").unwrap();
        fs::rename(&new, &env).unwrap();
        assert!(app.look_for(SOON));
        assert_eq!(app.events(), "renamed");
    }

    #[test]
    fn a_file_behind_a_symbolic_link_counts_too() {
        let mut app = App::new();
        let (env, real) = (app.dir.path().join(".env"), app.dir.path().join("real"));
        fs::rename(&env, &real).unwrap();
        std::os::unix::fs::symlink("real", &env).unwrap();
        fs::write(&real, "SSE_EVENTS=linked:k\n").unwrap();
        assert!(app.look_for(SOON));
        assert_eq!(app.events(), "linked");
    }

    #[test]
    fn what_an_editor_does_on_its_way_is_not_believed() {
        let mut app = App::new();
        // As if the file were written in pieces, just when it is looked at.
        for piece in ["", "SSE_EVENTS=b", "SSE_EVENTS=b:k\nSSE_TTL", ""] {
            app.now += EVERY;
            app.edit(piece);
            assert!(!app.live.refresh_at(app.now), "{piece}");
            app.now += SETTLED / 2;
            assert!(!app.live.refresh_at(app.now), "{piece}");
        }
        app.edit("SSE_EVENTS=b:k,c:k\n");
        assert!(app.look_for(SOON));
        assert_eq!(app.events(), "b,c");
    }

    #[test]
    fn what_cannot_be_used_leaves_all_as_it_was() {
        let mut app = App::new();
        let env = app.dir.path().join(".env");
        app.edit("SSE_EVENTS=b:k\n");
        assert!(app.look_for(SOON));
        for broken in [
            "SSE_EVENTS=b\n",
            "SSE_EVENTS=c:k\nSSE_TTL=soon\n",
            "",
            "A='",
        ] {
            app.edit(broken);
            assert!(!app.look_for(3 * EVERY), "{broken}");
            assert_eq!(app.events(), "b", "{broken}");
        }
        fs::remove_file(&env).unwrap();
        assert!(!app.look_for(3 * EVERY));
        fs::create_dir(&env).unwrap();
        assert!(!app.look_for(3 * EVERY));
        assert_eq!(app.events(), "b");
        fs::remove_dir(&env).unwrap();
        app.edit("SSE_EVENTS=c:k\n");
        assert!(app.look_for(SOON));
        assert_eq!(app.events(), "c");
    }

    #[test]
    fn what_code_has_set_stays() {
        let app = App::new();
        let config = Config::from_dir(app.dir.path()).unwrap();
        let config = config.with_ttl(Duration::from_secs(7));
        let mut app = App {
            live: ConfigWatcher::new(config.with_heartbeat(Duration::from_secs(3))),
            ..app
        };
        app.edit("SSE_EVENTS=b:k\nSSE_TTL=100\n");
        assert!(app.look_for(2 * SOON));
        let config = app.live.current();
        assert_eq!(config.ttl(), Duration::from_secs(7));
        assert_eq!(config.heartbeat, Duration::from_secs(3));
        assert_eq!(app.events(), "b");
    }

    #[test]
    fn a_configuration_without_a_file_never_changes() {
        let app = App::new();
        let config = Config::new(app.dir.path(), "own:k").unwrap();
        let mut app = App {
            live: ConfigWatcher::new(config),
            ..app
        };
        assert!(!app.look_for(3 * EVERY));
        assert_eq!(app.events(), "own");
    }
}
