//! `sse delete`.

use std::path::PathBuf;

use actix_web_sse::{Cache, Config};

use super::key_suggestions::no_event_warning;
use crate::cli::DeleteArgs;
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(app: PathBuf, args: &DeleteArgs, output: Output) -> Result<u8, Failure> {
    let config = Config::from_dir(app)?;
    let cache = Cache::open(&config)?;
    let key = &args.key;
    // Another process may save in between. Then it counts as saved after the deletion.
    let has_value = cache.get_blocking(key)?.is_some();
    if has_value {
        cache.delete_blocking(key)?;
    }
    if config.events().of_key(key).next().is_none() {
        output.warn(no_event_warning(key, config.events()));
    }
    output.note(match has_value {
        true => format!("deleted {key}"),
        false => format!("`{key}` has no value: nothing to delete"),
    });
    Ok(exit::DONE)
}
