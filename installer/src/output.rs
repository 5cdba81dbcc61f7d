//! A command's output: data on standard output; status lines, warnings and errors on
//! standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use actix_web_sse::cli_support::{is_control, one_line};
use anstyle::{AnsiColor, Style};

use crate::exit::Failure;

pub(crate) const ERROR_STYLE: Style = AnsiColor::Red.on_default().bold();
pub(crate) const WARNING_STYLE: Style = AnsiColor::Yellow.on_default().bold();
pub(crate) const HELP_STYLE: Style = AnsiColor::Cyan.on_default().bold();
pub(crate) const DONE_STYLE: Style = AnsiColor::Green.on_default().bold();

/// For what is less important than the text beside it.
pub(crate) const FAINT_STYLE: Style = Style::new().dimmed();

/// Writes a command's output; with `--quiet` only data, warnings and errors.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    quiet: bool,
}

impl Output {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// Prints a line on standard error.
    pub(crate) fn note(self, line: impl Display) {
        if !self.quiet {
            write_line(&line);
        }
    }

    /// Prints what was done to an object, such as `Updated .env`.
    pub(crate) fn status(self, verb: &str, object: impl Display) {
        if !self.quiet {
            write_line(&format_args!("{DONE_STYLE}{verb}{DONE_STYLE:#} {object}"));
        }
    }

    /// Writes the data that the command was run for. It is an error if that fails, unless the
    /// reader closed the pipe.
    pub(crate) fn data(self, text: &str) -> Result<(), Failure> {
        write_data(&mut io::stdout(), text).map(|_| ())
    }

    /// As [`Output::data`], with styles, which only a terminal gets.
    pub(crate) fn styled_data(self, text: &str) -> Result<(), Failure> {
        write_data(&mut anstream::stdout(), text).map(|_| ())
    }

    pub(crate) fn warn(self, message: impl Display) {
        write_line(&format_args!(
            "{WARNING_STYLE}warning{WARNING_STYLE:#}: {message}"
        ));
    }

    /// Prints what the user can do, below a warning.
    pub(crate) fn help(self, help: impl Display) {
        write_help(&help);
    }
}

fn write_help(help: &dyn Display) {
    write_line(&format_args!("{HELP_STYLE}help{HELP_STYLE:#}: {help}"));
}

/// Prints why the command failed, and what the user can do.
pub(crate) fn print_failure(failure: &Failure) {
    write_line(&format_args!(
        "{ERROR_STYLE}error{ERROR_STYLE:#}: {}",
        failure.message()
    ));
    if let Some(help) = failure.help() {
        write_help(&help);
    }
}

/// Errors are ignored: if standard error is closed, only the exit code can report anything.
fn write_line(line: &dyn Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

/// The beginning of a text from a server or a user, on one line and without control characters.
pub(crate) fn excerpt(text: &str) -> String {
    /// Longer than the messages of the library's server.
    const MAX_EXCERPT_CHARS: usize = 500;
    match text.char_indices().nth(MAX_EXCERPT_CHARS) {
        None => one_line(text),
        Some((end, _)) => one_line(&text[..end]) + "\u{2026}",
    }
}

/// JSON on one line, without control characters. Line ends occur only between its tokens, where a space means
/// the same: inside strings JSON escapes them, as it does other control characters below U+007F.
pub(crate) fn json_on_one_line(json: &str) -> String {
    let mut line = String::with_capacity(json.len());
    for character in json.chars() {
        match character {
            '\n' | '\r' => line.push(' '),
            other if is_control(other) => line.push_str(&format!("\\u{:04x}", u32::from(other))),
            other => line.push(other),
        }
    }
    line
}

/// Writes a line; `false` when the output's reader is gone.
pub(crate) fn write_data(out: &mut dyn Write, text: &str) -> Result<bool, Failure> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(
            Failure::error(format!("cannot write to standard output: {error}"))
                .with_help("check where standard output goes, then run the command again"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fails(ErrorKind);

    impl Write for Fails {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn an_excerpt_is_short_and_one_line() {
        assert_eq!(
            excerpt("caf\u{e9}\r\n\u{1b}[31m"),
            "caf\u{e9}\\r\\n\\u{1b}[31m"
        );
        assert_eq!(excerpt(&"x".repeat(60_000)).chars().count(), 501);
    }

    #[test]
    fn json_does_not_control_the_terminal_and_keeps_its_meaning() {
        let json = "[\"a\u{202e}\u{7f}\u{9b}31m\u{e9}\",\n1]";
        let line = json_on_one_line(json);
        assert_eq!(line, "[\"a\\u202e\\u007f\\u009b31m\u{e9}\", 1]");
        let parse = |text: &str| serde_json::from_str::<serde_json::Value>(text).expect("JSON");
        assert_eq!(parse(&line), parse(json));
    }

    #[test]
    fn failing_to_write_data_is_an_error_unless_the_pipe_is_closed() {
        let failure = write_data(&mut Fails(ErrorKind::StorageFull), "x").expect_err("it is full");
        let text = failure.to_string();
        assert!(
            text.contains("standard output") && text.contains("\nhelp: "),
            "{text}"
        );
        let written = write_data(&mut Fails(ErrorKind::BrokenPipe), "x");
        assert!(!written.expect("the reader has left"));
    }
}
