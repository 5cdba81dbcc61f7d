//! A CodeIgniter application beside the app that writes its keys with another prefix than `SSE_DROP_IN_PREFIX`.

use std::fs;
use std::path::{Path, PathBuf};

use actix_web_sse::Config;
use actix_web_sse::cli_support::{EnvFile, settings};

use crate::app::codeigniter::cache_config::{CACHE_FILE, CacheConfig, Found};
use crate::app::kind::AppKind;
use crate::app::layout::AppLayout;
use crate::doctor::finding::{Check, Finding};

const CHECK: Check = Check("drop-ins");

/// A folder with more files is one that nobody cleans up. Reading this many takes a moment.
const MAX_FILES: usize = 10_000;

/// CodeIgniter stores each value in a serialized array of three.
const RECORD_START: &[u8] = b"a:3:{s:4:\"time\";";

pub(super) fn check(config: &Config, layout: &AppLayout, env: &EnvFile) -> Option<Finding> {
    let prefix = config.drop_in_prefix();
    let keys: Vec<&str> = config.events().keys().collect();
    let Some(Found { value, source }) = configured_prefix(config, layout, env) else {
        return of_file(config, &keys).or_else(|| repeated_in_keys(prefix, &keys));
    };
    match value {
        None => of_file(config, &keys),
        Some(found) if found == prefix => repeated_in_keys(prefix, &keys),
        // The whole name is the key.
        Some(found) if prefix.is_empty() && keys.iter().any(|key| key.starts_with(&found)) => None,
        Some(found) => Some(of_configuration(config, layout, &keys, &source, &found)),
    }
}

/// The prefix of this CodeIgniter app, or of that which the folder belongs to, and the file that sets it.
fn configured_prefix(config: &Config, layout: &AppLayout, env: &EnvFile) -> Option<Found<String>> {
    if layout.kind == AppKind::CodeIgniter {
        let cache = CacheConfig::read(&layout.app, env);
        return cache.writes_files().then_some(cache.prefix);
    }
    // The folder is CodeIgniter's `writable/cache`.
    let root = config.cache_dir().parent()?.parent()?;
    let env = EnvFile::read(&root.join(".env")).ok().flatten();
    let env = env.unwrap_or_default();
    let is_known = root.join(CACHE_FILE).is_file() || env.get("cache.prefix").is_some();
    let found = is_known.then(|| CacheConfig::read(root, &env).prefix)?;
    let source = root.join(&found.source).display().to_string();
    Some(Found { source, ..found })
}

/// The application and `SSE_DROP_IN_PREFIX` differ.
fn of_configuration(
    config: &Config,
    layout: &AppLayout,
    keys: &[&str],
    source: &str,
    found: &str,
) -> Finding {
    let prefix = config.drop_in_prefix();
    let is_written = |key: &&&str| config.cache_dir().join(format!("{found}{key}")).is_file();
    let written = keys.iter().find(is_written);
    let key = written.or(keys.first()).copied().unwrap_or_default();
    let what = match found {
        "" => "CodeIgniter has no prefix for cache keys".to_owned(),
        _ => format!("CodeIgniter's prefix for cache keys is `{found}`"),
    };
    let reason = match prefix {
        "" => String::new(),
        _ => format!(", because SSE_DROP_IN_PREFIX is `{prefix}`"),
    };
    let message = format!(
        "{what} ({source}): it saves `{key}` as `{found}{key}`, which triggers no event{reason}"
    );
    let help = how_to_set(found);
    // An app beside CodeIgniter may save its keys itself.
    if layout.kind == AppKind::CodeIgniter || written.is_some() {
        return CHECK.warning(message, help);
    }
    CHECK.tip(
        message,
        format!("if CodeIgniter saves the keys in SSE_EVENTS, {help}"),
    )
}

/// How to make the server use the application's prefix.
fn how_to_set(prefix: &str) -> String {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.-".contains(c);
    match settings::drop_in_prefix.check(prefix) {
        Ok(()) if prefix.is_empty() => "remove SSE_DROP_IN_PREFIX from the app's .env".to_owned(),
        Ok(()) if prefix.chars().all(is_plain) => {
            format!("write SSE_DROP_IN_PREFIX={prefix} into the app's .env")
        }
        Ok(()) => format!("write SSE_DROP_IN_PREFIX='{prefix}' into the app's .env"),
        Err(_) => "set CodeIgniter's prefix to letters, digits and `_`, and SSE_DROP_IN_PREFIX in the app's .env to \
                   the same text"
            .to_owned(),
    }
}

/// The prefix counts twice if the keys in `SSE_EVENTS` have it, too.
fn repeated_in_keys(prefix: &str, keys: &[&str]) -> Option<Finding> {
    let key = (keys.iter()).find(|key| !prefix.is_empty() && key.starts_with(prefix))?;
    let rest = &key[prefix.len()..];
    Some(CHECK.tip(
        format!("SSE_DROP_IN_PREFIX is `{prefix}`, so the drop-in of the key `{key}` is the file `{prefix}{key}`"),
        format!("if the other program saves `{rest}`, write {rest} for {key} in SSE_EVENTS"),
    ))
}

/// A CodeIgniter record under the name of a key with another prefix, where CodeIgniter's configuration is not at
/// hand, as in a container.
fn of_file(config: &Config, keys: &[&str]) -> Option<Finding> {
    let folder = config.cache_dir();
    let drop_ins: Vec<PathBuf> = keys
        .iter()
        .filter_map(|key| config.drop_in_path(key))
        .collect();
    let entries = fs::read_dir(folder).ok()?.flatten().take(MAX_FILES);
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    let mut others = names.filter(|name| !drop_ins.contains(&folder.join(name)));
    let (name, key) = others.find_map(|name| {
        let key = keys.iter().copied().find(|key| has_prefix(&name, key))?;
        is_record(&folder.join(&name)).then_some((name, key))
    })?;
    let found = name.strip_suffix(key).unwrap_or_default();
    let (folder, prefix) = (folder.display(), config.drop_in_prefix());
    let help = how_to_set(found);
    Some(match found {
        "" => CHECK.warning(
            format!(
                "{folder} contains `{name}`, which triggers no event: SSE_DROP_IN_PREFIX is `{prefix}`, so the \
                 drop-in of this key is the file `{prefix}{key}`"
            ),
            format!("if CodeIgniter has no prefix for cache keys, {help}; else delete the file"),
        ),
        _ => CHECK.warning(
            format!(
                "{folder} contains `{name}`: if `{found}` is CodeIgniter's prefix for cache keys, it never saves \
                 `{prefix}{key}`, and triggers no event"
            ),
            format!("{help}, or set `public string $prefix = '{prefix}';` in CodeIgniter's app/Config/Cache.php"),
        ),
    })
}

/// Whether the name is the key, alone or after a prefix that ends like one.
fn has_prefix(name: &str, key: &str) -> bool {
    let Some(prefix) = name.strip_suffix(key) else {
        return false;
    };
    prefix.is_empty() || prefix.ends_with(['_', '-', '.']) && !prefix.starts_with('.')
}

fn is_record(file: &Path) -> bool {
    let is_file = fs::symlink_metadata(file).is_ok_and(|metadata| metadata.is_file());
    is_file && fs::read(file).is_ok_and(|content| content.starts_with(RECORD_START))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_ends_with_a_separator() {
        for name in ["orders", "myapp_orders", "a.b-orders"] {
            assert!(has_prefix(name, "orders"), "{name}");
        }
        for name in ["reorders", ".a_orders", "_x", "orders_"] {
            assert!(!has_prefix(name, "orders"), "{name}");
        }
    }
}
