//! `sse save`.

use std::io::{self, ErrorKind, Read};
use std::path::PathBuf;

use actix_web_sse::{Cache, Config};
use serde_json::value::{RawValue, to_raw_value};

use super::keys::nobody_listens;
use crate::cli::SaveArgs;
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(app: PathBuf, args: &SaveArgs, output: Output) -> Result<u8, Failure> {
    let value = value(args)?;
    let config = Config::from_dir(app)?;
    let cache = Cache::open(&config)?;
    let save = cache.save(&args.key, value);
    let save = match args.ttl {
        Some(ttl) => save.ttl(ttl),
        None => save,
    };
    let number = save.blocking()?;
    let events: Vec<&str> = config.events().of_key(&args.key).collect();
    if events.is_empty() {
        output.warn(nobody_listens(&args.key, config.events()));
        output.print(format!("saved {} as number {number}", args.key));
    } else {
        output.print(format!(
            "saved {} as number {number}; fires {}",
            args.key,
            events.join(", ")
        ));
    }
    Ok(exit::DONE)
}

fn value(args: &SaveArgs) -> Result<Box<RawValue>, Failure> {
    let text = if args.value == "-" {
        read(io::stdin())?
    } else {
        args.value.clone()
    };
    let json = if args.text {
        None
    } else {
        serde_json::from_str::<Box<RawValue>>(&text).ok()
    };
    match json {
        Some(json) => Ok(json),
        None => to_raw_value(&text)
            .map_err(|error| Failure::error(format!("the value cannot be saved: {error}"))),
    }
}

/// The text without the newline that a shell's tools put at its end.
fn read(mut input: impl Read) -> Result<String, Failure> {
    let mut text = String::new();
    input
        .read_to_string(&mut text)
        .map_err(|error| match error.kind() {
            ErrorKind::InvalidData => Failure::error("the value on standard input is no UTF-8")
                .help("convert it, or for bytes that are no text: base64 FILE | sse save KEY -"),
            _ => Failure::error(format!(
                "cannot read the value from standard input: {error}"
            )),
        })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str, text: bool) -> String {
        let args = SaveArgs {
            key: "k".to_owned(),
            value: value.to_owned(),
            text,
            ttl: None,
        };
        super::value(&args).expect("it is a value").get().to_owned()
    }

    #[test]
    fn a_value_is_json_or_else_text() {
        for (value, json) in [
            ("{\"order\": 42}", "{\"order\": 42}"),
            ("12345678901234567890123", "12345678901234567890123"),
            ("shipped", "\"shipped\""),
            ("{broken", "\"{broken\""),
            ("", "\"\""),
        ] {
            assert_eq!(parse(value, false), json);
        }
        assert_eq!(parse("1", true), "\"1\"");
    }

    #[test]
    fn standard_input_loses_one_newline_and_must_be_text() {
        for (bytes, text) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("", "")] {
            assert_eq!(read(bytes.as_bytes()).expect("it is text"), text);
        }
        let failure = read(&b"\xff"[..]).expect_err("it is no text").to_string();
        assert!(failure.contains("no UTF-8\nhelp: "), "{failure}");
    }
}
