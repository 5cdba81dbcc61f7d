//! The verdict about a file.

use std::fmt;

/// Where `.configure(actix_web_sse::routes)` belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Behind the one `App::new()`, which stands on this line.
    One {
        line: usize,
    },
    /// It is there, on this line.
    Wired {
        line: usize,
    },
    Unclear(Unclear),
}

/// Why a person has to decide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Unclear {
    pub(crate) why: Why,
    /// The lines that it is about, counted from 1.
    pub(crate) lines: Vec<usize>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// No `App::new()` is there.
    NotFound,
    Several,
    InMacro,
    /// `App::new` is handed to somebody who calls it elsewhere.
    NotCalled,
    /// The file does not say that this `App` is actix-web's.
    OtherApp,
    /// It is no Rust that can be read; what is wrong with it.
    Invalid(String),
    /// What was planned did not come out of the check as it should.
    Unproven,
}

impl Place {
    pub(super) fn unclear(why: Why, mut lines: Vec<usize>) -> Self {
        lines.dedup();
        Self::Unclear(Unclear { why, lines })
    }
}

impl Unclear {
    pub(super) fn invalid(line: usize, why: String) -> Self {
        Self {
            why: Why::Invalid(why),
            lines: vec![line],
        }
    }
}

impl fmt::Display for Unclear {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.why {
            Why::NotFound => out.write_str("no `App::new()` is in it")?,
            Why::Several => out.write_str("several `App::new()` are in it")?,
            Why::InMacro => out.write_str("its `App::new()` stands in a macro")?,
            Why::NotCalled => out.write_str("`App::new` stands in it without being called")?,
            Why::OtherApp => out.write_str("nothing in it says that this `App` is actix-web's")?,
            Why::Invalid(why) => write!(out, "it does not parse: {why}")?,
            Why::Unproven => out.write_str("the call could not be put in so that it comes out")?,
        }
        let lines: Vec<String> = self.lines.iter().map(usize::to_string).collect();
        match &lines[..] {
            [] => Ok(()),
            [line] => write!(out, " (line {line})"),
            lines => write!(out, " (lines {})", lines.join(", ")),
        }
    }
}
