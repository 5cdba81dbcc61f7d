//! As much of JavaScript as it takes to see which events a script listens to.

/// A call that adds a listener.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listener {
    /// The event, unless it is worked out while the script runs.
    pub(super) event: Option<String>,
    pub(super) line: usize,
}

/// The methods that add one.
const METHODS: [&str; 3] = [".addEventListener", ".once", ".on"];

/// Whose events are the browser's own.
const NOT_STREAMS: [&str; 7] = [
    "window",
    "document",
    "body",
    "documentElement",
    "globalThis",
    "self",
    "navigator",
];

/// Where in the text the scanner is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum State {
    Code,
    LineComment,
    BlockComment,
    Quoted(char),
    /// A regular expression, and whether in a class of it, where a slash ends nothing.
    Pattern {
        in_class: bool,
    },
}

/// The text with spaces in the place of comments, so that every line keeps its number.
pub(super) fn without_comments(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut state = State::Code;
    let mut before = None;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        let escaped = c == '\\' && matches!(state, State::Quoted(_) | State::Pattern { .. });
        if escaped {
            kept.push(c);
            kept.extend(chars.next());
            continue;
        }
        let (now, is_comment) = match (state, c) {
            (State::Code, '/') if next == Some('/') => (State::LineComment, true),
            (State::Code, '/') if next == Some('*') => {
                // The star must not end what it begins.
                chars.next();
                kept.push(' ');
                (State::BlockComment, true)
            }
            (State::Code, '/') if begins_pattern(before) => {
                (State::Pattern { in_class: false }, false)
            }
            (State::Code, '\'' | '"' | '`') => (State::Quoted(c), false),
            (State::LineComment, '\n') => (State::Code, false),
            (State::BlockComment, '*') if next == Some('/') => {
                chars.next();
                kept.push(' ');
                (State::Code, true)
            }
            (State::Quoted(quote), _) if c == quote => (State::Code, false),
            // Only a template goes on behind the line's end.
            (State::Quoted('\'' | '"') | State::Pattern { .. }, '\n') => (State::Code, false),
            (State::Pattern { .. }, '[') => (State::Pattern { in_class: true }, false),
            (State::Pattern { .. }, ']') => (State::Pattern { in_class: false }, false),
            (State::Pattern { in_class: false }, '/') => (State::Code, false),
            (State::LineComment | State::BlockComment, _) => (state, c != '\n'),
            (State::Code | State::Quoted(_) | State::Pattern { .. }, _) => (state, false),
        };
        kept.push(if is_comment { ' ' } else { c });
        if !is_comment && !c.is_whitespace() {
            before = Some(c);
        }
        state = now;
    }
    kept
}

/// Whether a slash behind this character begins a regular expression, and is no division.
fn begins_pattern(before: Option<char>) -> bool {
    before.is_none_or(|c| "(,=:[!&|?{};+-*%<>~^".contains(c))
}

/// Every call that adds a listener to what may be a stream. The text has no comments.
pub(super) fn listeners(code: &str) -> Vec<Listener> {
    let mut found = Vec::new();
    for method in METHODS {
        for (at, _) in code.match_indices(method) {
            let Some(arguments) = arguments(&code[at + method.len()..]) else {
                continue;
            };
            if NOT_STREAMS.contains(&receiver(&code[..at])) {
                continue;
            }
            let Some(event) = first_argument(arguments) else {
                continue;
            };
            let line = 1 + code[..at].matches('\n').count();
            found.push(Listener { event, line });
        }
    }
    found.sort_by_key(|listener| listener.line);
    found
}

fn arguments(behind: &str) -> Option<&str> {
    behind.trim_start().strip_prefix('(').map(str::trim_start)
}

/// The name in front of the dot, of `a.b?.` it is `b`.
fn receiver(before: &str) -> &str {
    let before = before.trim_end().trim_end_matches('?').trim_end();
    let is_name = |c: char| c.is_alphanumeric() || c == '_' || c == '$';
    let start = before
        .char_indices()
        .rev()
        .take_while(|(_, c)| is_name(*c))
        .last()
        .map_or(before.len(), |(at, _)| at);
    &before[start..]
}

/// `Some(None)`: an event whose name does not stand there.
fn first_argument(arguments: &str) -> Option<Option<String>> {
    let first = arguments.chars().next()?;
    if !matches!(first, '\'' | '"' | '`') {
        return (first != ')').then_some(None);
    }
    let (name, _) = arguments[1..].split_once(first)?;
    if name.contains("${") || name.contains('\\') {
        return Some(None);
    }
    Some(Some(name.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn events(code: &str) -> Vec<(usize, Option<String>)> {
        let listeners = listeners(&without_comments(code));
        listeners
            .into_iter()
            .map(|found| (found.line, found.event))
            .collect()
    }

    fn named(line: usize, name: &str) -> (usize, Option<String>) {
        (line, Some(name.to_owned()))
    }

    #[test]
    fn listeners_are_found_however_they_are_written() {
        let code = "sse.addEventListener('a', f);\n source .on ( \"b\" , f)\nx?.once(`c`, f)\n\
                    new EventSource('/s').addEventListener(\n  'd', f)\nthis.sse\n  .on('e-f', f)";
        let expected = [
            named(1, "a"),
            named(2, "b"),
            named(3, "c"),
            named(4, "d"),
            named(7, "e-f"),
        ];
        assert_eq!(events(code), expected);
    }

    #[test]
    fn comments_are_passed_over_and_strings_are_not_taken_for_them() {
        let code = "// sse.on('a', f)\n/* sse.on('b', f)\n*/ sse.on('c', f); /**/\n\
                    fetch('https://x'); sse.on('d', f) // 'it\nconst r = /['\"\\/]/; sse.on('e', f)\n\
                    const t = `// ${1}`; sse.on('f', f); const h = a / b; // c\nsse.on('g', f)\n'open\nsse.on('h', f)";
        assert_eq!(
            events(code),
            [
                named(3, "c"),
                named(4, "d"),
                named(5, "e"),
                named(6, "f"),
                named(7, "g"),
                named(9, "h")
            ]
        );
    }

    #[test]
    fn a_name_that_is_worked_out_is_told_from_none() {
        assert_eq!(events("for (const n of names) sse.on(n, f)"), [(1, None)]);
        assert_eq!(events("sse.on(`a${n}`, f)"), [(1, None)]);
        assert_eq!(events("lamp.on()"), []);
        assert_eq!(events("x.onmessage('a'); x.only('b')"), []);
    }

    #[test]
    fn what_the_browser_tells_is_no_event_of_ours() {
        let code = "window.addEventListener('a', f); document.body?.addEventListener('b', f)";
        assert_eq!(events(code), []);
    }
}
