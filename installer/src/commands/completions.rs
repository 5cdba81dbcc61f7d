//! `sse completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::{self, Failure};
use crate::report::Report;

pub(crate) fn run(shell: Shell, report: Report) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sse", &mut script);
    report.data(String::from_utf8_lossy(&script).trim_end())?;
    Ok(exit::DONE)
}
