//! The settings of `.env` and of the environment as text, each with its origin.
//!
//! A real environment variable overrides the line in `.env`, as with dotenvy.
//!
//! Most actix apps call `dotenvy::dotenv().ok()` first, which copies the file into the environment.
//! Such a copy must not hide the line in `.env` from error messages, and must not override a later
//! edit of that line. So a variable that equals the file's value when the file is first read is taken
//! for a copy and ignored.

use std::{
    collections::BTreeMap,
    env,
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
};

use super::{
    app_dir,
    env_file::EnvFile,
    events::EVENTS_HELP,
    settings::{Origin, RawValue, SettingInfo},
    table::SETTINGS,
};
use crate::{
    error::{Error, ErrorKind, Location},
    runtime::lock,
};

/// The settings that the environment overrides, with their values.
type RealVariables = BTreeMap<&'static str, String>;

/// The settings of one app, not yet parsed.
#[derive(Debug)]
pub(super) struct RawSettings<'a> {
    app_dir: &'a Path,
    path: PathBuf,
    /// `None` if `.env` does not exist.
    file: Option<&'a EnvFile>,
    real_variables: Arc<RealVariables>,
}

impl<'a> RawSettings<'a> {
    pub(super) fn new(app_dir: &'a Path, file: Option<&'a EnvFile>) -> Result<Self, Error> {
        let path = app_dir.join(".env");
        // Before the check: dotenvy also copies the lines before a broken one.
        let real_variables = variables_of_app(app_dir, file);
        if let Some(file) = file {
            file.check(&path)?;
        }
        Ok(Self {
            app_dir,
            path,
            file,
            real_variables,
        })
    }

