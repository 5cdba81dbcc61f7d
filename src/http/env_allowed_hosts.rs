//! `SSE_ALLOWED_HOSTS` for the middleware, which has no `Sse`.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread,
    time::{Duration, Instant},
};

use crate::{
    config::{Authority, Config, EDIT_DEBOUNCE, EnvSnapshot, allowed_hosts_in_env},
    runtime::try_lock,
};

/// How long a list is used before `.env` is read again. The documentation promises that an edit
/// takes effect within about two seconds.
const MAX_CACHED_HOSTS_AGE: Duration = Duration::from_secs(2);

/// How often a changed file is read to wait until it stays the same. Five reads take half a second: an
/// editor has written the file by then, and a file that never settles holds up no request for longer.
const MAX_READS_UNTIL_SETTLED: u32 = 5;

/// The allowed hosts; `None` if the setting is not set.
pub(super) type AllowedHosts = Option<Arc<[Authority]>>;

/// The hosts that an app's `.env` allows. An edit takes effect within about two seconds; a file that cannot
/// be used changes nothing. Errors are not logged here, because the stream and the cache log them.
pub(super) struct EnvAllowedHosts {
    app_dir: PathBuf,
    /// Never locked while the file is read, so that no request waits for a file.
    current: RwLock<Option<CachedHosts>>,
    /// Held by the thread that reads the file.
    read_lock: Mutex<()>,
}

#[derive(Clone)]
struct CachedHosts {
    /// `None` if the process had no descriptor left to read the file.
    snapshot: Option<EnvSnapshot>,
    hosts: AllowedHosts,
    read_at: Instant,
}

impl EnvAllowedHosts {
    pub(super) fn new(app_dir: PathBuf) -> Self {
        Self {
            app_dir,
            current: RwLock::new(None),
            read_lock: Mutex::new(()),
        }
    }

    /// Returns the hosts as they were read last. `None` if the caller has to read the file, because it was
    /// never read, or because it is due to be read and no other thread does so.
    pub(super) fn cached(&self, now: Instant) -> Option<AllowedHosts> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_ref()?;
        (current.is_fresh(now) || try_lock(&self.read_lock).is_none())
            .then(|| current.hosts.clone())
    }

    /// Reads the file on this thread, unless another has done so meanwhile.
    pub(super) fn refresh(&self, now: Instant) -> AllowedHosts {
        let _reading = self
            .read_lock
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let previous = self.current();
        if let Some(current) = &previous
            && current.is_fresh(now)
        {
            return current.hosts.clone();
        }
        let snapshot = self.settled_snapshot(previous.as_ref().map(|current| &current.snapshot));
        let hosts = match previous {
            Some(previous) if previous.snapshot == snapshot => previous.hosts,
            Some(previous) => Config::from_dir(&self.app_dir).map_or(previous.hosts, |config| {
                config.allowed_authorities().map(Arc::from)
            }),
            None => self.read_hosts_only(),
        };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(CachedHosts {
            snapshot,
            hosts: hosts.clone(),
            read_at: now,
        });
        hosts
    }

    fn current(&self) -> Option<CachedHosts> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        current.clone()
    }

    /// Reads new content until it stays the same, because editors empty a file before they write it.
    fn settled_snapshot(&self, previous: Option<&Option<EnvSnapshot>>) -> Option<EnvSnapshot> {
        let mut snapshot = EnvSnapshot::take(&self.app_dir);
        for _ in 0..MAX_READS_UNTIL_SETTLED {
            if previous.is_none_or(|previous| *previous == snapshot) {
                break;
            }
            thread::sleep(EDIT_DEBOUNCE);
            let next = EnvSnapshot::take(&self.app_dir);
            if next == snapshot {
                break;
            }
            snapshot = next;
        }
        snapshot
    }

    /// Reads this setting alone, so that an error in another does not lock out the app's visitors. If
    /// this setting cannot be used, only loopback names are allowed.
    fn read_hosts_only(&self) -> AllowedHosts {
        match allowed_hosts_in_env(&self.app_dir) {
            Ok(hosts) => Some(hosts.into()).filter(|hosts: &Arc<[_]>| !hosts.is_empty()),
            Err(_) => Some(Arc::default()),
        }
    }
}

impl CachedHosts {
    fn is_fresh(&self, now: Instant) -> bool {
        now.saturating_duration_since(self.read_at) < MAX_CACHED_HOSTS_AGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_takes_effect_and_an_invalid_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let env = dir.path().join(".env");
        let hosts = EnvAllowedHosts::new(dir.path().to_owned());
        let start = Instant::now();
        let names = |after: u64| {
            let now = start + Duration::from_secs(after);
            let hosts = hosts.cached(now).unwrap_or_else(|| hosts.refresh(now));
            hosts.map(|hosts| hosts.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        let list = |name: &str| Some(vec![name.to_owned()]);
        std::fs::write(&env, "SSE_EVENTS=a\nSSE_ALLOWED_HOSTS=a.example\n").unwrap();
        assert_eq!(names(0), list("a.example"), "although SSE_EVENTS is broken");
        std::fs::write(&env, "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=b.example\n").unwrap();
        assert_eq!(names(1), list("a.example"), "not at every request");
        assert_eq!(names(2), list("b.example"));
        std::fs::write(&env, "").unwrap();
        assert_eq!(
            names(4),
            list("b.example"),
            "an editor empties a file first"
        );
        std::fs::write(&env, "SSE_EVENTS=a:k\n").unwrap();
        assert_eq!(names(6), None);
    }

    #[test]
    fn an_invalid_list_allows_only_loopback_names() {
        let dir = tempfile::tempdir().unwrap();
        let env = "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=https://a.example/\n";
        std::fs::write(dir.path().join(".env"), env).unwrap();
        let hosts = EnvAllowedHosts::new(dir.path().to_owned()).refresh(Instant::now());
        assert!(hosts.is_some_and(|hosts| hosts.is_empty()));
    }

    #[test]
    fn requests_do_not_wait_while_another_thread_reads_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = EnvAllowedHosts::new(dir.path().to_owned());
        let start = Instant::now();
        assert!(hosts.cached(start).is_none());
        hosts.refresh(start);
        let _reading = hosts.read_lock.lock().unwrap();
        assert!(hosts.cached(start + 2 * MAX_CACHED_HOSTS_AGE).is_some());
    }

    #[test]
    fn a_panic_while_the_file_is_read_does_not_end_live_edits() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = EnvAllowedHosts::new(dir.path().to_owned());
        let start = Instant::now();
        hosts.refresh(start);
        let panicked = std::panic::catch_unwind(|| {
            let _reading = hosts.read_lock.lock().unwrap();
            panic!("a thread panics");
        });
        assert!(panicked.is_err());
        assert!(hosts.cached(start + 2 * MAX_CACHED_HOSTS_AGE).is_none());
    }
}
