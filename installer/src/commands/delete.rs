//! `sse delete`.

use std::path::PathBuf;

use actix_web_sse::cli_support::has_any_value;
use actix_web_sse::{Cache, Config};

use super::audiences;
use super::key_suggestions::no_event_warning;
use crate::cli::DeleteArgs;
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(app: PathBuf, args: &DeleteArgs, output: Output) -> Result<u8, Failure> {
    audiences::check(args.to.as_slice())?;
    let config = Config::from_dir(app)?;
    let cache = Cache::open(&config)?;
    let key = &args.key;
    // Another process may save in between. Then it counts as saved after the deletion.
    let (has_value, delete, recipients) = match &args.to {
        Some(name) => (
            cache.get(key).to(name).blocking()?.is_some(),
            cache.delete(key).to(name),
            format!(" for {name}"),
        ),
        None => (
            has_any_value(&cache, key)?,
            cache.delete(key),
            String::new(),
        ),
    };
    if has_value {
        delete.blocking()?;
    }
    if config.events().of_key(key).next().is_none() {
        output.warn(no_event_warning(key, config.events()));
    }
    output.note(match has_value {
        true => format!("deleted {key}{recipients}"),
        false => format!("`{key}` has no value{recipients}: nothing to delete"),
    });
    Ok(exit::DONE)
}
