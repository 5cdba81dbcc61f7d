//! Recognises what was probably meant by an `SSE_EVENTS` that cannot be parsed.

use super::{events::RESERVED_PREFIX, private_mark};
use crate::key;

/// Characters that people put around names or the whole list, as in other formats.
const ENCLOSING_CHARS: &[char] = &[
    '"', '\'', '`', '\u{201c}', '\u{201d}', '\u{2018}', '\u{2019}', '{', '}', '[', ']',
];

/// Signs that people write between event and key instead of the colon. The longer ones first: `=` is a part of `=>`.
const ARROWS: [&str; 4] = ["=>", "->", "\u{2192}", "="];

/// Why an item of the list is not a pair, as the continuation of the sentence "contains `item`"; `None` if the
/// mistake is another one.
pub(super) fn in_item(item: &str) -> Option<String> {
    let separated_by = |sign: &str| Some(format!(": pairs are separated by commas, not by {sign}"));
    let lacks_colon =
        |sign: &str| format!(": event and cache key are separated by `:`, not by {sign}");
    if let Some(mistake) = private_mark::mistake(item) {
        return Some(mistake.reason);
    }
    if pair_without_colon(item).is_some() {
        let sign = if item.contains(';') { "`;`" } else { "a space" };
        return Some(lacks_colon(sign));
    }
    if item.contains(';') {
        return separated_by("`;`");
    }
    if item.contains('\n') {
        return separated_by("line ends");
    }
    if private_mark::is_mark(item) {
        return Some(": the mark of a private cache key follows the key after a `:`".into());
    }
    let Some((event, key)) = item.split_once(':') else {
        let arrow = ARROWS.into_iter().find(|arrow| item.contains(arrow));
        return Some(match arrow {
            Some(arrow) => lacks_colon(&format!("`{arrow}`")),
            None => ", which lacks its `:cache_key`".into(),
        });
    };
    // Without a colon between them, the mark would be taken for the cache key.
    let arrow = ARROWS.into_iter().find(|arrow| event.contains(arrow));
    if let Some(arrow) = arrow.filter(|_| private_mark::is_mark(key.trim())) {
        return Some(lacks_colon(&format!("`{arrow}`")));
    }
    if key.contains(':') && item.split_whitespace().all(|pair| pair.contains(':')) {
        return item
            .contains(char::is_whitespace)
            .then(|| separated_by("spaces"))
            .flatten();
    }
    let is_quoted =
        |name: &str| name.trim().starts_with(is_quote) || name.trim().ends_with(is_quote);
    (is_quoted(event) || is_quoted(key)).then(|| {
        ": quotes are not a part of the names; put them around the whole value only".into()
    })
}

fn is_quote(character: char) -> bool {
    ENCLOSING_CHARS[..7].contains(&character)
}

/// The list with the usual mistakes corrected. It may still be no valid list.
pub(super) fn corrected(list: &str) -> String {
    let mut pairs: Vec<String> = Vec::new();
    for item in list.split([',', '\n']) {
        let item = &*with_corrected_mark(item);
        if let Some(pair) = pair_without_colon(item) {
            pairs.push(pair);
            continue;
        }
        for item in item.split(';') {
            match pairs.last_mut() {
                Some(last) if private_mark::is_similar(strip(item)) => {
                    *last = marked(last);
                }
                _ => pairs.extend(corrected_pairs(item)),
            }
        }
    }
    pairs.join(",")
}

/// The pair with a mark, unless it has one.
fn marked(pair: &str) -> String {
    let (_, key) = pair.split_once(':').unwrap_or((pair, ""));
    let (_, is_private) = private_mark::split(key);
    private_mark::with_mark(pair, !is_private)
}

/// Two names with another sign than the colon between them are probably an event and its cache key.
fn pair_without_colon(item: &str) -> Option<String> {
    let names = item.split(|c: char| c == ';' || c.is_whitespace());
    let names: Vec<&str> = names.map(strip).filter(|name| !name.is_empty()).collect();
    match names.as_slice() {
        [event, key] if !item.contains([':', '\n', '=', '>', '\u{2192}']) => {
            // A mark after a single name, which is then also the key's.
            Some(match private_mark::is_similar(key) {
                true => private_mark::with_mark(&format!("{event}:{event}"), true),
                false => format!("{event}:{key}"),
            })
        }
        _ => None,
    }
}

/// The pairs of an item, which spaces may separate.
fn corrected_pairs(item: &str) -> Vec<String> {
    let mut item = strip(&with_corrected_mark(item)).to_owned();
    let (event, rest) = item.split_once(':').unwrap_or((&item, ""));
    if (rest.is_empty() || private_mark::is_mark(rest.trim()))
        && let Some(arrow) = ARROWS.into_iter().find(|arrow| event.contains(arrow))
    {
        item = with_corrected_mark(&item.replacen(arrow, ":", 1));
    }
    let (unmarked, is_private) = match item.split_once(':') {
        Some((_, rest)) if private_mark::split(rest).1 => (item.rsplit_once(':'), true),
        _ => (None, false),
    };
    let unmarked = unmarked.map_or(&*item, |(unmarked, _)| unmarked);
    let names = unmarked.split(':').map(strip);
    let names: Vec<&str> = names.filter(|name| !name.is_empty()).collect();
    let pair = private_mark::with_mark(&names.join(":"), is_private);
    match names.as_slice() {
        [] => Vec::new(),
        // Then the cache key often has the same name.
        [name] => vec![private_mark::with_mark(
            &format!("{name}:{name}"),
            is_private,
        )],
        [_, _] => vec![pair],
        _ => pair.split_whitespace().map(with_corrected_mark).collect(),
    }
}

