//! `.env` as dotenvy reads it, with the line of each setting. The `sse` command reads it here, too.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
    sync::Mutex,
};

use super::{
    env_bytes,
    env_lines::{self, EnvLine, EnvLineKind},
    event_mistakes,
    events::Events,
    table::{SETTINGS, rows},
};
use crate::{
    error::{Error, ErrorKind, Location},
    runtime::lock,
};

const LINE_HELP: &str = "write KEY=value; close every quote, put a value that has spaces in quotes, \
    and write no space after a comma";

/// A file that may have lines which cannot be read.
#[derive(Debug, Default)]
pub struct EnvFile {
    /// The file's bytes.
    pub bytes: Vec<u8>,
    /// All lines, in the order of the file.
    pub lines: Vec<EnvLine>,
}

impl EnvFile {
    /// Splits the bytes of a file into lines, and parses each.
    #[must_use]
    pub fn new(bytes: Vec<u8>) -> Self {
        let lines = env_lines::split(&bytes);
        Self { bytes, lines }
    }

    /// Reads the file; `None` if it does not exist.
    ///
    /// # Errors
    ///
    /// Fails if the file cannot be read.
    pub fn read(path: &Path) -> Result<Option<Self>, Error> {
        Ok(env_bytes::read(path)?.map(Self::new))
    }

    /// The text of a line, without white space around it.
    #[must_use]
    pub fn text(&self, line: &EnvLine) -> String {
        let text = String::from_utf8_lossy(&self.bytes[line.range.clone()]);
        text.trim().to_owned()
    }

    /// All assignments, each as the number of its line, its name and its value.
    pub fn assignments(&self) -> impl Iterator<Item = (usize, &str, &str)> {
        self.lines.iter().filter_map(|line| match &line.kind {
            EnvLineKind::Assignment { name, value } => Some((line.number, &**name, &**value)),
            _ => None,
        })
    }

    /// The line and the value of the setting `name`. The first of several lines counts, as with dotenvy.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<(usize, &str)> {
        let (line, _, value) = self.assignments().find(|(_, other, _)| *other == name)?;
        Some((line, value))
    }

    /// The lines that dotenvy cannot read.
    pub fn unreadable_lines(&self) -> impl Iterator<Item = &EnvLine> {
        let is_unreadable = |line: &&EnvLine| line.kind == EnvLineKind::Unreadable;
        self.lines.iter().filter(is_unreadable)
    }

    /// Checks what can be wrong with the file as a whole. A line that cannot be read only causes a warning if
    /// another program reads it.
    ///
    /// # Errors
    ///
    /// Fails if the file is not valid UTF-8, if a line cannot be read whose text contains an `SSE_` setting, or if
    /// the value of a setting spans lines: an unclosed quote makes the rest of the file part of one value.
    pub fn check(&self, path: &Path) -> Result<(), Error> {
        if let Err(error) = str::from_utf8(&self.bytes) {
            let valid = &self.bytes[..error.valid_up_to()];
            let line = 1 + env_lines::line_ends(valid);
            return Err(line_error("this line is not valid UTF-8", path, line)
                .with_help("save the file as UTF-8"));
        }
        let is_ours = |line: &&EnvLine| self.text(line).contains("SSE_");
        if let Some(line) = self.unreadable_lines().find(is_ours) {
            return Err(self.unreadable_line(line, path));
        }
        self.refuse_values_over_lines(path)?;
        if let Some(warning) = self.new_warning(path) {
            tracing::warn!("{warning}");
        }
        Ok(())
    }

    /// A value that spans lines probably lacks its closing quote, and the next quote in the file closes it. The lines
    /// between may contain passwords, and visitors read the errors about a value. Some programs end a line with
    /// other characters, so these count, too.
    fn refuse_values_over_lines(&self, path: &Path) -> Result<(), Error> {
        let long = self.lines.iter().find_map(|line| match &line.kind {
            EnvLineKind::Assignment { name, .. } if self.text(line).contains(ends_line) => {
                let info = SETTINGS.iter().find(|info| info.name == *name)?;
                Some((line.number, info.name))
            }
            _ => None,
        });
        let Some((line, name)) = long else {
            return Ok(());
        };
        let message = format!("the value of {name} spans several lines");
        Err(line_error(&message, path, line).with_help("close its quote in the same line"))
    }

    /// Shows only the value of a setting of the library: the text after an open quote may be a password.
    fn unreadable_line(&self, line: &EnvLine, path: &Path) -> Error {
        let text = String::from_utf8_lossy(&self.bytes[line.range.clone()]);
        let text = text.lines().next().unwrap_or_default();
        let setting = SETTINGS.iter().find_map(|info| {
            let start = event_mistakes::value_start(text, info.name)?;
            Some((info.name, start))
        });
        let error = |message: &str| line_error(message, path, line.number);
        let Some((name, value_start)) = setting else {
            return error("this line is not valid").with_help(LINE_HELP);
        };
        let problem = event_mistakes::in_line(text, value_start);
        let problem = problem.unwrap_or_else(|| "is not valid".into());
        let help = if name == rows::events.name {
            // Without the comment at the end of the line.
            let value = text[value_start..].split(" #").next().unwrap_or_default();
            Events::help(value)
        } else {
            LINE_HELP.into()
        };
        error(&format!("{name} {problem}")).with_help(help)
    }

    /// What to log about the broken lines of other programs, unless it is the same as the last time: the
    /// file is read at each attempt to start.
    fn new_warning(&self, path: &Path) -> Option<String> {
        static LAST_WARNINGS: Mutex<BTreeMap<PathBuf, Option<String>>> =
            Mutex::new(BTreeMap::new());
        let mut lines = self.unreadable_lines();
        let warning = lines.next().map(|first| {
            let (path, first) = (path.display(), first.number);
            let these = match lines.count() {
                0 => "this line is".to_owned(),
                others => format!("this line and {others} more are"),
            };
            // Without the text of the lines, which may be a password.
            format!("{path}:{first}: {these} not valid; the SSE_ settings of other lines are used")
        });
        let last = lock(&LAST_WARNINGS).insert(path.to_owned(), warning.clone());
        if last.flatten() == warning {
            None
        } else {
            warning
        }
    }
}

