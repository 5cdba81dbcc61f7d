//! `sse completions`.

use clap_complete::Shell;

use crate::completion;
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(shell: Shell, output: Output) -> Result<u8, Failure> {
    let mut script = Vec::new();
    completion::write_script(shell, &mut script)
        .map_err(|error| Failure::error(format!("cannot write a script for {shell}: {error}")))?;
    output.data(String::from_utf8_lossy(&script).trim())?;
    Ok(exit::DONE)
}
