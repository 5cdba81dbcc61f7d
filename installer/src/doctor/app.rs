//! Checks of the app's folder: its configuration, pages, code and cache.

mod admin_address;
mod cache_access;
mod codeigniter;
mod config_values;
mod drop_in_folder;
mod drop_ins;
mod env_location;
mod env_mistakes;
mod file_system;
mod key_prefix;
mod listeners;
mod notifications;
mod open_files;
mod pages;
mod redis_server;
mod route_call;
mod script_requests;
mod serve_settings;
mod server_address;
mod shutdown;
mod swapped_pairs;

use std::path::Path;

use actix_web_sse::Config;
use actix_web_sse::cli_support::{EnvFile, RedisCache, config_from};

use self::drop_in_folder::DropInFolder;
pub(crate) use self::env_location::{NOT_IGNORED_HELP, NOT_IGNORED_MESSAGE, git_would_add_env};
use self::script_requests::ScriptServer;
use super::finding::Finding;
use crate::app::kind::AppKind;
use crate::app::layout::AppLayout;
use crate::http::Client;

/// The URL at which the app's server probably listens.
pub(crate) fn likely_url(app: &Path) -> Option<String> {
    server_address::likely_url(&AppLayout::of_files(app))
}

/// All findings about the app in the folder `app`. With a client, its pages' scripts are requested from the
/// server of the stream.
pub(crate) fn check_app(app: &Path, client: Option<&Client>) -> Vec<Finding> {
    // Read once: a named pipe gives its content to one reader.
    let env_file = EnvFile::read(&app.join(".env"));
    let config = env_file.as_ref().map_err(Clone::clone);
    let config = config.and_then(|file| config_from(app, file.as_ref()));
    let layout = AppLayout::of(app, env_file.as_ref().ok().and_then(Option::as_ref));
    let is_readable = env_file.is_ok();
    let env_file = env_file.ok().flatten().unwrap_or_default();

    let mut findings = config_values::check(&config);
    let environment = env_mistakes::process_variables();
    findings.extend(env_mistakes::check(
        &env_file,
        &environment,
        layout.may_be_rust,
    ));
    findings.extend(admin_address::check(&layout, &env_file, &environment));
    findings.extend(env_location::check(app, layout.may_be_rust));
    let sources = layout.sources();
    if layout.may_be_rust {
        findings.extend(route_call::check(app, &sources));
    } else if is_readable {
        findings.extend(serve_settings::check(app));
    }
    if layout.kind == AppKind::CodeIgniter {
        let config = config.as_ref().ok();
        findings.extend(codeigniter::check(&layout, &env_file, config, &sources));
    }
    let server = client.and_then(|client| ScriptServer::of_stream(client, layout.may_be_rust));
    findings.extend(pages::check(&layout, &sources, server.as_ref()));
    if let Ok(config) = &config {
        let script = layout.listeners_path();
        findings.extend(listeners::check(&sources, config.events(), &script));
        let redis = RedisCache::of(config).map(|cache| redis_server::check(config, &cache));
        let has_journal = redis.as_ref().map(|(_, has_journal)| *has_journal);
        findings.extend(swapped_pairs::check(config, has_journal, &sources));
        findings.extend(redis.into_iter().flat_map(|(findings, _)| findings));
        findings.extend(check_folder(config, &layout, &env_file));
        findings.push(open_files::check(config));
    }
    findings
}

/// The folder where other programs put drop-ins, if there is one.
fn check_folder(config: &Config, layout: &AppLayout, env_file: &EnvFile) -> Vec<Finding> {
    let Some(folder) = DropInFolder::of(config) else {
        return Vec::new();
    };
    let mut findings = cache_access::check(config, folder);
    findings.extend(drop_ins::check(config));
    findings.extend(key_prefix::check(config, layout, env_file));
    findings.extend(file_system::check(folder));
    findings.extend(notifications::check(folder));
    findings
}
