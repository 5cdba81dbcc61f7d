//! The real environment variables, as opposed to those that were read from `.env`.
//!
//! Most actix apps call `dotenvy::dotenv().ok()` first, which copies the file into the environment.
//! Such a copy must neither hide the line in `.env`, which is what the owner will look for, nor a
//! later edit of it. So a variable whose value equals the file's when the file is first read counts
//! as the file's from then on.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

/// The keys that are read.
const KEYS: [&str; 8] = [
    "SSE_EVENTS",
    "SSE_STREAM_DURATION",
    "SSE_POLL_INTERVAL",
    "SSE_CACHE",
    "SSE_TTL",
    "SSE_ALLOWED_ORIGINS",
    "SSE_ALLOWED_HOSTS",
    "SSE_MAX_CONNECTIONS",
];

/// The keys that the environment sets, and to what.
#[derive(Debug)]
pub(super) struct Environment(BTreeMap<&'static str, String>);

impl Environment {
    /// The environment of this process, for the app in `app_dir`, whose `.env` sets a key to what
    /// `in_file` gives. The first call for an app decides.
    pub(super) fn of_app<'a>(
        app_dir: &Path,
        in_file: impl Fn(&str) -> Option<&'a String>,
    ) -> Arc<Self> {
        static FOUND: Mutex<BTreeMap<PathBuf, Arc<Environment>>> = Mutex::new(BTreeMap::new());
        let mut found = FOUND.lock().unwrap_or_else(PoisonError::into_inner);
        let environment = found.entry(app_dir.to_owned());
        Arc::clone(environment.or_insert_with(|| {
            let variable = |key: &str| env::var(key).ok();
            Arc::new(Self::new(variable, in_file))
        }))
    }

    pub(super) fn new<'a>(
        variable: impl Fn(&str) -> Option<String>,
        in_file: impl Fn(&str) -> Option<&'a String>,
    ) -> Self {
        let set = KEYS.into_iter().filter_map(|key| {
            let value = variable(key)?;
            (in_file(key) != Some(&value)).then_some((key, value))
        });
        Self(set.collect())
    }

    pub(super) fn get(&self, key: &str) -> Option<&String> {
        self.0.get(key)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_of_the_file_is_no_variable_of_its_own() {
        let in_file = "from the file".to_owned();
        let variable = |key: &str| match key {
            "SSE_CACHE" => Some("from the file".to_owned()),
            "SSE_TTL" => Some("of its own".to_owned()),
            "SSE_EVENTS" => Some("nowhere else".to_owned()),
            _ => None,
        };
        let environment =
            Environment::new(variable, |key| (key != "SSE_EVENTS").then_some(&in_file));
        assert_eq!(environment.get("SSE_CACHE"), None);
        assert_eq!(environment.get("SSE_TTL").unwrap(), "of its own");
        assert_eq!(environment.get("SSE_EVENTS").unwrap(), "nowhere else");
        assert_eq!(environment.get("SSE_POLL_INTERVAL"), None);
    }
}
