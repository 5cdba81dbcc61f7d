//! Names of events and keys with every kind of character that they may contain.

/// Names that resemble fields, methods or markup, but are just names.
const EVENTS: [&str; 46] = [
    "message",
    "data",
    "id",
    "event",
    "retry",
    "sse",
    "Open",
    "ERROR",
    "a b",
    "k\u{e4}se",
    "\u{feff}bom",
    "bom\u{feff}",
    "a\u{2028}b",
    "a\u{2029}b",
    "a\u{a0}b",
    "\u{200b}zero",
    "\u{202e}rtl",
    "\u{1f600}",
    "e\u{301}",
    "it's",
    "a\"b",
    "\\",
    "\\n",
    "%0a",
    "%0D%0A",
    "&amp",
    "<b>",
    "#x",
    "=x",
    "a=b",
    "&",
    "$HOME",
    "a`x`b",
    "__proto__",
    "constructor",
    "toString",
    "hasOwnProperty",
    "-",
    "[]",
    "{}",
    "(",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "**",
    "@",
];

/// Keys, which are also names of files.
const KEYS: [&str; 45] = [
    "event_cache_key1",
    "a b",
    "k\u{e4}se",
    "\u{feff}bom",
    "bom\u{feff}",
    "a\u{2028}b",
    "a\u{2029}b",
    "a\u{a0}b",
    "\u{200b}zero",
    "\u{202e}rtl",
    "\u{1f600}",
    "e\u{301}",
    "\u{e9}",
    "it's",
    "a\"b",
    "%0a",
    "%00",
    "&amp",
    "<b>",
    "#x",
    "=x",
    "a=b",
    "&",
    "$HOME",
    "a`x`b",
    "__proto__",
    "constructor",
    "-",
    "--text",
    "[]",
    "*",
    "?",
    "~",
    "|",
    "!",
    "+",
    "^",
    "CON",
    "a.b",
    "lock",
    "\u{fffd}",
    "\u{ffff}",
    "\u{10ffff}",
    "data",
    "0",
];

/// The pairs of event and key, as in `SSE_EVENTS`.
pub(crate) fn pairs() -> Vec<(String, String)> {
    let mut pairs: Vec<(String, String)> = EVENTS
        .iter()
        .zip(KEYS)
        .map(|(event, key)| ((*event).to_owned(), key.to_owned()))
        .collect();
    pairs.push(("n".repeat(2_000), "k".repeat(255)));
    for event in ["one", "two", "three"] {
        pairs.push((event.to_owned(), "feeds three".to_owned()));
    }
    pairs
}

/// The value of the environment variable.
pub(crate) fn sse_events(pairs: &[(String, String)]) -> String {
    let items: Vec<String> = pairs
        .iter()
        .map(|(event, key)| format!("{event}:{key}"))
        .collect();
    items.join(",")
}

/// Keys that lead out of the folder or could forge something.
pub(crate) const INVALID_KEYS: [&str; 14] = [
    "",
    ".",
    "..",
    ".sse",
    "../k",
    "a/b",
    "a\\b",
    "a:b",
    "a,b",
    "a\nb",
    "a\r\nid: 1",
    "a\0b",
    "a\u{85}b",
    "\u{1b}[31m",
];
