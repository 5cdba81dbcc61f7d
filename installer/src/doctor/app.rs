//! Checks of the app's folder: its configuration, pages, code and cache.

mod cache_access;
mod config_values;
mod drop_ins;
mod env_location;
mod env_mistakes;
mod file_system;
mod key_prefix;
mod listeners;
mod notifications;
mod open_files;
mod pages;
mod route_call;
mod script_requests;
mod server_address;
mod shutdown;
mod swapped_pairs;

use std::path::Path;

use actix_web_sse::cli_support::{EnvFile, config_from};

pub(crate) use self::env_location::{NOT_IGNORED_HELP, NOT_IGNORED_MESSAGE, git_would_add_env};
use self::script_requests::ScriptServer;
use super::finding::Finding;
use crate::http::Client;
use crate::sources::source_files;

/// The URL at which the app's server probably listens.
pub(crate) fn likely_url(app: &Path) -> Option<String> {
    server_address::likely_url(app, &source_files::read_all(app))
}

/// All findings about the app in the folder `app`. With a client, its pages' scripts are requested from the
/// server of the stream.
pub(crate) fn check_app(app: &Path, client: Option<&Client>) -> Vec<Finding> {
    // Read once: a named pipe gives its content to one reader.
    let env_file = EnvFile::read(&app.join(".env"));
    let config = env_file.as_ref().map_err(Clone::clone);
    let config = config.and_then(|file| config_from(app, file.as_ref()));
    let env_file = env_file.ok().flatten().unwrap_or_default();

    let mut findings = config_values::check(&config);
    let environment = env_mistakes::process_variables();
    findings.extend(env_mistakes::check(&env_file, &environment));
    findings.extend(env_location::check(app));
    let sources = source_files::read_all(app);
    findings.extend(route_call::check(app, &sources));
    let server = client.and_then(ScriptServer::of_stream);
    findings.extend(pages::check(&sources, server.as_ref()));
    if let Ok(config) = &config {
        findings.extend(listeners::check(&sources, config.events()));
        findings.extend(swapped_pairs::check(config, &sources));
        findings.extend(cache_access::check(config));
        findings.extend(drop_ins::check(config.cache_dir(), config.events()));
        findings.extend(key_prefix::check(config));
        findings.extend(file_system::check(config.cache_dir()));
        findings.extend(notifications::check(config.cache_dir()));
        findings.push(open_files::check(config));
    }
    findings
}
