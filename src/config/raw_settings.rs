//! The `SSE_…` settings as text, each with its origin.
//!
//! A real environment variable overrides the line in `.env`, as with dotenvy.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use super::{env_file::EnvFile, real_variables::RealVariables};
use crate::error::{Error, ErrorKind, Location};

/// The settings of one app, not yet parsed.
#[derive(Debug)]
pub(super) struct RawSettings {
    path: PathBuf,
    /// `None` if `.env` does not exist.
    file: Option<EnvFile>,
    real_variables: Arc<RealVariables>,
}

/// One value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) name: &'static str,
    pub(super) value: String,
    /// `None` for a real environment variable.
    pub(super) location: Option<Location>,
}

impl Setting {
    /// An error about this setting. `problem` continues a sentence that starts with the setting's name.
    pub(super) fn error(&self, problem: impl AsRef<str>) -> Error {
        let (name, problem) = (self.name, problem.as_ref());
        match &self.location {
            Some(location) => Error::new(ErrorKind::Config, format!("{name} {problem}"))
                .with_location(location.clone()),
            None => Error::new(
                ErrorKind::Config,
                format!("{name} (an environment variable) {problem}"),
            ),
        }
    }
}

impl RawSettings {
    pub(super) fn read(app_dir: &Path) -> Result<Self, Error> {
        let path = app_dir.join(".env");
        let file = EnvFile::read(&path)?;
        let real_variables = RealVariables::of_app(app_dir, |key| file.as_ref()?.value(key));
        Ok(Self {
            path,
            file,
            real_variables,
        })
    }

    /// The effective value of the setting `name`; `None` if it is not set.
    pub(super) fn get(&self, name: &'static str) -> Option<Setting> {
        if let Some(value) = self.real_variables.get(name) {
            return Some(Setting {
                name,
                value: value.clone(),
                location: None,
            });
        }
        let (line, value) = self.file.as_ref()?.get(name)?;
        Some(Setting {
            name,
            value: value.clone(),
            location: Some(Location::line(&self.path, line)),
        })
    }

    /// The path of `.env`, whether or not the file exists.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn has_file(&self) -> bool {
        self.file.is_some()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn settings(text: &str, variable: fn(&str) -> Option<String>) -> Result<RawSettings, Error> {
        let path = PathBuf::from(".env");
        let file = EnvFile::parse(text.into(), &path)?;
        Ok(RawSettings {
            real_variables: Arc::new(RealVariables::new(variable, |key| file.value(key))),
            file: Some(file),
            path,
        })
    }

    fn line(setting: &Setting) -> Option<usize> {
        setting.location.as_ref().and_then(Location::line_number)
    }

    #[test]
    fn a_value_knows_its_line() {
        let text = "\u{feff}# SSE_EVENTS=x:y\r\nA='\r\nSSE_EVENTS=in:quotes\r\n'\r\nexport SSE_EVENTS = a:b\r\n";
        let found = settings(text, |_| None).unwrap().get("SSE_EVENTS").unwrap();
        assert_eq!((found.value.as_str(), line(&found)), ("a:b", Some(5)));
    }

    #[test]
    fn a_variable_overrides_the_file_unless_it_equals_it() {
        let other = settings("SSE_EVENTS=a:b", |_| Some("c:d".into()))
            .unwrap()
            .get("SSE_EVENTS")
            .unwrap();
        assert_eq!((other.value.as_str(), line(&other)), ("c:d", None));
        let same = settings("SSE_EVENTS=a:b", |_| Some("a:b".into()))
            .unwrap()
            .get("SSE_EVENTS")
            .unwrap();
        assert_eq!((same.value.as_str(), line(&same)), ("a:b", Some(1)));
    }

    #[test]
    fn a_space_after_a_comma_is_an_error_with_its_line() {
        let text = "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=a.example, b.example\n";
        let error = settings(text, |_| None).err().unwrap();
        assert_eq!(error.location().unwrap().line_number(), Some(2));
        assert!(error.help().unwrap().contains("comma"));
    }

    #[test]
    fn a_broken_line_of_another_program_is_ignored() {
        let found = settings("TITLE=two words\nSSE_TTL=5\n", |_| None)
            .unwrap()
            .get("SSE_TTL")
            .unwrap();
        assert_eq!((found.value.as_str(), line(&found)), ("5", Some(2)));
    }

    #[test]
    fn an_unclosed_quote_before_our_keys_is_an_error_that_shows_no_value() {
        let error = settings("A=1\nPASSWORD='secret\nSSE_TTL=5\n", |_| None).unwrap_err();
        assert!(
            !format!("{error:?}").contains("secret"),
            "the error may be public"
        );
        assert_eq!(error.location().unwrap().line_number(), Some(2));
        assert!(error.help().unwrap().contains("quote"));
    }

    #[test]
    fn a_line_that_is_not_valid_utf8_is_an_error_with_its_line() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".env"), b"A=1\nB=\xff\n").unwrap();
        let error = RawSettings::read(dir.path()).unwrap_err();
        assert_eq!(error.location().unwrap().line_number(), Some(2));
    }
}
