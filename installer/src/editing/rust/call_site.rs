//! The verdict about a file: whether and where it can take the call.

use std::fmt;

/// Where `.configure(actix_web_sse::routes)` belongs in a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum CallSite {
    /// Behind the file's only `App::new()`: the file with the call.
    Insertable(Vec<u8>),
    /// The file has the call already, in this line.
    Present(usize),
    Doubtful(Doubt),
}

/// Why the call site cannot be determined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    pub(super) reason: DoubtReason,
    /// The lines in question, counted from 1.
    pub(super) lines: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum DoubtReason {
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
    pub(super) fn doubtful(reason: DoubtReason, mut lines: Vec<usize>) -> Self {
        lines.dedup();
        Self::Doubtful(Doubt { reason, lines })
    }
}

impl Doubt {
    pub(super) fn invalid(line: usize, message: String) -> Self {
        Self {
            reason: DoubtReason::Invalid(message),
            lines: vec![line],
        }
    }
}

impl fmt::Display for Doubt {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.reason {
            DoubtReason::NoApp => out.write_str("it has no `App::new()`")?,
            DoubtReason::SeveralApps => out.write_str("it has more than one `App::new()`")?,
            DoubtReason::InMacro => out.write_str("its `App::new()` is inside a macro")?,
            DoubtReason::NotCalled => {
                out.write_str("it passes `App::new` on without calling it")?;
            }
            DoubtReason::UnknownApp => out.write_str("its `App` may not be actix-web's")?,
            DoubtReason::Invalid(message) => write!(out, "it does not parse: {message}")?,
            DoubtReason::Unverified => out.write_str("the call could not be inserted safely")?,
        }
        let lines: Vec<String> = self.lines.iter().map(usize::to_string).collect();
        match &lines[..] {
            [] => Ok(()),
            [line] => write!(out, " (line {line})"),
            lines => write!(out, " (lines {})", lines.join(", ")),
        }
    }
}
