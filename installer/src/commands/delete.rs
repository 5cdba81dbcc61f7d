//! `sse delete`.

use std::path::PathBuf;

use actix_web_sse::{Cache, Config};

use super::key_suggestions::suggestion;
use crate::cli::DeleteArgs;
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(app: PathBuf, args: &DeleteArgs, output: Output) -> Result<u8, Failure> {
    let config = Config::from_dir(app)?;
    Cache::open(&config)?.delete_blocking(&args.key)?;
    if let Some(suggestion) = suggestion(&args.key, config.events()) {
        output.warn(suggestion);
    }
    output.note(format!("deleted {}", args.key));
    Ok(exit::DONE)
}
