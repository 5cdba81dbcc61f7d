//! The app's folder: its configuration, its pages, its code, its cache.

mod app_wiring;
mod cache_access;
mod config_values;
mod env_assignments;
mod env_location;
mod env_mistakes;
mod event_listeners;
mod file_system;
mod javascript;
mod notifications;
mod open_files;
mod pages;
mod shutdown;
mod source_files;
mod value_origin;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use self::env_assignments::EnvLines;
pub(crate) use self::env_location::{NOT_IGNORED, is_not_ignored};
use super::finding::Finding;

/// The environment variables that are text, by name.
type Environment = BTreeMap<String, String>;

/// Whether some page of the app loads the listeners, as far as pages are files.
pub(crate) fn has_listening_page(app: &Path) -> bool {
    pages::loading(&source_files::read(app)).is_some()
}

/// Every finding about the app in `app`.
pub(crate) fn examine(app: &Path) -> Vec<Finding> {
    let environment: Environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let file = fs::read(app.join(".env")).unwrap_or_default();
    let lines = EnvLines::parse(&file);

    let (config, mut findings) = config_values::check(app, &lines, &environment);
    findings.extend(env_mistakes::check(&lines, &environment));
    findings.extend(env_location::check(app));
    let sources = source_files::read(app);
    findings.extend(app_wiring::check(app, &sources));
    findings.extend(pages::check(&sources));
    if let Some(config) = &config {
        findings.extend(event_listeners::check(&sources, config.events()));
        findings.extend(cache_access::check(app, config.cache_dir()));
        findings.extend(file_system::check(config.cache_dir()));
        findings.extend(notifications::check(config.cache_dir()));
        let connections = value_origin::connections(&lines, &environment);
        findings.extend(open_files::check(&connections));
    }
    findings
}
