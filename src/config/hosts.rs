//! `SSE_ALLOWED_HOSTS` for code that has no `Sse`: the middleware in front of an app's own pages.

use std::{
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use super::{
    Authority, Config,
    live::{Content, read},
    settings::Settings,
    values,
};

/// How long a list is used before `.env` is read again.
const MAX_AGE: Duration = Duration::from_secs(2);

/// The hosts that an app's `.env` allows. An edit counts after two seconds; a file that cannot be used
/// changes nothing. What is wrong with it is said by whoever opens the stream or the cache.
pub(crate) struct AppHosts {
    app_dir: PathBuf,
    state: Mutex<Option<State>>,
}

struct State {
    /// What was in the file.
    content: Content,
    hosts: Arc<[Authority]>,
    read_at: Instant,
}

impl AppHosts {
    pub(crate) fn new(app_dir: PathBuf) -> Self {
        Self {
            app_dir,
            state: Mutex::new(None),
        }
    }

    /// The hosts, unless the file has to be read first.
    pub(crate) fn known(&self, now: Instant) -> Option<Arc<[Authority]>> {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let state = state.as_ref()?;
        let is_fresh = now.saturating_duration_since(state.read_at) < MAX_AGE;
        is_fresh.then(|| Arc::clone(&state.hosts))
    }

    /// The hosts, for which the file may be read on this thread.
    pub(crate) fn read(&self, now: Instant) -> Arc<[Authority]> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let content = read(&self.app_dir.join(".env"));
        let hosts = match &*state {
            Some(state) if state.content == content => Arc::clone(&state.hosts),
            Some(state) => Config::from_dir(&self.app_dir)
                .map_or_else(|_| Arc::clone(&state.hosts), |it| it.allowed_hosts().into()),
            None => self.first().into(),
        };
        *state = Some(State {
            content,
            hosts: Arc::clone(&hosts),
            read_at: now,
        });
        hosts
    }

    /// Another key that cannot be used does not shut out the app's visitors.
    fn first(&self) -> Vec<Authority> {
        let settings = Settings::read(&self.app_dir);
        settings
            .and_then(|settings| values::allowed_hosts(&settings))
            .unwrap_or_default()
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
            let hosts = hosts.known(now).unwrap_or_else(|| hosts.read(now));
            hosts.iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        std::fs::write(&env, "SSE_EVENTS=a\nSSE_ALLOWED_HOSTS=a.example\n").unwrap();
        assert_eq!(names(0), ["a.example"], "although SSE_EVENTS is broken");
        std::fs::write(&env, "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=b.example\n").unwrap();
        assert_eq!(names(1), ["a.example"], "not at every request");
        assert_eq!(names(2), ["b.example"]);
        std::fs::write(&env, "").unwrap();
        assert_eq!(names(4), ["b.example"], "an editor empties a file first");
        std::fs::write(&env, "SSE_EVENTS=a:k\n").unwrap();
        assert!(names(6).is_empty());
    }
}
