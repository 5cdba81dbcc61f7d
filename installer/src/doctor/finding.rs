//! One thing that was found.

use serde::Serialize;

/// How bad it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Ok,
    /// Worth knowing, and nothing to mend.
    Note,
    /// Something is not as it should be: events may be late or missing.
    Warning,
    /// Events cannot arrive as long as this is so.
    Error,
}

/// What one check found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    /// The check's name, under which the documentation has it.
    pub(crate) check: &'static str,
    pub(crate) what: String,
    pub(crate) help: Option<String>,
}

impl Finding {
    pub(crate) fn ok(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Ok, check, what.into(), None)
    }

    pub(crate) fn note(check: &'static str, what: impl Into<String>) -> Self {
        Self::new(Level::Note, check, what.into(), None)
    }

    pub(crate) fn warning(
        check: &'static str,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Level::Warning, check, what.into(), Some(help.into()))
    }

    pub(crate) fn error(
        check: &'static str,
        what: impl Into<String>,
        help: impl Into<String>,
    ) -> Self {
        Self::new(Level::Error, check, what.into(), Some(help.into()))
    }

    fn new(level: Level, check: &'static str, what: String, help: Option<String>) -> Self {
        Self {
            level,
            check,
            what,
            help,
        }
    }

    /// Adds what can be done, for a note.
    #[must_use]
    pub(crate) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Whether something is not as it should be.
    pub(crate) fn is_bad(&self) -> bool {
        match self.level {
            Level::Ok | Level::Note => false,
            Level::Warning | Level::Error => true,
        }
    }

    /// One line for what was found, and one below it for what to do.
    pub(crate) fn lines(&self) -> String {
        let level = match self.level {
            Level::Ok => "ok",
            Level::Note => "note",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let mut lines = format!("{level:<7}  {}: {}", self.check, one_line(&self.what));
        if let Some(help) = &self.help {
            lines.push_str(&format!("\n{:9}help: {}", "", one_line(help)));
        }
        lines
    }
}

fn one_line(text: &str) -> String {
    text.lines().map(str::trim).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_finding_is_a_line_with_its_help_below() {
        let finding = Finding::warning("env", "line 3\nis broken", "mend it");
        assert_eq!(
            finding.lines(),
            "warning  env: line 3 is broken\n         help: mend it"
        );
        assert_eq!(Finding::ok("env", "good").lines(), "ok       env: good");
    }

    #[test]
    fn only_warnings_and_errors_are_bad() {
        assert!(!Finding::ok("a", "b").is_bad());
        assert!(!Finding::note("a", "b").help("c").is_bad());
        assert!(Finding::warning("a", "b", "c").is_bad());
        assert!(Finding::error("a", "b", "c").is_bad());
    }
}