fn ends_line(c: char) -> bool {
    matches!(c, '\n'..='\r' | '\u{85}')
}

fn line_error(message: &str, path: &Path, line: usize) -> Error {
    Error::new(ErrorKind::Config, message).with_location(Location::line(path, line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unreadable_list_of_events_is_explained_and_corrected() {
        for (line, problem, help) in [
            (
                "SSE_EVENTS = a : k",
                "SSE_EVENTS has a space in column 15, and is not in quotes",
                "a:k",
            ),
            (
                "export SSE_EVENTS=a:k, b:l # two",
                "SSE_EVENTS has a space in column 23,",
                "a:k,b:l",
            ),
            (
                "SSE_EVENTS='a:k",
                "SSE_EVENTS has a quote (') in column 12 that is not closed",
                "a:k",
            ),
            (
                "SSE_EVENTS: a:k; b:l",
                "SSE_EVENTS has a space in column 17,",
                "a:k,b:l",
            ),
        ] {
            let file = EnvFile::new(format!("A=1\n{line}\nPASSWORD=secret\n").into());
            let error = file.check(Path::new("/app/.env")).unwrap_err();
            assert!(error.to_string().starts_with(problem), "{line}: {error}");
            assert_eq!(error.help(), Some(&*format!("write SSE_EVENTS={help}")));
            assert_eq!(error.location().unwrap().line_number(), Some(2));
            assert!(!format!("{error:?}").contains("secret"));
        }
    }

    #[test]
    fn a_quote_that_reaches_other_lines_is_refused_without_them() {
        for line in [
            "SSE_EVENTS=\"a:k,b:l",
            "SSE_TTL=\"5",
            "export SSE_CACHE=\"a",
            "SSE_EVENTS=\"a:k\rPASSWORD=secret\r",
            "SSE_EVENTS='a:k\u{b}PASSWORD=secret'\nC=\"",
        ] {
            let file = EnvFile::new(format!("A=1\n{line}\nPASSWORD=secret\nB=5\"\n").into());
            let error = file.check(Path::new("/app/.env")).unwrap_err();
            let text = format!("{error} {}", error.help().unwrap());
            assert!(text.contains("(/app/.env:2) close its quote"), "{text}");
            assert!(!format!("{text}{error:?}").contains("secret"), "{text}");
        }
        let escaped = EnvFile::new(b"B=\"1\n2\"\nSSE_CACHE=\"a\\nb\"\n".to_vec());
        assert!(escaped.check(Path::new("/app/.env")).is_ok());
    }

    #[test]
    fn broken_lines_of_other_programs_are_logged_together_and_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".env");
        let warning = |text: &str| {
            let warning = EnvFile::new(text.into()).new_warning(&path)?;
            Some(warning.replace(&path.display().to_string(), ""))
        };
        let expected = |start: &str| {
            let rest = "not valid; the SSE_ settings of other lines are used";
            Some(format!("{start} {rest}"))
        };
        let broken = "A=1\nTITLE=two words\nB=1\n";
        assert_eq!(warning(broken), expected(":2: this line is"));
        assert_eq!(warning(broken), None, "nothing has changed");
        let many = broken.repeat(3);
        assert_eq!(warning(&many), expected(":2: this line and 2 more are"));
        assert_eq!(warning(&many), None);
        assert_eq!(warning("A=1\n"), None);
        assert_eq!(warning(broken), expected(":2: this line is"));
    }
}
