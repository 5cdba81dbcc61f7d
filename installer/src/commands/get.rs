//! `sse get`.

use std::path::PathBuf;

use actix_web_sse::{Cache, Config, Entry};
use serde::Serialize;
use serde_json::value::RawValue;

use super::key_suggestions::suggestion;
use crate::cli::GetArgs;
use crate::exit::{self, Failure};
use crate::output::{Output, json_on_one_line};

/// The entry as `--json` prints it, with the field names of `sse listen --json`.
#[derive(Serialize)]
struct EntryJson<'a> {
    id: String,
    key: &'a str,
    timestamp: &'a str,
    value: &'a RawValue,
}

pub(crate) fn run(app: PathBuf, args: &GetArgs, output: Output) -> Result<u8, Failure> {
    let config = Config::from_dir(app)?;
    let key = &args.key;
    let Some(entry) = Cache::open(&config)?.get_blocking(key)? else {
        let help = suggestion(key, config.events());
        let help = help.unwrap_or_else(|| {
            "it was never saved, or was deleted, or has expired (`sse save --ttl` sets its time to \
             live; 0: until it is swept)"
                .to_owned()
        });
        return Err(Failure::error(format!("`{key}` has no value")).with_help(help));
    };
    let text = if args.json {
        entry_json(&entry)?
    } else {
        entry.value().to_owned()
    };
    output.data(&text)?;
    Ok(exit::DONE)
}

fn entry_json(entry: &Entry) -> Result<String, Failure> {
    let json = serde_json::to_string(&EntryJson {
        id: entry.id().to_string(),
        key: entry.key(),
        timestamp: entry.timestamp(),
        value: serde_json::from_str(entry.value())?,
    })?;
    Ok(json_on_one_line(&json))
}
