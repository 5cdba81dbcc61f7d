//! `SSE_ALLOWED_HOSTS` for code that has no `Sse`: the middleware in front of an app's own pages.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    thread,
    time::{Duration, Instant},
};

use super::{
    Authority, Config,
    settings::Settings,
    values,
    watcher::{Content, SETTLED, read},
};

/// How long a list is used before `.env` is read again.
const MAX_AGE: Duration = Duration::from_secs(2);

/// How often a file is read that changes each time.
const MAX_READS: u32 = 5;

/// The allowed hosts; `None` if the key is not set.
pub(crate) type Hosts = Option<Arc<[Authority]>>;

/// The hosts that an app's `.env` allows. An edit takes effect within two seconds; a file that cannot
/// be used changes nothing. The stream and the cache report what is wrong with it.
pub(crate) struct AppHosts {
    app_dir: PathBuf,
    /// Locked for moments only, never while the file is read.
    current: RwLock<Option<Current>>,
    /// Held by the one thread that reads the file.
    reading: Mutex<()>,
}

struct Current {
    content: Content,
    hosts: Hosts,
    read_at: Instant,
}

impl AppHosts {
    pub(crate) fn new(app_dir: PathBuf) -> Self {
        Self {
            app_dir,
            current: RwLock::new(None),
            reading: Mutex::new(()),
        }
    }

    /// The hosts as they were read last. `None` if the file has to be read first: nobody has read it,
    /// or it is time to read it again and nobody does.
    pub(crate) fn cached(&self, now: Instant) -> Option<Hosts> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        let current = current.as_ref()?;
        let is_fresh = now.saturating_duration_since(current.read_at) < MAX_AGE;
        (is_fresh || self.reading.try_lock().is_err()).then(|| current.hosts.clone())
    }

    /// The hosts as they are in the file, which is read on this thread.
    pub(crate) fn refresh(&self, now: Instant) -> Hosts {
        let _reading = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let (before, hosts) = {
            let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
            match &*current {
                // Another thread has read it meanwhile.
                Some(current) if now.saturating_duration_since(current.read_at) < MAX_AGE => {
                    return current.hosts.clone();
                }
                Some(current) => (Some(current.content.clone()), current.hosts.clone()),
                None => (None, None),
            }
        };
        let content = self.read_settled(before.as_ref());
        let hosts = match before {
            Some(before) if before == content => hosts,
            Some(_) => Config::from_dir(&self.app_dir)
                .map_or(hosts, |config| config.allowed_hosts().map(Arc::from)),
            None => self.read_hosts_only(),
        };
        let mut current = self.current.write().unwrap_or_else(PoisonError::into_inner);
        *current = Some(Current {
            content,
            hosts: hosts.clone(),
            read_at: now,
        });
        hosts
    }

    /// Editors empty a file before they write it, so new content has to stay the same for a moment.
    fn read_settled(&self, before: Option<&Content>) -> Content {
        let path = self.app_dir.join(".env");
        let mut content = read(&path);
        for _ in 0..MAX_READS {
            if before.is_none_or(|before| *before == content) {
                break;
            }
            thread::sleep(SETTLED);
            let again = read(&path);
            if again == content {
                break;
            }
            content = again;
        }
        content
    }

    /// Another key that cannot be used does not shut out the app's visitors. If this one cannot be
    /// used, only loopback names are allowed.
    fn read_hosts_only(&self) -> Hosts {
        let settings = Settings::read(&self.app_dir);
        match settings.and_then(|settings| values::allowed_hosts(&settings)) {
            Ok(hosts) => Some(hosts.into()).filter(|hosts: &Arc<[_]>| !hosts.is_empty()),
            Err(_) => Some(Arc::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edit_counts_and_a_broken_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let env = dir.path().join(".env");
        let hosts = AppHosts::new(dir.path().to_owned());
        let begin = Instant::now();
        let names = |after: u64| {
            let now = begin + Duration::from_secs(after);
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
    fn a_list_that_cannot_be_used_allows_loopback_names_only() {
        let dir = tempfile::tempdir().unwrap();
        let env = "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=https://a.example/\n";
        std::fs::write(dir.path().join(".env"), env).unwrap();
        let hosts = AppHosts::new(dir.path().to_owned()).refresh(Instant::now());
        assert!(hosts.is_some_and(|hosts| hosts.is_empty()));
    }

    #[test]
    fn requests_do_not_wait_while_another_reads_the_file() {
        let dir = tempfile::tempdir().unwrap();
        let hosts = AppHosts::new(dir.path().to_owned());
        let begin = Instant::now();
        assert!(hosts.cached(begin).is_none());
        hosts.refresh(begin);
        let _reading = hosts.reading.lock().unwrap();
        assert!(hosts.cached(begin + 2 * MAX_AGE).is_some());
    }
}
