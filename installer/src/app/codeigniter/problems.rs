//! Why values that CodeIgniter saves may trigger no event.

use std::fs;
use std::path::Path;

use actix_web_sse::Events;
use actix_web_sse::cli_support::settings;

use super::cache_config::{CacheConfig, FILE_HANDLER};

/// What is wrong, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) message: String,
    pub(crate) help: String,
}

impl CacheConfig {
    pub(crate) fn writes_files(&self) -> bool {
        self.handler.value.as_deref() == Some(FILE_HANDLER)
    }

    /// Another handler writes no files.
    pub(crate) fn handler_problem(&self) -> Option<Problem> {
        if self.writes_files() {
            return None;
        }
        let source = &self.handler.source;
        let message = match &self.handler.value {
            Some(handler) => format!(
                "CodeIgniter's cache handler is `{handler}` ({source}): cache()->save() writes no file, and triggers no event"
            ),
            None => format!(
                "PHP computes CodeIgniter's cache handler ({source}): unless it is `{FILE_HANDLER}`, cache()->save() writes no file, and triggers no event"
            ),
        };
        let help = format!(
            "set it to `{FILE_HANDLER}`, or save the values with `sse save KEY VALUE`, or over HTTP with `sse serve --save-token-file FILE`"
        );
        Some(Problem { message, help })
    }

    /// CodeIgniter writes its files into another folder than `folder`, where the server looks because of `setting`.
    pub(crate) fn folder_problem(
        &self,
        app: &Path,
        folder: Option<&Path>,
        setting: &str,
    ) -> Option<Problem> {
        if !self.writes_files() {
            return None;
        }
        let source = &self.folder.source;
        let Some(found) = &self.folder.value else {
            return Some(Problem {
                message: format!("PHP computes the folder of CodeIgniter's cache ({source})"),
                help: format!(
                    "unless it is the folder of {setting}, set {setting} in .env to its path"
                ),
            });
        };
        let is_same = folder.is_some_and(|folder| resolve(&app.join(found)) == resolve(folder));
        let found = found.display();
        let seen = folder.map_or_else(
            || "nowhere".to_owned(),
            |folder| folder.display().to_string(),
        );
        (!is_same).then(|| Problem {
            message: format!(
                "CodeIgniter saves in {found} ({source}), but the server looks for its values in {seen}"
            ),
            help: format!("write {setting}={found} into .env, or change CodeIgniter's folder"),
        })
    }

    /// CodeIgniter puts something else than `prefix` in front of the keys.
    pub(crate) fn prefix_problem(&self, prefix: &str, events: Option<&Events>) -> Option<Problem> {
        let setting = settings::drop_in_prefix.name;
        let source = &self.prefix.source;
        match &self.prefix.value {
            _ if !self.writes_files() => None,
            None => Some(Problem {
                message: format!("PHP computes CodeIgniter's prefix for cache keys ({source})"),
                help: format!("unless it is empty, set {setting} in .env to its value"),
            }),
            Some(found) if found == prefix || (prefix.is_empty() && has_in_keys(events, found)) => {
                None
            }
            Some(found) if settings::drop_in_prefix.check(found).is_err() => Some(Problem {
                message: format!(
                    "CodeIgniter's prefix for cache keys is `{found}` ({source}), which {setting} cannot be"
                ),
                help: "set the prefix to letters, digits and `_`".to_owned(),
            }),
            Some(found) => Some(Problem {
                message: format!(
                    "CodeIgniter's prefix for cache keys is `{found}` ({source}), but {setting} is `{prefix}`"
                ),
                help: format!("write {setting}={found} into .env"),
            }),
        }
    }
}

/// Whether the keys in `SSE_EVENTS` already begin with the prefix.
pub(super) fn has_in_keys(events: Option<&Events>, prefix: &str) -> bool {
    !prefix.is_empty()
        && events.is_some_and(|events| events.keys().any(|key| key.starts_with(prefix)))
}

/// The path without links, as far as it exists.
fn resolve(path: &Path) -> std::path::PathBuf {
    let existing = path.ancestors().find(|path| path.exists()).unwrap_or(path);
    match (fs::canonicalize(existing), path.strip_prefix(existing)) {
        // A path without a rest would get a slash at its end.
        (Ok(existing), Ok(rest)) if rest.as_os_str().is_empty() => existing,
        (Ok(existing), Ok(rest)) => existing.join(rest),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::super::cache_config::Found;
    use super::*;

    fn found<T>(value: Option<T>) -> Found<T> {
        let source = "Cache.php".to_owned();
        Found { value, source }
    }

    fn config(handler: Option<&str>, prefix: Option<&str>, folder: Option<&str>) -> CacheConfig {
        CacheConfig {
            handler: found(handler.map(str::to_owned)),
            prefix: found(prefix.map(str::to_owned)),
            folder: found(folder.map(PathBuf::from)),
        }
    }

    #[test]
    fn a_handler_without_files_is_a_problem_and_hides_the_others() {
        for handler in [Some("redis"), None] {
            let config = config(handler, Some("shop_"), Some("elsewhere"));
            let problem = config.handler_problem().expect("it writes no file");
            assert!(problem.help.contains("sse save"), "{problem:?}");
            assert_eq!(config.prefix_problem("", None), None);
            assert_eq!(
                config.folder_problem(Path::new("/app"), None, "SSE_CACHE"),
                None
            );
        }
        assert_eq!(config(Some("file"), None, None).handler_problem(), None);
    }

    #[test]
    fn a_prefix_must_be_that_of_the_setting_or_in_the_keys() {
        let events: Events = "order:shop_orders".parse().expect("it is valid");
        for (prefix, setting, is_problem) in [
            (Some(""), "", false),
            (Some("shop_"), "shop_", false),
            (Some("shop_"), "", false),
            (Some("web_"), "", true),
            (Some(""), "shop_", true),
            (Some("a:b"), "", true),
            (None, "", true),
        ] {
            let config = config(Some("file"), prefix, None);
            let problem = config.prefix_problem(setting, Some(&events));
            assert_eq!(
                problem.is_some(),
                is_problem,
                "{prefix:?} {setting}: {problem:?}"
            );
        }
    }

    #[test]
    fn a_folder_is_compared_without_links() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let app = app.path();
        fs::create_dir(app.join("real")).expect("can create the folder");
        std::os::unix::fs::symlink("real", app.join("writable")).expect("can create the link");
        let problem = |folder: Option<&str>, seen: &str| {
            let config = config(Some("file"), None, folder);
            config.folder_problem(app, Some(&app.join(seen)), "SSE_CACHE")
        };
        assert_eq!(problem(Some("writable/cache"), "real/cache"), None);
        assert_eq!(problem(Some("writable"), "real"), None);
        let other = problem(Some("/srv/cache"), "writable/cache").expect("it is another folder");
        assert_eq!(
            other.help,
            "write SSE_CACHE=/srv/cache into .env, or change CodeIgniter's folder"
        );
        assert!(problem(None, "writable/cache").is_some());
    }
}
