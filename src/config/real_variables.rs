//! The real environment variables, as opposed to copies of `.env`.
//!
//! Most actix apps call `dotenvy::dotenv().ok()` first, which copies the file into the environment.
//! Such a copy must not hide the line in `.env` from error messages, and must not override a later
//! edit of that line. So a variable that equals the file's value when the file is first read is taken
//! for a copy and ignored.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::table::SETTINGS;

/// The settings that the environment overrides, with their values.
#[derive(Debug)]
pub(super) struct RealVariables(BTreeMap<&'static str, String>);

impl RealVariables {
    /// The environment of this process, without copies of the `.env` in `app_dir`, whose values
    /// `in_file` returns. The result of the first call for an app is kept, because a later edit would
    /// make a copy look like a real variable.
    pub(super) fn of_app<'a>(
        app_dir: &Path,
        in_file: impl Fn(&str) -> Option<&'a str>,
    ) -> Arc<Self> {
        static VARIABLES_OF_APPS: Mutex<BTreeMap<PathBuf, Arc<RealVariables>>> =
            Mutex::new(BTreeMap::new());
        let mut variables_of_apps = VARIABLES_OF_APPS
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let variables = variables_of_apps.entry(app_dir.to_owned());
        Arc::clone(variables.or_insert_with(|| {
            let variable = |key: &str| env::var(key).ok();
            Arc::new(Self::new(variable, in_file))
        }))
    }

    pub(super) fn new<'a>(
        variable: impl Fn(&str) -> Option<String>,
        in_file: impl Fn(&str) -> Option<&'a str>,
    ) -> Self {
        let set = SETTINGS.iter().filter_map(|info| {
            let value = variable(info.name)?;
            (in_file(info.name) != Some(&value)).then_some((info.name, value))
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
    fn a_copy_of_the_files_value_is_ignored() {
        let in_file = "from the file";
        let variable = |key: &str| match key {
            "SSE_CACHE" => Some("from the file".to_owned()),
            "SSE_TTL" => Some("another value".to_owned()),
            "SSE_EVENTS" => Some("not in the file".to_owned()),
            _ => None,
        };
        let variables =
            RealVariables::new(variable, |key| (key != "SSE_EVENTS").then_some(in_file));
        assert_eq!(variables.get("SSE_CACHE"), None);
        assert_eq!(variables.get("SSE_TTL").unwrap(), "another value");
        assert_eq!(variables.get("SSE_EVENTS").unwrap(), "not in the file");
        assert_eq!(variables.get("SSE_POLL_INTERVAL"), None);
    }
}
