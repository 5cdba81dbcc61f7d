//! The verdict about a file: whether and where it can take the call.

use std::fmt;

/// Where `.configure(actix_web_sse::routes)` belongs in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallSite {
    /// Behind the file's only `App::new()`.
    Insertable {
        line: usize,
    },
    /// The file has the call already.
    Wired {
        line: usize,
    },
    Unclear(Unclear),
}

/// Why the call site cannot be determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Unclear {
    pub(super) reason: Reason,
    /// The lines in question, counted from 1.
    pub(super) lines: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Reason {
    NoApp,
    SeveralApps,
    InMacro,
    /// `App::new` is passed on instead of being called.
    NotCalled,
    /// The file does not show that this `App` is actix-web's.
    UnknownApp,
    /// The parser's or decoder's message.
    Invalid(String),
    /// The edited file failed the check that follows each edit.
    Unverified,
}

impl CallSite {
    pub(super) fn unclear(reason: Reason, mut lines: Vec<usize>) -> Self {
        lines.dedup();
        Self::Unclear(Unclear { reason, lines })
    }
}

impl Unclear {
    pub(super) fn invalid(line: usize, message: String) -> Self {
        Self {
            reason: Reason::Invalid(message),
            lines: vec![line],
        }
    }
}

impl fmt::Display for Unclear {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            Reason::NoApp => out.write_str("it has no `App::new()`")?,
            Reason::SeveralApps => out.write_str("it has several `App::new()`")?,
            Reason::InMacro => out.write_str("its `App::new()` is inside a macro")?,
            Reason::NotCalled => out.write_str("it passes `App::new` on without calling it")?,
            Reason::UnknownApp => out.write_str("its `App` may not be actix-web's")?,
            Reason::Invalid(message) => write!(out, "it does not parse: {message}")?,
            Reason::Unverified => out.write_str("the call could not be inserted safely")?,
        }
        let lines: Vec<String> = self.lines.iter().map(usize::to_string).collect();
        match &lines[..] {
            [] => Ok(()),
            [line] => write!(out, " (line {line})"),
            lines => write!(out, " (lines {})", lines.join(", ")),
        }
    }
}
