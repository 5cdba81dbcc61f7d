//! What a command tells its user: what it did on standard output, what is worth a
//! second look on standard error.

use std::io::{self, ErrorKind, Write};

use crate::exit::Failure;

/// Where the lines go; with `--quiet` only warnings are left.
#[derive(Clone, Copy)]
pub(crate) struct Report {
    quiet: bool,
}

impl Report {
    pub(crate) fn new(quiet: bool) -> Self {
        Self { quiet }
    }

    /// A line about what was done.
    pub(crate) fn say(self, line: impl AsRef<str>) {
        if !self.quiet {
            // Nobody listens any more (a closed pipe): the work is done all the same.
            let _ = writeln!(io::stdout(), "{}", line.as_ref());
        }
    }

    /// What the command was run for: `--quiet` does not silence it, and it is an error if it
    /// cannot be written. A reader who has heard enough is none.
    pub(crate) fn data(self, text: &str) -> Result<(), Failure> {
        write_data(&mut io::stdout(), text)
    }

    /// A line about what was done, for commands whose output is data.
    pub(crate) fn note(self, line: impl AsRef<str>) {
        if !self.quiet {
            let _ = writeln!(io::stderr(), "{}", line.as_ref());
        }
    }

    pub(crate) fn warn(self, what: impl AsRef<str>) {
        let _ = writeln!(io::stderr(), "warning: {}", what.as_ref());
    }
}

fn write_data(out: &mut dyn Write, text: &str) -> Result<(), Failure> {
    match writeln!(out, "{text}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != ErrorKind::BrokenPipe => Err(Failure::error(format!(
            "cannot write to standard output: {error}"
        ))),
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
        assert!(failure.to_string().contains("standard output"), "{failure}");
        assert!(write_data(&mut Fails(ErrorKind::BrokenPipe), "x").is_ok());
    }
}
