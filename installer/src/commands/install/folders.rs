//! The folders that `install` creates or names in `.env`.

use std::fs;
use std::path::Path;

use actix_web_sse::cli_support::{SettingInfo, one_line, settings};

use crate::app::app_files::AppFiles;
use crate::app::kind::AppKind;
use crate::cli::InstallArgs;
use crate::editing::env::values;
use crate::editing::plan;
use crate::exit::Failure;

/// Fails if `--cache` has a URL. The error does not repeat it, because it may contain a password.
pub(super) fn refuse_url(args: &InstallArgs) -> Result<(), Failure> {
    match &args.cache {
        Some(cache) if values::is_url(cache) => Err(Failure::usage(
            "--cache is a URL instead of a folder",
        )
        .with_help(format!(
            "write the URL of a Redis server into .env: {}=redis://…",
            settings::cache.name
        ))),
        _ => Ok(()),
    }
}

/// Fails if a folder that an argument names, or the folder of a CodeIgniter app's public files, cannot be used.
pub(super) fn check(app_files: &AppFiles, args: &InstallArgs) -> Result<(), Failure> {
    let chosen = |setting: &SettingInfo| app_files.values.chosen(setting.name);
    let cache_source = match args.cache {
        Some(_) => "--cache",
        None => {
            let cache = app_files.codeigniter_cache.as_ref();
            cache.map_or("--cache", |cache| &cache.folder.source)
        }
    };
    for (setting, source) in [
        (&settings::public, "--public"),
        (&settings::cache, cache_source),
    ] {
        if let Some(path) = chosen(setting) {
            check_folder(app_files.app(), path, source)?;
        }
    }
    check_public_folder(app_files)?;
    if chosen(&settings::public).is_some() || chosen(&settings::cache).is_some() {
        check_cache_is_not_public(app_files)?;
    }
    Ok(())
}

/// A folder below the app's is created with its parents, one elsewhere must exist: a mistake in an absolute path
/// must not leave folders all over the machine.
fn check_folder(app: &Path, path: &str, source: &str) -> Result<(), Failure> {
    let folder = app.join(path);
    let shown = one_line(path);
    if folder.is_dir() {
        return Ok(());
    }
    if let Some(file) = folder.ancestors().find(|part| is_no_folder(part)) {
        return Err(Failure::conflict(format!(
            "{source} {shown}: {} is not a folder",
            file.display()
        ))
        .with_help("name another folder, or move it elsewhere"));
    }
    if Path::new(path).is_absolute() {
        return Err(
            Failure::error(format!("{source} {shown}: the folder does not exist"))
                .with_help(format!("create it, or correct {source}")),
        );
    }
    Ok(())
}

/// Also a link to nowhere, which no folder can replace.
fn is_no_folder(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok() && !path.is_dir()
}

/// CodeIgniter apps have the folder, possibly under another name, and a new one would not be served.
fn check_public_folder(app_files: &AppFiles) -> Result<(), Failure> {
    let layout = &app_files.layout;
    let name = layout.public.name();
    let is_chosen = app_files.values.chosen(settings::public.name).is_some();
    if layout.kind != AppKind::CodeIgniter || is_chosen || layout.app.join(name).is_dir() {
        return Ok(());
    }
    Err(
        Failure::error(format!("this CodeIgniter app has no folder {name}"))
            .with_help("name the folder of its public files: sse install --public DIR"),
    )
}

/// Every visitor could download the values of a cache inside the public folder.
fn check_cache_is_not_public(app_files: &AppFiles) -> Result<(), Failure> {
    let public = app_files.app().join(app_files.layout.public.name());
    let Some(cache) = app_files.cache.folder() else {
        return Ok(());
    };
    let resolve = |path: &Path| fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    if !cache.starts_with(&public) && !resolve(cache).starts_with(resolve(&public)) {
        return Ok(());
    }
    Err(Failure::conflict(format!(
        "the cache folder {} is inside {}, whose files every visitor can download",
        cache.display(),
        public.display()
    ))
    .with_help("name a cache folder outside of it: sse install --cache DIR"))
}

/// The folders to create, if scripts will be written.
pub(super) fn missing(app_files: &AppFiles, writes_scripts: bool) -> Result<Vec<String>, Failure> {
    let mut missing = Vec::new();
    let folders = app_files.layout.public.folders();
    for folder in folders.into_iter().filter(|_| writes_scripts) {
        if !plan::exists(&app_files.app().join(&folder))? {
            missing.push(folder);
        }
    }
    Ok(missing)
}
