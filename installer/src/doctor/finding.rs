//! The result of one check.

use actix_web_sse::cli_support::one_line;
use anstyle::Style;
use serde::Serialize;

use crate::exit::Failure;
use crate::output::{DONE_STYLE, ERROR_STYLE, HELP_STYLE, WARNING_STYLE};

/// How serious a finding is, the worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Level {
    Ok,
    /// Worth knowing. Nothing needs to be repaired.
    Note,
    /// Events may be late or missing.
    Warning,
    /// Events cannot arrive until this is repaired.
    Error,
}

/// A check, by the name that docs/cli.md describes. Its methods create its findings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Check(pub(crate) &'static str);

/// What a check found, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    pub(crate) level: Level,
    pub(crate) check: Check,
    #[serde(rename = "what")]
    pub(crate) message: String,
    pub(crate) help: Option<String>,
}

/// Receives findings one by one. Fails if the output cannot be written.
pub(crate) type ReportFinding<'a> = dyn FnMut(Finding) -> Result<(), Failure> + 'a;

impl Check {
    pub(crate) fn ok(self, message: impl Into<String>) -> Finding {
        self.finding(Level::Ok, message, None)
    }

    pub(crate) fn note(self, message: impl Into<String>) -> Finding {
        self.finding(Level::Note, message, None)
    }

    /// A note that says what to do.
    pub(crate) fn tip(self, message: impl Into<String>, help: impl Into<String>) -> Finding {
        self.finding(Level::Note, message, Some(help.into()))
    }

    pub(crate) fn warning(self, message: impl Into<String>, help: impl Into<String>) -> Finding {
        self.finding(Level::Warning, message, Some(help.into()))
    }

    pub(crate) fn error(self, message: impl Into<String>, help: impl Into<String>) -> Finding {
        self.finding(Level::Error, message, Some(help.into()))
    }

    /// Of an error of the library, which often says what to do.
    pub(crate) fn refusal(self, error: &actix_web_sse::Error, default_help: &str) -> Finding {
        self.error(error.to_string(), error.help().unwrap_or(default_help))
    }

    fn finding(self, level: Level, message: impl Into<String>, help: Option<String>) -> Finding {
        let message = message.into();
        Finding {
            level,
            check: self,
            message,
            help,
        }
    }
}

impl Finding {
    /// Whether this is a warning or an error.
    pub(crate) fn is_problem(&self) -> bool {
        self.level >= Level::Warning
    }

    pub(crate) fn is_error(&self) -> bool {
        self.level == Level::Error
    }

    /// A line with the finding, and below it a line with the help, with styles for a terminal.
    pub(crate) fn to_text(&self) -> String {
        let (style, level) = (self.level.style(), self.level.name());
        let (check, message) = (self.check.0, join_lines(&self.message));
        let mut text = format!("{style}{level:<7}{style:#}  {check}: {message}");
        if let Some(help) = &self.help {
            let help = join_lines(help);
            text.push_str(&format!("\n{:9}{HELP_STYLE}help{HELP_STYLE:#}: {help}", ""));
        }
        text
    }
}

impl Level {
    fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Note => "note",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }

    fn style(self) -> Style {
        match self {
            Self::Ok => DONE_STYLE,
            Self::Note => HELP_STYLE,
            Self::Warning => WARNING_STYLE,
            Self::Error => ERROR_STYLE,
        }
    }
}

/// The number of findings of each level, on one line with the style of the worst.
pub(crate) fn verdict(findings: &[Finding]) -> String {
    let count = |level: Level| {
        let count = findings
            .iter()
            .filter(|finding| finding.level == level)
            .count();
        let plural = if count == 1 { "" } else { "s" };
        (count > 0).then(|| format!("{count} {}{plural}", level.name()))
    };
    let problems = [Level::Error, Level::Warning].into_iter().filter_map(count);
    let mut parts: Vec<String> = problems.collect();
    if parts.is_empty() {
        parts.push("no problems".to_owned());
    }
    parts.extend(count(Level::Note));
    let worst = findings.iter().map(|finding| finding.level).max();
    let worst = worst.filter(|level| *level >= Level::Warning);
    let style = worst.unwrap_or(Level::Ok).style();
    format!("{style}{}{style:#}", parts.join(", "))
}

/// On one line, and without the control characters that an id or a header of a server may have.
fn join_lines(text: &str) -> String {
    one_line(&text.lines().map(str::trim).collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use anstream::adapter::strip_str;

    use super::*;

    fn plain_text(finding: &Finding) -> String {
        strip_str(&finding.to_text()).to_string()
    }

    #[test]
    fn the_verdict_counts_problems_and_notes() {
        let plain = |findings: &[Finding]| strip_str(&verdict(findings)).to_string();
        let (ok, note) = (Check("a").ok("b"), Check("a").note("b"));
        let (warning, error) = (Check("a").warning("b", "c"), Check("a").error("b", "c"));
        assert_eq!(plain(std::slice::from_ref(&ok)), "no problems");
        assert_eq!(plain(&[note.clone(), ok]), "no problems, 1 note");
        let all = [note.clone(), error.clone(), warning, error, note];
        assert_eq!(plain(&all), "2 errors, 1 warning, 2 notes");
    }

    #[test]
    fn a_finding_is_one_line_with_its_help_below() {
        let finding = Check("env").warning("line 3\nis broken", "repair it");
        assert_eq!(
            plain_text(&finding),
            "warning  env: line 3 is broken\n         help: repair it"
        );
        assert_eq!(plain_text(&Check("env").ok("good")), "ok       env: good");
    }

    #[test]
    fn a_finding_does_not_control_the_terminal() {
        let finding = Check("replay").tip("the id a\u{1b}[31m", "b\u{9b}0m");
        assert_eq!(
            plain_text(&finding),
            "note     replay: the id a\\u{1b}[31m\n         help: b\\u{9b}0m"
        );
    }

    #[test]
    fn only_warnings_and_errors_are_problems() {
        assert!(!Check("a").ok("b").is_problem());
        assert!(!Check("a").tip("b", "c").is_problem());
        assert!(Check("a").warning("b", "c").is_problem());
        assert!(Check("a").error("b", "c").is_problem());
    }
}
