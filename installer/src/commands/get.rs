//! `sse get`.

use std::path::PathBuf;

use actix_web_sse::{Cache, Config, Entry};
use serde::Serialize;
use serde_json::value::RawValue;

use super::keys::probably_meant;
use crate::cli::GetArgs;
use crate::exit::{self, Failure};
use crate::output::Output;

/// The whole entry, by the names that `sse listen --json` uses.
#[derive(Serialize)]
struct Whole<'a> {
    id: String,
    key: &'a str,
    timestamp: &'a str,
    value: &'a RawValue,
}

pub(crate) fn run(app: PathBuf, args: &GetArgs, output: Output) -> Result<u8, Failure> {
    let config = Config::from_dir(app)?;
    let key = &args.key;
    let Some(entry) = Cache::open(&config)?.get_blocking(key)? else {
        let help = probably_meant(key, config.events());
        let help = help.unwrap_or_else(|| {
            "it was never saved, was deleted, or has outlived its time to live, which \
             `sse save --ttl` sets (0: until it is swept)"
                .to_owned()
        });
        return Err(Failure::error(format!("there is no value under `{key}`")).help(help));
    };
    let text = if args.json {
        whole(&entry)?
    } else {
        entry.value().to_owned()
    };
    output.data(&text)?;
    Ok(exit::DONE)
}

/// In one line, whatever line ends there are between the parts of the value.
fn whole(entry: &Entry) -> Result<String, Failure> {
    let whole = serde_json::from_str(entry.value()).and_then(|value| {
        serde_json::to_string(&Whole {
            id: entry.id(),
            key: entry.key(),
            timestamp: entry.timestamp(),
            value,
        })
    });
    whole
        .map(|text| text.replace(['\n', '\r'], " "))
        .map_err(|error| Failure::error(format!("cannot print the entry: {error}")))
}
