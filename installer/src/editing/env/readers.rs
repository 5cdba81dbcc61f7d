//! What reads the app's `.env`, and so what it may contain.

use std::path::Path;

use actix_web_sse::cli_support::{EnvFile, EnvLine};

use crate::exit::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EnvReaders {
    /// Programs that may load it with dotenvy, which stops at a line that it cannot read.
    Dotenvy,
    /// The library, and an app in another language, whose parser may accept other lines.
    OtherLanguage,
}

impl EnvReaders {
    /// Fails if they cannot read a line that matters to them.
    pub(super) fn check(self, file: &EnvFile) -> Result<(), Failure> {
        if self == Self::Dotenvy {
            return match file.unreadable_lines().next() {
                Some(line) => Err(unreadable(file, line)),
                None => Ok(()),
            };
        }
        file.check(Path::new(".env")).map_err(|error| {
            let failure = Failure::conflict(format!("{error}; `sse serve` cannot use the file"));
            match error.help() {
                Some(help) => failure.with_help(help),
                None => failure,
            }
        })
    }
}

fn unreadable(file: &EnvFile, line: &EnvLine) -> Failure {
    let text = file.text(line);
    Failure::conflict(format!(
        ".env line {}: `{}` cannot be read; an app that loads .env with dotenvy stops at this line",
        line.number,
        text.lines().next().unwrap_or_default()
    ))
    .with_help(
        "close its quote, or put quotes around a value with spaces, then run `sse install` again",
    )
}
