//! A CodeIgniter application beside the app that writes its keys with a prefix, so that they are not in
//! `SSE_EVENTS`.

use std::fs;
use std::path::{Path, PathBuf};

use actix_web_sse::Config;
use actix_web_sse::cli_support::EnvFile;

use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("drop-ins");

/// A folder with more files is one that nobody cleans up. Reading this many takes a moment.
const MAX_FILES: usize = 10_000;

/// CodeIgniter stores each value in a serialized array of three.
const RECORD_START: &[u8] = b"a:3:{s:4:\"time\";";

pub(super) fn check(config: &Config) -> Option<Finding> {
    let folder = config.cache_dir();
    let keys: Vec<&str> = config.events().keys().collect();
    match configured_prefix(folder) {
        Some((_, prefix)) if keys.iter().any(|key| key.starts_with(&prefix)) => None,
        Some((source, prefix)) => Some(of_configuration(folder, &keys, &source, &prefix)),
        None => of_file(folder, &keys),
    }
}

/// The prefix of the CodeIgniter application that the folder belongs to, and the file that sets it. `None`
/// also if it is empty.
fn configured_prefix(folder: &Path) -> Option<(PathBuf, String)> {
    // The folder is CodeIgniter's `writable/cache`.
    let root = folder.parent()?.parent()?;
    let (env, code) = (root.join(".env"), root.join("app/Config/Cache.php"));
    // CodeIgniter's own `.env` overrides its code.
    let env_file = EnvFile::read(&env).ok().flatten();
    let in_env = env_file.as_ref().and_then(|file| file.get("cache.prefix"));
    let (source, prefix) = match in_env {
        Some((_, prefix)) => (env, prefix.to_owned()),
        None => (
            code.clone(),
            prefix_in_code(&fs::read_to_string(code).ok()?)?,
        ),
    };
    (!prefix.is_empty()).then_some((source, prefix))
}

/// The string in `public string $prefix = 'myapp_';`.
fn prefix_in_code(code: &str) -> Option<String> {
    let lines = code.lines().map(str::trim_start);
    let mut assignments = lines.filter_map(|line| {
        let (declaration, value) = line.split_once('=')?;
        let is_prefix =
            declaration.starts_with("public ") && declaration.trim_end().ends_with(" $prefix");
        is_prefix.then_some(value.trim_start())
    });
    let value = assignments.next()?;
    let quote = value
        .chars()
        .next()
        .filter(|first| "'\"".contains(*first))?;
    Some(value[1..].split_once(quote)?.0.to_owned())
}

fn of_configuration(folder: &Path, keys: &[&str], source: &Path, prefix: &str) -> Finding {
    let source = source.display();
    let written = keys
        .iter()
        .find(|key| folder.join(format!("{prefix}{key}")).is_file());
    let key = written.or(keys.first()).copied().unwrap_or_default();
    let message = format!(
        "CodeIgniter's prefix for cache keys is `{prefix}` ({source}): it saves `{key}` as `{prefix}{key}`, \
         which triggers no event"
    );
    let help = format!(
        "set the prefix to an empty text, or add it to the keys in SSE_EVENTS, for example {prefix}{key}"
    );
    match written {
        Some(_) => CHECK.warning(message, help),
        None => CHECK.tip(
            message,
            format!("if CodeIgniter saves the keys in SSE_EVENTS, {help}"),
        ),
    }
}

/// A CodeIgniter record under the name of a key with a prefix, where CodeIgniter's configuration is not at
/// hand, as in a container.
fn of_file(folder: &Path, keys: &[&str]) -> Option<Finding> {
    let entries = fs::read_dir(folder).ok()?.flatten().take(MAX_FILES);
    let mut names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let (name, key) = names.find_map(|name| {
        let key = keys.iter().copied().find(|key| has_prefix(&name, key))?;
        is_record(&folder.join(&name)).then_some((name, key))
    })?;
    let prefix = name.strip_suffix(key).unwrap_or_default();
    let folder = folder.display();
    Some(CHECK.warning(
        format!(
            "{folder} contains `{name}`: if `{prefix}` is CodeIgniter's prefix for cache keys, it never saves \
             `{key}`, and triggers no event"
        ),
        format!(
            "set `public string $prefix = '';` in CodeIgniter's app/Config/Cache.php, or write {name} for {key} in \
             SSE_EVENTS"
        ),
    ))
}

/// Whether the name is the key after a prefix that ends like one.
fn has_prefix(name: &str, key: &str) -> bool {
    let prefix = name.strip_suffix(key).unwrap_or_default();
    prefix.ends_with(['_', '-', '.']) && !prefix.starts_with('.')
}

fn is_record(file: &Path) -> bool {
    let is_file = fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file());
    is_file && fs::read(file).is_ok_and(|content| content.starts_with(RECORD_START))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_prefix_is_read_from_codeigniters_code() {
        let code = |prefix: &str| format!("<?php\n    // public $prefix = 'no';\n    {prefix}\n");
        for (line, prefix) in [
            ("public string $prefix = 'myapp_';", Some("myapp_")),
            ("public $prefix=\"a-\";", Some("a-")),
            ("public string $prefix = '';", Some("")),
            ("public string $keyPrefix = 'a';", None),
            ("$prefix = 'a';", None),
            ("public string $prefix = self::A;", None),
        ] {
            assert_eq!(prefix_in_code(&code(line)).as_deref(), prefix, "{line}");
        }
    }

    #[test]
    fn a_prefix_ends_with_a_separator() {
        assert!(has_prefix("myapp_orders", "orders"));
        for name in ["orders", "reorders", ".a_orders", "_x", "orders_"] {
            assert!(!has_prefix(name, "orders"), "{name}");
        }
    }
}