    /// The effective value of a setting, which may be its default.
    pub(super) fn get(&self, info: &'static SettingInfo) -> Result<RawValue<'a>, Error> {
        let from_file = || self.file?.get(info.name);
        let (text, origin) = if let Some(value) = self.real_variables.get(info.name) {
            (value.as_str(), Origin::Environment)
        } else if let Some((line, value)) = from_file() {
            (value, Origin::EnvFile(Location::line(&self.path, line)))
        } else {
            let default = info.default.ok_or_else(|| self.missing(info))?;
            (default, Origin::Default)
        };
        Ok(RawValue {
            info,
            text: text.to_owned(),
            origin,
            app_dir: self.app_dir,
        })
    }

    fn missing(&self, info: &SettingInfo) -> Error {
        let name = info.name;
        if let Some((line, misspelt)) = self.misspelt(name) {
            let message =
                format!("{name} is not set, and {misspelt} is not a setting of the library");
            return Error::new(ErrorKind::Config, message)
                .with_location(Location::line(&self.path, line))
                .with_help(format!("did you mean {name}?"));
        }
        let (message, help) = if self.file.is_some() {
            (format!("{name} is not set"), EVENTS_HELP)
        } else {
            let searched = app_dir::searched_folders(self.app_dir);
            (
                format!(".env does not exist{searched}, and {name} is not in the environment"),
                "start the program in the app's folder, or pass that folder to `Config::from_dir` or to the command \
                 (`sse -C DIR`); in an app without a .env, run `sse install`",
            )
        };
        Error::new(ErrorKind::Config, message)
            .with_location(Location::file(&self.path))
            .with_help(help)
    }

    /// A line whose name was probably meant to be that of the setting, which is not set.
    fn misspelt(&self, setting: &str) -> Option<(usize, &str)> {
        let mut lines = self.file.into_iter().flat_map(EnvFile::assignments);
        let (line, name, _) = lines.find(|(_, name, _)| are_similar(name, setting))?;
        Some((line, name))
    }
}

/// Whether two names differ by two letters at most, in whatever order and case.
fn are_similar(name: &str, other: &str) -> bool {
    const MAX_DIFFERENT_LETTERS: usize = 2;
    let mut missing: Vec<char> = other.chars().collect();
    let mut additional = 0;
    for letter in name.to_uppercase().chars() {
        match missing.iter().position(|other| *other == letter) {
            Some(at) => drop(missing.swap_remove(at)),
            None => additional += 1,
        }
    }
    additional.max(missing.len()) <= MAX_DIFFERENT_LETTERS
}

/// The variables of this process for the app in `app_dir`. The result of the first call for an app is kept,
/// because a later edit would make a copy look like a real variable.
fn variables_of_app(app_dir: &Path, file: Option<&EnvFile>) -> Arc<RealVariables> {
    static VARIABLES_OF_APPS: Mutex<BTreeMap<PathBuf, Arc<RealVariables>>> =
        Mutex::new(BTreeMap::new());
    let mut variables_of_apps = lock(&VARIABLES_OF_APPS);
    let variables = variables_of_apps.entry(app_dir.to_owned());
    let read = || Arc::new(real_variables(|name| env::var(name).ok(), file));
    Arc::clone(variables.or_insert_with(read))
}

/// The variables without copies of the file's values.
fn real_variables(
    variable: impl Fn(&str) -> Option<String>,
    file: Option<&EnvFile>,
) -> RealVariables {
    let real = SETTINGS.iter().filter_map(|info| {
        let value = variable(info.name)?;
        let in_file = file.and_then(|file| file.get(info.name));
        let is_copy = in_file.is_some_and(|(_, in_file)| in_file == value);
        (!is_copy).then_some((info.name, value))
    });
    real.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a setting, and its line in `.env`.
    fn get(
        text: impl Into<Vec<u8>>,
        variable: fn(&str) -> Option<String>,
        name: &str,
    ) -> Result<(String, Option<usize>), Error> {
        let file = EnvFile::new(text.into());
        let app_dir = tempfile::tempdir().unwrap();
        let settings = RawSettings {
            real_variables: Arc::new(real_variables(variable, Some(&file))),
            ..RawSettings::new(app_dir.path(), Some(&file))?
        };
        let info = SETTINGS.iter().find(|info| info.name == name).unwrap();
        let raw = settings.get(info)?;
        let line = match raw.origin {
            Origin::EnvFile(location) => location.line_number(),
            _ => None,
        };
        Ok((raw.text, line))
    }

    #[test]
    fn a_value_knows_its_line() {
        let text = "\u{feff}# SSE_EVENTS=x:y\r\nA='\r\nSSE_EVENTS=in:quotes\r\n'\r\nexport SSE_EVENTS = a:b\r\n";
        let found = get(text, |_| None, "SSE_EVENTS").unwrap();
        assert_eq!(found, ("a:b".to_owned(), Some(5)));
    }

    #[test]
    fn a_variable_overrides_the_file_unless_it_equals_it() {
        let other = get("SSE_EVENTS=a:b", |_| Some("c:d".into()), "SSE_EVENTS").unwrap();
        assert_eq!(other, ("c:d".to_owned(), None));
        let same = get("SSE_EVENTS=a:b", |_| Some("a:b".into()), "SSE_EVENTS").unwrap();
        assert_eq!(same, ("a:b".to_owned(), Some(1)));
    }

    #[test]
    fn only_variables_that_differ_from_the_file_are_real() {
        let file = EnvFile::new(b"SSE_CACHE='from the file'\nSSE_TTL='from the file'\n".to_vec());
        let variable = |key: &str| match key {
            "SSE_CACHE" => Some("from the file".to_owned()),
            "SSE_TTL" => Some("another value".to_owned()),
            "SSE_EVENTS" => Some("not in the file".to_owned()),
            _ => None,
        };
        let real = [
            ("SSE_EVENTS", "not in the file".to_owned()),
            ("SSE_TTL", "another value".to_owned()),
        ];
        assert_eq!(real_variables(variable, Some(&file)), real.into());
    }

    #[test]
    fn a_similar_name_is_one_with_two_other_letters_at_most() {
        for name in [
            "SSE_EVENT",
            "SSE_EVNETS",
            "sse_events",
            "SEE_EVENTS",
            "SSE_EVENTSES",
            "SSEEVENTS",
        ] {
            assert!(are_similar(name, "SSE_EVENTS"), "{name}");
        }
        for name in [
            "",
            "EVENTS",
            "LOG_EVENTS",
            "SSE_STREAM_EVENTS",
            "SSE_TTL",
            "SSE_CACHE",
        ] {
            assert!(!are_similar(name, "SSE_EVENTS"), "{name}");
        }
    }

    #[test]
    fn the_first_of_several_lines_counts() {
        let found = get("SSE_TTL=5\nSSE_TTL=6\n", |_| None, "SSE_TTL").unwrap();
        assert_eq!(found, ("5".to_owned(), Some(1)));
    }

    #[test]
    fn a_space_after_a_comma_is_an_error_with_its_line() {
        let text = "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=a.example, b.example\n";
        let error = get(text, |_| None, "SSE_EVENTS").unwrap_err();
        assert_eq!(error.location().unwrap().line_number(), Some(2));
        assert!(error.help().unwrap().contains("comma"));
    }

    #[test]
    fn a_broken_line_of_another_program_is_ignored() {
        let found = get("TITLE=two words\nSSE_TTL=5\n", |_| None, "SSE_TTL").unwrap();
        assert_eq!(found, ("5".to_owned(), Some(2)));
    }

    #[test]
    fn an_unclosed_quote_before_our_keys_is_an_error_that_shows_no_value() {
        let error = get("A=1\nPASSWORD='secret\nSSE_TTL=5\n", |_| None, "SSE_TTL").unwrap_err();
        assert!(
            !format!("{error:?}").contains("secret"),
            "the error may be public"
        );
        assert_eq!(error.location().unwrap().line_number(), Some(2));
        assert!(error.help().unwrap().contains("quote"));
    }

    #[test]
    fn a_line_that_is_not_valid_utf8_is_an_error_with_its_line() {
        let error = get(b"A=1\nB=\xff\n", |_| None, "SSE_TTL").unwrap_err();
        assert_eq!(error.location().unwrap().line_number(), Some(2));
    }
}
