//! `sse get`.

use std::path::PathBuf;

use actix_web_sse::{Cache, Config, Entry, Events};
use serde::Serialize;
use serde_json::value::RawValue;

use super::audiences;
use super::key_suggestions::suggestion;
use crate::cli::GetArgs;
use crate::exit::{self, Failure};
use crate::output::{Output, json_on_one_line};

/// The entry as `--json` prints it, with the field names of `sse listen --json`.
#[derive(Serialize)]
struct EntryJson<'a> {
    id: String,
    key: &'a str,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    audiences: Vec<&'a str>,
    timestamp: &'a str,
    value: &'a RawValue,
}

pub(crate) fn run(app: PathBuf, args: &GetArgs, output: Output) -> Result<u8, Failure> {
    audiences::check(args.to.as_slice())?;
    let config = Config::from_dir(app)?;
    let get = Cache::open(&config)?.get(&args.key);
    let get = match &args.to {
        Some(name) => get.to(name),
        None => get,
    };
    let Some(entry) = get.blocking()? else {
        return Err(no_value(args, config.events()));
    };
    let text = if args.json {
        entry_json(&entry)?
    } else {
        entry.value().to_owned()
    };
    output.data(&text)?;
    Ok(exit::DONE)
}

fn no_value(args: &GetArgs, events: &Events) -> Failure {
    let key = &args.key;
    let message = match &args.to {
        Some(name) => format!("`{key}` has no value for {name}"),
        None => format!("`{key}` has no value"),
    };
    let help = suggestion(key, events).unwrap_or_else(|| {
        if args.to.is_none() && events.is_private(key) {
            return format!(
                "the key is private: name an audience, such as sse get {key} --to user:42"
            );
        }
        "it was never saved, or was deleted, or has expired (`sse save --ttl` sets its time to \
         live; 0: until it is swept)"
            .to_owned()
    });
    Failure::error(message).with_help(help)
}

fn entry_json(entry: &Entry) -> Result<String, Failure> {
    let json = serde_json::to_string(&EntryJson {
        id: entry.id().to_string(),
        key: entry.key(),
        audiences: entry.audiences().collect(),
        timestamp: entry.timestamp(),
        value: serde_json::from_str(entry.value())?,
    })?;
    Ok(json_on_one_line(&json))
}
