//! A CodeIgniter 4 app: the configuration of its cache, and the original module if that is installed.

pub(crate) mod cache_config;
pub(crate) mod module;
mod php;
pub(crate) mod problems;

use std::path::Path;

use actix_web_sse::cli_support::{SettingInfo, settings};

use self::cache_config::CacheConfig;
use crate::editing::env::block::EnvState;
use crate::editing::env::values::{self, InstallValues};

/// Whether the folder contains a CodeIgniter 4 app. Its folder of public files may have another name than `public`.
pub(crate) fn is_app(folder: &Path) -> bool {
    folder.join("spark").is_file() && folder.join("app/Config").is_dir()
}

impl CacheConfig {
    /// Adds the settings with which the server finds the files that CodeIgniter writes, unless arguments or `.env` set
    /// them.
    pub(crate) fn choose_values(&self, env: &EnvState, chosen_values: &mut InstallValues) {
        if !self.writes_files() {
            return;
        }
        let events = env.value(settings::events.name);
        let events = events
            .unwrap_or(chosen_values.get(&settings::events))
            .parse()
            .ok();
        let prefix = self.prefix.value.as_deref();
        let prefix = prefix.filter(|prefix| {
            // Then the whole name of each file is a key, as in apps from before this setting.
            let is_in_keys = problems::has_in_keys(events.as_ref(), prefix);
            !is_in_keys && !prefix.is_empty() && settings::drop_in_prefix.check(prefix).is_ok()
        });
        let folder = self.folder.value.as_deref().and_then(Path::to_str);
        let folder = folder.filter(|folder| settings::cache.check(folder).is_ok());
        let folder = folder.filter(|_| !self.folder.is_default());
        let chosen = [
            (&settings::cache, folder),
            (&settings::drop_in_prefix, prefix),
        ];
        for (setting, value) in chosen {
            let is_set = |setting: &SettingInfo| {
                env.value(setting.name).is_some() || chosen_values.chosen(setting.name).is_some()
            };
            // What cannot be written is reported as a problem of the configuration.
            if let Some(value) = value
                && values::is_writable(value)
                && !is_set(setting)
            {
                chosen_values.0.push((setting.name, value.to_owned()));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use actix_web_sse::cli_support::EnvFile;

    use super::*;

    fn chosen(code: &str, env: &str, values: InstallValues) -> Vec<(&'static str, String)> {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let config = app.path().join("app/Config");
        fs::create_dir_all(&config).expect("can create the folder");
        let code = format!("<?php\nclass Cache {{\n{code}\n}}\n");
        fs::write(config.join("Cache.php"), code).expect("can write the file");
        let cache = CacheConfig::read(app.path(), &EnvFile::new(env.into()));
        let state = EnvState::new(env.as_bytes()).expect("valid input");
        let mut values = values;
        cache.choose_values(&state, &mut values);
        values.0
    }

    #[test]
    fn the_settings_for_the_files_of_codeigniter_are_chosen() {
        const CODE: &str =
            "public string $prefix = 'shop_';\npublic array $file = ['storePath' => '/srv/cache'];";
        let prefix = ("SSE_DROP_IN_PREFIX", "shop_".to_owned());
        let cache = ("SSE_CACHE", "/srv/cache".to_owned());
        let none = InstallValues::default;
        assert_eq!(chosen("", "", none()), []);
        assert_eq!(chosen(CODE, "", none()), [cache.clone(), prefix.clone()]);
        let mine = InstallValues(vec![("SSE_CACHE", "mine".to_owned())]);
        assert_eq!(
            chosen(CODE, "", mine.clone()),
            [mine.0[0].clone(), prefix.clone()]
        );
        let env = "SSE_CACHE=mine\nSSE_DROP_IN_PREFIX=web_\n";
        assert_eq!(chosen(CODE, env, none()), []);
        let handler = format!("{CODE}\npublic string $handler = 'redis';");
        assert_eq!(chosen(&handler, "", none()), []);
        assert_eq!(
            chosen(CODE, "SSE_EVENTS=order:shop_orders\n", none()),
            [cache]
        );
        assert_eq!(chosen("public $prefix = 'a:b';", "", none()), []);
        assert_eq!(chosen("public $prefix = \"it's\";", "", none()), []);
    }
}
