//! Checks of the app's folder: its configuration, pages, code and cache.

mod cache_access;
mod config_values;
mod drop_ins;
mod env_assignments;
mod env_location;
mod env_mistakes;
mod event_listeners;
mod file_system;
mod javascript;
mod notifications;
mod open_files;
mod pages;
mod route_call;
mod shutdown;
mod source_files;
mod value_origin;

use std::env;
use std::fs;
use std::path::Path;

use self::env_assignments::EnvAssignments;
pub(crate) use self::env_location::{NOT_IGNORED_HELP, NOT_IGNORED_MESSAGE, git_would_add_env};
use self::value_origin::{ConfiguredValues, ProcessVariables};
use super::finding::Finding;

/// Whether some page of the app loads `sse-client.js`. Only pages that are files can be seen.
pub(crate) fn has_listening_page(app: &Path) -> bool {
    pages::loading_page(&source_files::read_all(app)).is_some()
}

/// All findings about the app in the folder `app`.
pub(crate) fn check_app(app: &Path) -> Vec<Finding> {
    let variables = process_variables();
    let env_file = fs::read(app.join(".env")).unwrap_or_default();
    let env_file = EnvAssignments::parse(&env_file);
    let values = ConfiguredValues::new(&env_file, &variables);

    let (config, mut findings) = config_values::check(app, &values);
    findings.extend(env_mistakes::check(&env_file, &variables));
    findings.extend(env_location::check(app));
    let sources = source_files::read_all(app);
    findings.extend(route_call::check(app, &sources));
    findings.extend(pages::check(&sources));
    if let Some(config) = &config {
        findings.extend(event_listeners::check(&sources, config.events()));
        findings.extend(cache_access::check(app, config.cache_dir()));
        findings.extend(cache_access::check_journal(config));
        findings.extend(drop_ins::check(config.cache_dir(), config.events().keys()));
        findings.extend(file_system::check(config.cache_dir()));
        findings.extend(notifications::check(config.cache_dir()));
        findings.push(open_files::check(&values.max_connections()));
    }
    findings
}

/// Variables that are not valid UTF-8 are left out: none of the library's can be.
fn process_variables() -> ProcessVariables {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}
