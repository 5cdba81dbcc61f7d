//! The `SSE_…` keys as text, each with the place it came from.
//!
//! A real environment variable wins over `.env`, as with dotenvy.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::Arc,
};

use super::environment::Environment;
use crate::error::{Error, ErrorKind, Location};

/// The settings of one app, as found.
#[derive(Debug)]
pub(crate) struct Settings {
    path: PathBuf,
    /// `None`: there is no `.env`.
    file: Option<EnvFile>,
    environment: Arc<Environment>,
}

/// One value and its origin.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) key: &'static str,
    pub(crate) value: String,
    /// `None`: a real environment variable.
    pub(crate) location: Option<Location>,
}

impl Setting {
    /// An error about this setting, which says where it stands.
    pub(crate) fn error(&self, what: impl AsRef<str>) -> Error {
        let error = Error::new(ErrorKind::Config, format!("{} {}", self.key, what.as_ref()));
        match &self.location {
            Some(location) => error.at(location.clone()),
            None => Error::new(
                ErrorKind::Config,
                format!("{} (an environment variable) {}", self.key, what.as_ref()),
            ),
        }
    }
}

#[derive(Debug)]
struct EnvFile {
    text: String,
    pairs: Vec<(String, String)>,
}

impl Settings {
    pub(crate) fn read(app_dir: &Path) -> Result<Self, Error> {
        let path = app_dir.join(".env");
        let file = EnvFile::read(&path)?;
        let environment = Environment::of_app(app_dir, |key| file.as_ref()?.value(key));
        Ok(Self {
            path,
            file,
            environment,
        })
    }

    /// The value in force of `key`, and where it stands.
    pub(crate) fn get(&self, key: &'static str) -> Option<Setting> {
        if let Some(value) = self.environment.get(key) {
            return Some(Setting {
                key,
                value: value.clone(),
                location: None,
            });
        }
        let (line, value) = self.file.as_ref()?.get(key)?;
        Some(Setting {
            key,
            value: value.clone(),
            location: Some(Location::line(&self.path, line)),
        })
    }

    /// Where `.env` is or would be.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn has_file(&self) -> bool {
        self.file.is_some()
    }
}

impl EnvFile {
    /// `None`: there is no file.
    fn read(path: &Path) -> Result<Option<Self>, Error> {
        match fs::read(path) {
            Ok(bytes) => Self::parse(bytes, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(
                Error::new(ErrorKind::Config, format!("cannot read .env: {error}"))
                    .at(Location::file(path))
                    .with_help("it must be a file that the user who runs the app may read")
                    .caused_by(error),
            ),
        }
    }

    fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, Error> {
        let text = String::from_utf8(bytes).map_err(|error| {
            let line = 1 + error.as_bytes()[..error.utf8_error().valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Error::new(ErrorKind::Config, "this line is not UTF-8")
                .at(Location::line(path, line))
                .with_help("save the file as UTF-8")
        })?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();

        let mut pairs = Vec::new();
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            match item {
                Ok(pair) => pairs.push(pair),
                // A line that is none of ours does not concern us, whoever reads it. One that
                // swallows ours (an unclosed quote runs to the end of the file) does. What dotenvy
                // shows of a line may be its value alone.
                Err(dotenvy::Error::LineParse(line, _))
                    if !line.contains("SSE_") && !is_of_ours(&text, &line) =>
                {
                    // Not the line itself: it may be a password.
                    log::warn!(
                        "{}:{}: this line cannot be read and is left out",
                        path.display(),
                        line_of(&text, &line)
                    );
                }
                Err(dotenvy::Error::LineParse(line, _)) => {
                    return Err(Error::new(
                        ErrorKind::Config,
                        "this line cannot be read",
                    )
                    .at(Location::line(path, line_of(&text, &line)))
                    .with_help("write KEY=value; close every quote, put a value that has spaces in quotes, and write no space after a comma"));
                }
                Err(error) => {
                    return Err(Error::new(
                        ErrorKind::Config,
                        format!("cannot read .env: {error}"),
                    )
                    .at(Location::file(path)));
                }
            }
        }
        Ok(Self { text, pairs })
    }

    /// The line and the value of `key`; of several lines the first counts, as with dotenvy.
    fn get(&self, key: &str) -> Option<(usize, &String)> {
        let value = self.value(key)?;
        Some((self.line_of(key), value))
    }

    fn value(&self, key: &str) -> Option<&String> {
        let (_, value) = self.pairs.iter().find(|(name, _)| name == key)?;
        Some(value)
    }

    fn line_of(&self, key: &str) -> usize {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            let assignment = line.trim_start();
            let assignment = assignment
                .strip_prefix("export ")
                .unwrap_or(assignment)
                .trim_start();
            let assigns = assignment
                .strip_prefix(key)
                .is_some_and(|rest| rest.trim_start().starts_with('='));
            if assigns && !ends_inside_quotes(&self.text[..start]) {
                break;
            }
            start += line.len();
        }
        line_number(&self.text, start.min(self.text.len()))
    }
}

