//! `.env` as dotenvy reads it, with the line number of each key.

use std::{fs, io, path::Path};

use crate::error::{Error, ErrorKind, Location};

const LINE_HELP: &str = "write KEY=value; close every quote, put a value that has spaces in quotes, \
    and write no space after a comma";

#[derive(Debug)]
pub(super) struct EnvFile {
    text: String,
    pairs: Vec<(String, String)>,
}

impl EnvFile {
    /// `None` if the file does not exist.
    pub(super) fn read(path: &Path) -> Result<Option<Self>, Error> {
        match fs::read(path) {
            Ok(bytes) => Self::parse(bytes, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(
                Error::new(ErrorKind::Config, format!("cannot read .env: {error}"))
                    .at(Location::file(path))
                    .with_help("make .env a file that the app's user can read")
                    .caused_by(error),
            ),
        }
    }

    pub(super) fn parse(bytes: Vec<u8>, path: &Path) -> Result<Self, Error> {
        let text = decode(bytes, path)?;
        let mut pairs = Vec::new();
        for item in dotenvy::from_read_iter(text.as_bytes()) {
            match item {
                Ok(pair) => pairs.push(pair),
                Err(error) => ignore_or_fail(&error, &text, path)?,
            }
        }
        Ok(Self { text, pairs })
    }

    /// The line and the value of `key`. The first of several lines counts, as with dotenvy.
    pub(super) fn get(&self, key: &str) -> Option<(usize, &String)> {
        let value = self.value(key)?;
        Some((self.line_of(key), value))
    }

    pub(super) fn value(&self, key: &str) -> Option<&String> {
        let (_, value) = self.pairs.iter().find(|(name, _)| name == key)?;
        Some(value)
    }

    fn line_of(&self, key: &str) -> usize {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            if assigns(line, key) && !ends_inside_quotes(&self.text[..start]) {
                break;
            }
            start += line.len();
        }
        line_number(&self.text, start.min(self.text.len()))
    }
}

/// The file's text without a byte order mark.
fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, Error> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Error::new(ErrorKind::Config, "this line is not valid UTF-8")
            .at(Location::line(path, 1 + line_ends(valid)))
            .with_help("save the file as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// A broken line without an `SSE_` key is ignored: another program reads it. A line that swallows
/// such a key fails, because an unclosed quote runs to the end of the file.
fn ignore_or_fail(error: &dotenvy::Error, text: &str, path: &Path) -> Result<(), Error> {
    let dotenvy::Error::LineParse(line, _) = error else {
        let message = format!("cannot read .env: {error}");
        return Err(Error::new(ErrorKind::Config, message).at(Location::file(path)));
    };
    let number = number_of_line(text, line);
    // dotenvy may report a part of the line only, so the line in the file is also checked.
    if line.contains("SSE_") || has_sse_key(text, number) {
        return Err(Error::new(ErrorKind::Config, "this line is not valid")
            .at(Location::line(path, number))
            .with_help(LINE_HELP));
    }
    // Without the line's text, which may be a password.
    log::warn!(
        "{}:{number}: this line is not valid; the SSE_ settings of other lines are used",
        path.display()
    );
    Ok(())
}

fn assigns(line: &str, key: &str) -> bool {
    let assignment = line.trim_start();
    let assignment = assignment
        .strip_prefix("export ")
        .unwrap_or(assignment)
        .trim_start();
    assignment
        .strip_prefix(key)
        .is_some_and(|value| value.trim_start().starts_with('='))
}

/// Whether `text`, which ends with a complete line, leaves a quote open, so that the next line
/// belongs to a value. dotenvy reports an open quote with the text that it swallows, including the
/// line end; for a line that is broken in itself, it reports the line without its end.
fn ends_inside_quotes(text: &str) -> bool {
    dotenvy::from_read_iter(text.as_bytes())
        .any(|item| matches!(item, Err(dotenvy::Error::LineParse(line, _)) if line.ends_with('\n')))
}

/// The number of the line that begins with what dotenvy reports as broken, counted from 1.
fn number_of_line(text: &str, broken: &str) -> usize {
    text.find(broken).map_or(1, |at| line_number(text, at))
}

fn line_number(text: &str, at: usize) -> usize {
    1 + line_ends(&text.as_bytes()[..at])
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn has_sse_key(text: &str, line_number: usize) -> bool {
    let line = text.lines().nth(line_number.saturating_sub(1));
    line.is_some_and(|line| line.contains("SSE_"))
}
