//! `.env` as dotenvy reads it, with the line number of each setting.

use std::{io, path::Path};

use super::env_bytes;
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
        match env_bytes::read(path) {
            Ok(bytes) => Self::parse(bytes, path).map(Some),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(
                Error::new(ErrorKind::Config, format!("cannot read .env: {error}"))
                    .with_location(Location::file(path))
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
                Err(error) => warn_or_fail(&error, &text, path)?,
            }
        }
        Ok(Self { text, pairs })
    }

    /// The line and the value of the setting `name`. The first of several lines counts, as with dotenvy.
    pub(super) fn get(&self, name: &str) -> Option<(usize, &String)> {
        let value = self.value(name)?;
        Some((self.line_number_of_setting(name), value))
    }

    pub(super) fn value(&self, name: &str) -> Option<&String> {
        let (_, value) = self.pairs.iter().find(|(other, _)| other == name)?;
        Some(value)
    }

    fn line_number_of_setting(&self, name: &str) -> usize {
        let mut start = 0;
        for line in self.text.split_inclusive('\n') {
            if assigns(line, name) && !ends_inside_quotes(&self.text[..start]) {
                break;
            }
            start += line.len();
        }
        line_number_at(&self.text, start.min(self.text.len()))
    }
}

/// The file's text without a byte order mark.
fn decode(bytes: Vec<u8>, path: &Path) -> Result<String, Error> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let valid = &error.as_bytes()[..error.utf8_error().valid_up_to()];
        Error::new(ErrorKind::Config, "this line is not valid UTF-8")
            .with_location(Location::line(path, 1 + line_ends(valid)))
            .with_help("save the file as UTF-8")
    })?;
    Ok(text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned())
}

/// A broken line without an `SSE_` setting only causes a warning, because another program reads it. If
/// its text contains such a setting, reading fails: an unclosed quote makes the rest of the file part
/// of one value.
fn warn_or_fail(error: &dotenvy::Error, text: &str, path: &Path) -> Result<(), Error> {
    let dotenvy::Error::LineParse(line, _) = error else {
        let message = format!("cannot read .env: {error}");
        return Err(Error::new(ErrorKind::Config, message).with_location(Location::file(path)));
    };
    let number = line_number_of_broken(text, line);
    // dotenvy may report a part of the line only, so the line in the file is also checked.
    if line.contains("SSE_") || has_sse_setting(text, number) {
        return Err(Error::new(ErrorKind::Config, "this line is not valid")
            .with_location(Location::line(path, number))
            .with_help(LINE_HELP));
    }
    // Without the line's text, which may be a password.
    log::warn!(
        "{}:{number}: this line is not valid; the SSE_ settings of other lines are used",
        path.display()
    );
    Ok(())
}

fn assigns(line: &str, name: &str) -> bool {
    let assignment = line.trim_start();
    let assignment = assignment
        .strip_prefix("export ")
        .unwrap_or(assignment)
        .trim_start();
    assignment
        .strip_prefix(name)
        .is_some_and(|value| value.trim_start().starts_with('='))
}

/// Whether `text`, which ends with a complete line, leaves a quote open, so that the next line
/// belongs to a value. dotenvy reports an open quote with the text after it, including the line end.
/// For a line that is broken in itself, it reports the line without its end.
fn ends_inside_quotes(text: &str) -> bool {
    dotenvy::from_read_iter(text.as_bytes())
        .any(|item| matches!(item, Err(dotenvy::Error::LineParse(line, _)) if line.ends_with('\n')))
}

/// The number of the line that starts with the text that dotenvy reports as broken, counted from 1.
fn line_number_of_broken(text: &str, broken: &str) -> usize {
    text.find(broken)
        .map_or(1, |offset| line_number_at(text, offset))
}

fn line_number_at(text: &str, offset: usize) -> usize {
    1 + line_ends(&text.as_bytes()[..offset])
}

fn line_ends(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte == b'\n').count()
}

fn has_sse_setting(text: &str, line_number: usize) -> bool {
    let line = text.lines().nth(line_number.saturating_sub(1));
    line.is_some_and(|line| line.contains("SSE_"))
}