fn with_corrected_mark(item: &str) -> String {
    let mistake = private_mark::mistake(item);
    mistake.map_or_else(|| item.to_owned(), |mistake| mistake.corrected)
}

/// The list with names that are similar and allowed. It may still be no valid list.
pub(super) fn with_allowed_names(list: &str) -> String {
    let pairs = list.split(',').map(|pair| {
        let (event, key) = pair.split_once(':').unwrap_or((pair, ""));
        let (key, is_private) = private_mark::split(key);
        let key = key::with_allowed_chars(key);
        let pair = match event.strip_prefix(RESERVED_PREFIX) {
            Some(rest) => format!("sse_{rest}:{key}"),
            None => format!("{event}:{key}"),
        };
        private_mark::with_mark(&pair, is_private)
    });
    pairs.collect::<Vec<_>>().join(",")
}

fn strip(text: &str) -> &str {
    text.trim_matches(|c: char| c.is_whitespace() || ENCLOSING_CHARS.contains(&c))
}

/// Where the value of the setting `name` starts in a line of `.env`, also in the form `name: value`; `None` if the
/// line does not begin with that setting.
pub(super) fn value_start(line: &str, name: &str) -> Option<usize> {
    let rest = line.trim_start();
    let rest = rest.strip_prefix("export ").unwrap_or(rest).trim_start();
    let rest = rest.strip_prefix(name)?.trim_start();
    let rest = rest.strip_prefix(['=', ':'])?.trim_start();
    Some(line.len() - rest.len())
}

/// Why dotenvy cannot read the value that starts at this byte of the line, as the continuation of a sentence that
/// starts with the setting's name. Columns are counted from 1. `None` if the reason is another one.
pub(super) fn in_line(line: &str, value_start: usize) -> Option<String> {
    let column = |at: usize| line[..value_start + at].chars().count() + 1;
    let value = line[value_start..].trim_end();
    let mut open_quote = None;
    for (at, character) in value.char_indices() {
        match open_quote {
            Some((_, quote)) if character == quote => open_quote = None,
            None if matches!(character, '"' | '\'') => open_quote = Some((at, character)),
            None if character.is_whitespace() => {
                let column = column(at);
                return Some(format!(
                    "has a space in column {column}, and is not in quotes"
                ));
            }
            _ => {}
        }
    }
    let (at, quote) = open_quote?;
    let column = column(at);
    Some(format!(
        "has a quote ({quote}) in column {column} that is not closed"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn usual_mistakes_are_corrected() {
        for (list, expected) in [
            ("a : b", "a:b"),
            ("a;k", "a:k"),
            ("a k", "a:k"),
            ("a;k,b;l", "a:k,b:l"),
            ("a k, b:l", "a:k,b:l"),
            ("a:k;b:l", "a:k,b:l"),
            ("a:k; b:l;", "a:k,b:l"),
            ("a=k,b => l, c->m", "a:k,b:l,c:m"),
            ("a:k b:l", "a:k,b:l"),
            ("a : k  b : l", "a:k,b:l"),
            ("a:k\nb:l\r\n", "a:k,b:l"),
            ("\"a\":\"k\",'b':'l'", "a:k,b:l"),
            ("{\"a\": \"k\"}", "a:k"),
            ("a::k", "a:k"),
            ("a,b:l", "a:a,b:l"),
            ("a:my key", "a:my key"),
            ("", ""),
        ] {
            assert_eq!(corrected(list), expected, "{list:?}");
        }
    }

    #[test]
    fn the_column_of_a_slip_is_counted_in_characters() {
        for (line, slip) in [
            ("SSE_EVENTS=a : b", "space in column 13,"),
            ("SSE_EVENTS=\u{e4}:k, b:l", "space in column 16,"),
            ("export SSE_EVENTS = \"a:k\" , b", "space in column 26,"),
            ("SSE_EVENTS='a : k", "quote (') in column 12 "),
        ] {
            let start = value_start(line, "SSE_EVENTS").unwrap();
            let found = in_line(line, start).unwrap();
            assert!(found.contains(slip), "{line}: {found}");
        }
        assert_eq!(in_line("SSE_EVENTS=a:k", 11), None);
        assert_eq!(value_start("SSE_EVENTS: a:k", "SSE_EVENTS"), Some(12));
        for other in [
            "# SSE_EVENTS=a",
            "SSE_EVENT=a",
            "SSE_EVENTS_OLD=a",
            "SSE_EVENTS a",
        ] {
            assert_eq!(value_start(other, "SSE_EVENTS"), None, "{other}");
        }
    }
}
