//! `sse save`.

use std::io::{self, Read};
use std::path::PathBuf;

use actix_web_sse::{Config, cli_support::cache_of};
use serde_json::value::{RawValue, to_raw_value};

use super::audiences;
use super::json_slip;
use super::key_suggestions::no_event_warning;
use crate::cli::SaveArgs;
use crate::exit::{self, Failure};
use crate::output::Output;

/// White space around JSON is not a part of the value, and so much of it is a mistake. Up to here, an error
/// names the length of the value.
const MAX_INPUT_BYTES_PER_VALUE_BYTE: usize = 16;

pub(crate) fn run(app: PathBuf, args: &SaveArgs, output: Output) -> Result<u8, Failure> {
    audiences::check(&args.to)?;
    let config = Config::from_dir(app)?;
    let text = read_value(args, config.max_value_bytes())?;
    let (value, slip) = parse_value(&text, args.text)?;
    let save = cache_of(&config).save(&args.key, value);
    let save = match args.ttl {
        Some(ttl) => save.ttl(ttl),
        None => save,
    };
    // An empty list of audiences would be an error.
    let save = match args.to.as_slice() {
        [] => save,
        names => save.to(names),
    };
    let id = save.blocking()?;
    if let Some(slip) = slip {
        output.warn(format!(
            "the value begins like JSON, but is not, so it was saved as text: {slip}"
        ));
        output.help("correct the value, or save it as text without this warning: sse save --text");
    }
    let events: Vec<&str> = config.events().of_key(&args.key).collect();
    let recipients = match args.to.as_slice() {
        [] => String::new(),
        names => format!(
            " for {}",
            audiences::joined(names.iter().map(String::as_str))
        ),
    };
    if events.is_empty() {
        output.warn(no_event_warning(&args.key, config.events()));
        output.note(format!("saved {} ({id}){recipients}", args.key));
    } else {
        output.note(format!(
            "saved {} ({id}); triggers {}{recipients}",
            args.key,
            events.join(", ")
        ));
    }
    Ok(exit::DONE)
}

fn read_value(args: &SaveArgs, limit: usize) -> Result<String, Failure> {
    if args.value == "-" {
        read_text(io::stdin(), limit)
    } else {
        Ok(args.value.clone())
    }
}

/// The JSON to save, and the slip if the text was probably meant to be JSON.
fn parse_value(text: &str, is_text: bool) -> Result<(Box<RawValue>, Option<String>), Failure> {
    let as_text = || to_raw_value(text);
    if is_text {
        return Ok((as_text()?, None));
    }
    match serde_json::from_str(text) {
        Ok(json) => Ok((json, None)),
        Err(_) => Ok((as_text()?, json_slip::slip(text))),
    }
}

/// Reads text, without the newline that shell tools add at its end. `limit` is that of a value, in bytes.
fn read_text(input: impl Read, limit: usize) -> Result<String, Failure> {
    let max_bytes = limit * MAX_INPUT_BYTES_PER_VALUE_BYTE;
    let mut bytes = Vec::new();
    let read = input.take(max_bytes as u64 + 1).read_to_end(&mut bytes);
    read.map_err(|error| {
        Failure::error(format!(
            "cannot read the value from standard input: {error}"
        ))
    })?;
    if bytes.len() > max_bytes {
        return Err(Failure::error(format!(
            "standard input has more than {max_bytes} bytes; a value has at most {limit}"
        ))
        .with_help("save an id and let the page fetch the rest"));
    }
    let text = String::from_utf8(bytes).map_err(|_| {
        Failure::error("the value on standard input is not valid UTF-8")
            .with_help("convert it to UTF-8, or encode binary data: base64 FILE | sse save KEY -")
    })?;
    let line = text.strip_suffix('\n').unwrap_or(&text);
    Ok(line.strip_suffix('\r').unwrap_or(line).to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(value: &str, is_text: bool) -> String {
        let parsed = parse_value(value, is_text);
        let (json, _) = parsed.unwrap_or_else(|failure| panic!("{failure}"));
        json.get().to_owned()
    }

    #[test]
    fn a_value_that_is_not_json_is_text() {
        for (value, json) in [
            ("{\"z\": 1, \"a\": 2.10}", "{\"z\": 1, \"a\": 2.10}"),
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
    fn standard_input_loses_one_newline_and_must_be_utf8() {
        for (bytes, text) in [("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), ("", "")] {
            assert_eq!(read_text(bytes.as_bytes(), 3).expect("valid UTF-8"), text);
        }
        let failure = read_text(&b"\xff"[..], 3)
            .expect_err("it is not text")
            .to_string();
        assert!(failure.contains("not valid UTF-8\nhelp: "), "{failure}");
    }

    #[test]
    fn endless_input_is_refused_with_the_limit_of_a_value() {
        let failure = read_text(io::repeat(0), 3).expect_err("it is endless");
        let text = failure.to_string();
        assert!(
            text.contains("more than 48 bytes; a value has at most 3\nhelp: "),
            "{text}"
        );
        let spaces = " ".repeat(47);
        let text = read_text(format!("1{spaces}").as_bytes(), 3);
        assert_eq!(text.expect("it is short enough").trim_end(), "1");
    }
}
