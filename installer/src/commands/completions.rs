//! `sse completions`.

use clap::CommandFactory;
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(shell: Shell, output: Output) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "sse", &mut script);
    output.data(String::from_utf8_lossy(&script).trim_end())?;
    Ok(exit::DONE)
}
