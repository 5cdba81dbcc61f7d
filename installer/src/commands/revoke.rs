//! `sse revoke`.

use std::path::PathBuf;
use std::slice;

use actix_web_sse::{Config, cli_support::cache_of};

use super::audiences;
use crate::cli::RevokeArgs;
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(app: PathBuf, args: &RevokeArgs, output: Output) -> Result<u8, Failure> {
    let name = &args.name;
    audiences::check(slice::from_ref(name))?;
    let config = Config::from_dir(app)?;
    let id = cache_of(&config).revoke_blocking(name)?;
    output.note(format!("revoked {name} ({id})"));
    Ok(exit::DONE)
}
