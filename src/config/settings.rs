//! What the table of settings consists of: a row, its value, and the origin of the value.

use std::{
    fmt::{self, Display},
    path::Path,
};

use crate::error::{Error, ErrorKind, Location};

/// One row of the table of settings.
#[derive(Debug)]
pub struct SettingInfo {
    /// The key in `.env`.
    pub name: &'static str,
    /// As `.env` would set it, empty for an empty list; `None` if the setting is required.
    pub default: Option<&'static str>,
    /// One line that says what the setting means.
    pub help: &'static str,
    pub(super) check: fn(&RawValue<'_>) -> Result<(), Error>,
}

impl SettingInfo {
    /// Checks a value of this setting that comes from neither `.env` nor the environment.
    ///
    /// # Errors
    ///
    /// Fails if the value cannot be used.
    pub fn check(&'static self, text: &str) -> Result<(), Error> {
        (self.check)(&RawValue {
            info: self,
            text: text.to_owned(),
            origin: Origin::Code,
            app_dir: Path::new(""),
        })
    }
}

/// A value as text, with its origin.
#[derive(Debug)]
pub(super) struct RawValue<'a> {
    pub(super) info: &'static SettingInfo,
    pub(super) text: String,
    pub(super) origin: Origin,
    /// The folder that a relative path is resolved against.
    pub(super) app_dir: &'a Path,
}

impl RawValue<'_> {
    /// An error about this value. `problem` continues a sentence that starts with the setting's name.
    pub(super) fn error(&self, problem: impl AsRef<str>) -> Error {
        let (name, problem) = (self.info.name, problem.as_ref());
        let error = |text| Error::new(ErrorKind::Config, text);
        match &self.origin {
            Origin::Environment => error(format!("{name} (an environment variable) {problem}")),
            Origin::EnvFile(location) => {
                error(format!("{name} {problem}")).with_location(location.clone())
            }
            Origin::Default | Origin::Code => error(format!("{name} {problem}")),
        }
    }
}

/// A parsed value, with its origin. Two are equal if their values are: a line that has moved within
/// `.env` changes nothing.
#[derive(Debug, Clone)]
pub(super) struct Value<T> {
    pub(super) value: T,
    pub(super) origin: Origin,
}

impl<T> Value<T> {
    pub(super) fn from_code(value: T) -> Self {
        let origin = Origin::Code;
        Self { value, origin }
    }
}

impl<T: PartialEq> PartialEq for Value<T> {
    fn eq(&self, other: &Self) -> bool {
        self.value == other.value
    }
}

/// Where the value of a [`Setting`] comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// Nothing sets it.
    Default,
    /// This line of `.env`.
    EnvFile(Location),
    /// An environment variable, which overrides `.env`.
    Environment,
    /// The app's code, with [`Config::new`](crate::Config::new) or a `with_…` method.
    Code,
}

impl Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("default"),
            Self::EnvFile(location) => match location.line_number() {
                Some(line) => write!(f, ".env line {line}"),
                None => f.write_str(".env"),
            },
            Self::Environment => f.write_str("environment"),
            Self::Code => f.write_str("code"),
        }
    }
}

/// A setting of `.env` with its current value, from [`Config::settings`](crate::Config::settings).
///
/// As text it is, for example, `SSE_TTL is 60 s (default)`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Setting {
    pub(super) name: &'static str,
    pub(super) value: String,
    pub(super) origin: Origin,
}

impl Setting {
    /// Returns the name, such as `SSE_TTL`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the value as text for people, such as `60 s`.
    #[must_use]
    pub fn value(&self) -> &str {
        &self.value
    }

    /// Returns where the value comes from.
    #[must_use]
    pub fn origin(&self) -> &Origin {
        &self.origin
    }
}

impl Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is {} ({})", self.name, self.value, self.origin)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::rows;

    #[test]
    fn the_error_about_an_environment_variable_names_no_line() {
        let raw = RawValue {
            info: &rows::ttl,
            text: "soon".to_owned(),
            origin: Origin::Environment,
            app_dir: Path::new(""),
        };
        let error = raw.error("is wrong");
        assert_eq!(
            error.to_string(),
            "SSE_TTL (an environment variable) is wrong"
        );
    }
}
