//! The app's folder: its configuration, its pages, its code, its cache.

mod cache_folder;
mod code;
mod config;
mod descriptors;
mod ending;
mod env_file;
mod env_lines;
mod env_place;
mod file_system;
mod javascript;
mod listeners;
mod notifications;
mod pages;
mod settings;
mod sources;

use std::collections::BTreeMap;
use std::env;
use std::fs;
use std::path::Path;

use self::env_lines::EnvLines;
pub(crate) use self::env_place::{NOT_IGNORED, is_not_ignored};
use super::finding::Finding;

/// The environment variables that are text, by name.
type Environment = BTreeMap<String, String>;

/// Whether some page of the app loads the listeners, as far as pages are files.
pub(crate) fn has_listening_page(app: &Path) -> bool {
    pages::loading(&sources::read(app)).is_some()
}

/// Every finding about the app in `app`.
pub(crate) fn examine(app: &Path) -> Vec<Finding> {
    let environment: Environment = env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect();
    let file = fs::read(app.join(".env")).unwrap_or_default();
    let lines = EnvLines::parse(&file);

    let (config, mut findings) = config::check(app, &lines, &environment);
    findings.extend(env_file::check(&lines, &environment));
    findings.extend(env_place::check(app));
    let sources = sources::read(app);
    findings.extend(code::check(app, &sources));
    findings.extend(pages::check(&sources));
    if let Some(config) = &config {
        findings.extend(listeners::check(&sources, config.events()));
        findings.extend(cache_folder::check(app, config.cache_dir()));
        findings.extend(file_system::check(config.cache_dir()));
        findings.extend(notifications::check(config.cache_dir()));
        let connections = settings::connections(&lines, &environment);
        findings.extend(descriptors::check(&connections));
    }
    findings
}