/// Whether `text`, which ends with a whole line, leaves a quote open: what follows is then part of
/// a value. dotenvy reports that with all that the quote has swallowed, the line's end included;
/// of a line that is broken in itself it leaves the end out.
fn ends_inside_quotes(text: &str) -> bool {
    dotenvy::from_read_iter(text.as_bytes())
        .any(|item| matches!(item, Err(dotenvy::Error::LineParse(line, _)) if line.ends_with('\n')))
}

fn line_number(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at]
        .iter()
        .filter(|byte| **byte == b'\n')
        .count()
}

/// Where dotenvy's broken `line` begins.
fn line_of(text: &str, line: &str) -> usize {
    text.find(line).map_or(1, |at| line_number(text, at))
}

/// Whether the line assigns one of our keys.
fn is_of_ours(text: &str, line: &str) -> bool {
    let physical = text.lines().nth(line_of(text, line).saturating_sub(1));
    physical.is_some_and(|line| line.contains("SSE_"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(text: &str, variable: fn(&str) -> Option<String>) -> Result<Settings, Error> {
        let path = PathBuf::from(".env");
        let file = EnvFile::parse(text.into(), &path)?;
        Ok(Settings {
            environment: Arc::new(Environment::new(variable, |key| file.value(key))),
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
    fn the_environment_wins_unless_it_only_repeats_the_file() {
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
    fn a_space_behind_a_comma_is_an_error_of_ours_with_its_line() {
        let text = "SSE_EVENTS=a:k\nSSE_ALLOWED_HOSTS=a.example, b.example\n";
        let error = settings(text, |_| None).err().unwrap();
        assert_eq!(error.location().unwrap().line_number(), Some(2));
        assert!(error.help().unwrap().contains("comma"));
    }

    #[test]
    fn a_broken_line_of_somebody_else_is_left_out() {
        let found = settings("TITLE=two words\nSSE_TTL=5\n", |_| None)
            .unwrap()
            .get("SSE_TTL")
            .unwrap();
        assert_eq!((found.value.as_str(), line(&found)), ("5", Some(2)));
    }

    #[test]
    fn a_quote_that_swallows_our_keys_is_named() {
        let error = settings("A=1\nPASSWORD='secret\nSSE_TTL=5\n", |_| None).unwrap_err();
        assert!(
            !format!("{error:?}").contains("secret"),
            "it may be seen by anybody"
        );
        assert_eq!(error.location().unwrap().line_number(), Some(2));
        assert!(error.help().unwrap().contains("quote"));
    }

    #[test]
    fn a_line_that_is_no_utf8_is_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join(".env"), b"A=1\nB=\xff\n").unwrap();
        let error = Settings::read(dir.path()).unwrap_err();
        assert_eq!(error.location().unwrap().line_number(), Some(2));
    }
}
