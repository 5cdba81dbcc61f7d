//! What a command tells its user: data, which it was run for, on standard output; what
//! it did and what is worth a second look on standard error.

use std::fmt::Display;
use std::io::{self, ErrorKind, Write};

use anstyle::{AnsiColor, Style};

use crate::exit::Failure;

const ERROR: Style = AnsiColor::Red.on_default().bold();
const WARNING: Style = AnsiColor::Yellow.on_default().bold();
const HELP: Style = AnsiColor::Cyan.on_default().bold();
const DONE: Style = AnsiColor::Green.on_default().bold();

/// Where the lines go; with `--quiet` only data, warnings and errors are left.
#[derive(Clone, Copy)]
pub(crate) struct Output {
    quiet: bool,
}

impl Output {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// Whether only data that was asked for is wanted, and warnings.
    pub(crate) fn is_quiet(self) -> bool {
        self.quiet
    }

    /// A line about what was done.
    pub(crate) fn print(self, line: impl Display) {
        if !self.quiet {
            write_line(&line);
        }
    }

    /// What was done with what, `Updated .env` for one.
    pub(crate) fn status(self, verb: &str, what: impl Display) {
        if !self.quiet {
            write_line(&format_args!("{DONE}{verb}{DONE:#} {what}"));
        }
    }

    /// What the command was run for: it is an error if it cannot be written. A reader who
    /// has heard enough is none.
    pub(crate) fn data(self, text: &str) -> Result<(), Failure> {
        write_data(&mut io::stdout(), text)
    }

    pub(crate) fn warn(self, what: impl Display) {
        write_line(&format_args!("{WARNING}warning{WARNING:#}: {what}"));
    }
}

/// Why the command ended, and what can be done about it.
pub(crate) fn print_failure(failure: &Failure) {
    write_line(&format_args!("{ERROR}error{ERROR:#}: {}", failure.what()));
    if let Some(help) = failure.what_to_do() {
        write_line(&format_args!("{HELP}help{HELP:#}: {help}"));
    }
}

/// With standard error closed there is nobody to tell, and the exit code says enough.
fn write_line(line: &dyn Display) {
    let _ = writeln!(anstream::stderr(), "{line}");
}

fn write_data(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::error(format!(
            "cannot write to standard output: {error}"
        ))
        .help("look where it goes, then run the command again")),
        _ => Ok(()),
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
    fn data_that_cannot_be_written_is_an_error_unless_nobody_reads() {
        let failure = write_data(&mut Fails(ErrorKind::StorageFull), "x").expect_err("it is full");
        let text = failure.to_string();
        assert!(
            text.contains("standard output") && text.contains("\nhelp: "),
            "{text}"
        );
        assert!(write_data(&mut Fails(ErrorKind::BrokenPipe), "x").is_ok());
    }
}
