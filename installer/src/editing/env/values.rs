//! The values that `install` sets missing settings to.

use std::path::Path;

use actix_web_sse::Events;
use actix_web_sse::cli_support::{EXAMPLE_EVENTS, SettingInfo, settings};

use crate::app::public_folder::below_app;
use crate::exit::Failure;

/// The settings that `install` writes if they are missing.
pub(crate) static INSTALLED_SETTINGS: [&SettingInfo; 3] = [
    &settings::stream_duration,
    &settings::poll_interval,
    &settings::events,
];

/// The settings that `install` writes if something chooses their value.
static CHOSEN_SETTINGS: [&SettingInfo; 3] = [
    &settings::cache,
    &settings::public,
    &settings::drop_in_prefix,
];

/// All settings that `install` may write.
pub(super) fn all_settings() -> impl Iterator<Item = &'static SettingInfo> {
    INSTALLED_SETTINGS.into_iter().chain(CHOSEN_SETTINGS)
}

/// Whether `install` adds the setting even if nothing chooses a value.
pub(super) fn is_required(name: &str) -> bool {
    INSTALLED_SETTINGS
        .iter()
        .any(|setting| setting.name == name)
}

/// The values that arguments chose, by the names of their settings.
#[derive(Clone, Debug, Default)]
pub(crate) struct InstallValues(pub(crate) Vec<(&'static str, String)>);

impl InstallValues {
    pub(crate) fn get(&self, setting: &'static SettingInfo) -> &str {
        self.chosen(setting.name).unwrap_or(default_value(setting))
    }

    /// The value, if arguments or the app's configuration chose it.
    pub(crate) fn chosen(&self, name: &str) -> Option<&str> {
        let mut chosen = self.0.iter().filter(|(other, _)| *other == name);
        chosen.next().map(|(_, value)| value.as_str())
    }
}

/// The value that `install` writes if no argument chooses another.
pub(crate) fn default_value(setting: &SettingInfo) -> &'static str {
    setting.default.unwrap_or(EXAMPLE_EVENTS)
}

/// The help of an argument that chooses the value.
pub(crate) fn argument_help(setting: &SettingInfo) -> String {
    let default = setting
        .default
        .map(|default| format!(" [default: {default}]"));
    let (name, help) = (setting.name, setting.help);
    format!("{name}: {help}{}", default.unwrap_or_default())
}

/// Whether `install` can write the value into `.env`.
pub(crate) fn is_writable(value: &str) -> bool {
    quote_for_dotenv(value).is_ok()
}

/// The value as `.env` must write it. Single quotes are added if a character may be special to
/// dotenvy; inside them none is.
pub(super) fn quote_for_dotenv(value: &str) -> Result<String, Failure> {
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "_.:,-/".contains(c);
    if value.chars().all(is_plain) {
        return Ok(value.to_owned());
    }
    if value.contains(['\'', '\\']) {
        return Err(
            Failure::usage(format!("`{value}` cannot be written into .env"))
                .with_help("choose names without single quotes and backslashes"),
        );
    }
    Ok(format!("'{value}'"))
}

/// Parses the value of `--events`.
pub(crate) fn parse_events(text: &str) -> Result<String, String> {
    let events: Result<Events, _> = text.parse();
    events
        .map(|events| events.to_string())
        .map_err(|error| match error.help() {
            Some(help) => format!("{error}; {}", help.replace("SSE_EVENTS=", "")),
            None => error.to_string(),
        })
}

/// The names of the events in a value of `SSE_EVENTS`.
pub(crate) fn event_names(events: &str) -> Result<Vec<String>, actix_web_sse::Error> {
    let events: Events = events.parse()?;
    Ok(events.names().map(str::to_owned).collect())
}

/// Parses the value of `--duration`.
pub(crate) fn parse_duration(text: &str) -> Result<String, String> {
    parse(text, &settings::stream_duration)
}

/// Parses the value of `--interval`.
pub(crate) fn parse_interval(text: &str) -> Result<String, String> {
    parse(text, &settings::poll_interval)
}

/// Parses the value of `--public`.
pub(crate) fn parse_public(text: &str) -> Result<String, String> {
    parse(text, &settings::public)
}

/// Parses the value of `--cache`. A URL is refused later, because an error of the command line would repeat its
/// password.
pub(crate) fn parse_cache(text: &str) -> Result<String, String> {
    if is_url(text) {
        return Ok(text.to_owned());
    }
    // The same rules: `..` is refused, too.
    settings::public.check(text).map_err(|error| {
        let problem = error.to_string().replace(settings::public.name, "it");
        format!("{problem}; name a folder below the app's, or write an absolute path")
    })?;
    parse(text, &settings::cache)
}

pub(crate) fn is_url(text: &str) -> bool {
    text.contains("://")
}

/// The value of a setting for a folder of the app in `app`: relative if it is below it.
pub(crate) fn folder(app: &Path, path: &str) -> String {
    let path = below_app(app, path);
    match path.to_str() {
        Some("") | None => ".".to_owned(),
        Some(path) => path.to_owned(),
    }
}

fn parse(text: &str, setting: &'static SettingInfo) -> Result<String, String> {
    let text = text.trim();
    match setting.check(text) {
        Ok(()) => Ok(text.to_owned()),
        Err(error) => Err(error.help().unwrap_or_default().to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_checked_as_the_library_checks_them() {
        assert_eq!(parse_events(" a:b , c:d,a:b,"), Ok("a:b,c:d".to_owned()));
        assert!(parse_events("a").is_err_and(|why| why.contains("cache_key")));
        assert!(
            parse_duration("0").is_ok()
                && parse_duration("300").is_ok()
                && parse_duration("4e9").is_err()
        );
        assert!(parse_interval("0.5").is_ok());
        for wrong in ["", "x", "-1", "NaN", "inf"] {
            assert!(
                parse_duration(wrong).is_err() && parse_interval(wrong).is_err(),
                "{wrong}"
            );
        }
        assert!(parse_interval("0").is_err() && parse_interval("3601").is_err());
    }

    #[test]
    fn folders_are_below_the_app_or_absolute() {
        for path in ["web", "a/b/", ".", "/srv/www"] {
            assert!(
                parse_public(path).is_ok() && parse_cache(path).is_ok(),
                "{path}"
            );
        }
        for wrong in ["", " ", "../web", "a/../../b", "a\nb"] {
            let (public, cache) = (parse_public(wrong), parse_cache(wrong));
            let [Err(public), Err(cache)] = [public, cache] else {
                panic!("{wrong}");
            };
            assert!(
                !public.is_empty() && !cache.contains("SSE_PUBLIC"),
                "{cache}"
            );
        }
        let app = Path::new("/srv/app");
        for (path, value) in [
            ("./web/", "web"),
            ("/srv/app/web", "web"),
            ("/srv/app/", "."),
            ("/srv/www/", "/srv/www"),
        ] {
            assert_eq!(folder(app, path), value);
        }
    }

    #[test]
    fn event_names_are_read_as_the_library_reads_them() {
        assert_eq!(
            event_names("a:k, b:k,a:l").expect("valid input"),
            ["a", "b"]
        );
        assert!(event_names("a").is_err());
    }

    #[test]
    fn a_quoted_value_reads_back_unchanged() {
        for value in ["a:b,c:d", "an order:key #1", "a$b:c", "grüße:x"] {
            let line = format!("A={}", quote_for_dotenv(value).expect("can write the file"));
            let read = dotenvy::from_read_iter(line.as_bytes())
                .next()
                .expect("there is a line");
            assert_eq!(read.expect("valid input").1, value);
        }
        assert!(quote_for_dotenv("it's:k").is_err());
    }
}
