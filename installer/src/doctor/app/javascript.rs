//! Enough of JavaScript to find the events that a script listens to.

/// A call that adds a listener.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ListenerCall {
    /// The event's name; `None` if the script computes it.
    pub(super) event: Option<String>,
    pub(super) line: usize,
}

/// The methods that add a listener.
const LISTENER_METHODS: [&str; 3] = [".addEventListener", ".once", ".on"];

/// Objects whose events come from the browser, not from a stream.
const BROWSER_OBJECTS: [&str; 7] = [
    "window",
    "document",
    "body",
    "documentElement",
    "globalThis",
    "self",
    "navigator",
];

/// The part of the syntax that a character belongs to.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Syntax {
    Code,
    LineComment,
    BlockComment,
    Quoted(char),
    /// A regular expression. Inside a class such as `[/]`, a slash does not end it.
    RegularExpression {
        in_class: bool,
    },
}

/// Replaces comments by spaces, so that every line keeps its number.
pub(super) fn remove_comments(code: &str) -> String {
    let mut kept = String::with_capacity(code.len());
    let mut syntax = Syntax::Code;
    let mut last_code_char = None;
    let mut chars = code.chars().peekable();
    while let Some(c) = chars.next() {
        let next = chars.peek().copied();
        if c == '\\' && syntax.has_escapes() {
            kept.push(c);
            kept.extend(chars.next());
            continue;
        }
        let (new_syntax, is_comment) = syntax.after(c, next, last_code_char);
        kept.push(if is_comment { ' ' } else { c });
        if matches!(
            (syntax, new_syntax),
            (Syntax::Code, Syntax::BlockComment) | (Syntax::BlockComment, Syntax::Code)
        ) {
            // The second character of `/*` or `*/`: the star of `/*` must not end the comment.
            chars.next();
            kept.push(' ');
        }
        if !is_comment && !c.is_whitespace() {
            last_code_char = Some(c);
        }
        syntax = new_syntax;
    }
    kept
}

impl Syntax {
    fn has_escapes(self) -> bool {
        matches!(self, Self::Quoted(_) | Self::RegularExpression { .. })
    }

    /// The syntax after the character `c`, and whether `c` belongs to a comment.
    fn after(self, c: char, next: Option<char>, last_code_char: Option<char>) -> (Self, bool) {
        match (self, c) {
            (Self::Code, '/') if next == Some('/') => (Self::LineComment, true),
            (Self::Code, '/') if next == Some('*') => (Self::BlockComment, true),
            (Self::Code, '/') if begins_regular_expression(last_code_char) => {
                (Self::RegularExpression { in_class: false }, false)
            }
            (Self::Code, '\'' | '"' | '`') => (Self::Quoted(c), false),
            (Self::LineComment, '\n') => (Self::Code, false),
            (Self::BlockComment, '*') if next == Some('/') => (Self::Code, true),
            (Self::Quoted(quote), _) if c == quote => (Self::Code, false),
            // Only a template literal may span lines: anything else ends here, even if its end is
            // missing.
            (Self::Quoted('\'' | '"') | Self::RegularExpression { .. }, '\n') => {
                (Self::Code, false)
            }
            (Self::RegularExpression { .. }, '[') => {
                (Self::RegularExpression { in_class: true }, false)
            }
            (Self::RegularExpression { .. }, ']') => {
                (Self::RegularExpression { in_class: false }, false)
            }
            (Self::RegularExpression { in_class: false }, '/') => (Self::Code, false),
            (Self::LineComment | Self::BlockComment, _) => (self, c != '\n'),
            (Self::Code | Self::Quoted(_) | Self::RegularExpression { .. }, _) => (self, false),
        }
    }
}

/// Whether a slash after this character begins a regular expression rather than divides.
fn begins_regular_expression(last_code_char: Option<char>) -> bool {
    last_code_char.is_none_or(|c| "(,=:[!&|?{};+-*%<>~^".contains(c))
}

/// Every call that adds a listener to what may be a stream. The code must have no comments.
pub(super) fn listener_calls(code: &str) -> Vec<ListenerCall> {
    let mut calls = Vec::new();
    for method in LISTENER_METHODS {
        for (at, _) in code.match_indices(method) {
            let (before, after) = (&code[..at], &code[at + method.len()..]);
            calls.extend(listener_call(before, after));
        }
    }
    calls.sort_by_key(|call| call.line);
    calls
}

/// `before` and `after` are the code on both sides of the method's name.
fn listener_call(before: &str, after: &str) -> Option<ListenerCall> {
    let arguments = after.trim_start().strip_prefix('(')?.trim_start();
    if BROWSER_OBJECTS.contains(&receiver(before)) {
        return None;
    }
    Some(ListenerCall {
        event: event_name(arguments)?,
        line: 1 + before.matches('\n').count(),
    })
}

/// The last name before the dot: `b` in `a.b?.`.
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

/// The first argument: `None` if the call has none, and `Some(None)` if it is not a plain string, so that
/// the name is not known here.
fn event_name(arguments: &str) -> Option<Option<String>> {
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
        let calls = listener_calls(&remove_comments(code)).into_iter();
        calls.map(|call| (call.line, call.event)).collect()
    }

    fn named(line: usize, name: &str) -> (usize, Option<String>) {
        (line, Some(name.to_owned()))
    }

    #[test]
    fn listeners_are_found_in_every_notation() {
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
    fn comments_are_skipped_and_strings_are_not_mistaken_for_them() {
        let code = "// sse.on('a', f)\n/* sse.on('b', f)\n*/ sse.on('c', f); /**/\n\
                    fetch('https://x'); sse.on('d', f) // 'it\nconst r = /['\"\\/]/; sse.on('e', f)\n\
                    const t = `// ${1}`; sse.on('f', f); const h = a / b; // c\nsse.on('g', f)\n'open\nsse.on('h', f)";
        let expected = [
            named(3, "c"),
            named(4, "d"),
            named(5, "e"),
            named(6, "f"),
            named(7, "g"),
            named(9, "h"),
        ];
        assert_eq!(events(code), expected);
    }

    #[test]
    fn a_computed_name_is_distinguished_from_a_missing_one() {
        assert_eq!(events("for (const n of names) sse.on(n, f)"), [(1, None)]);
        assert_eq!(events("sse.on(`a${n}`, f)"), [(1, None)]);
        assert_eq!(events("lamp.on()"), []);
        assert_eq!(events("x.onmessage('a'); x.only('b')"), []);
    }

    #[test]
    fn listeners_on_browser_objects_are_ignored() {
        let code = "window.addEventListener('a', f); document.body?.addEventListener('b', f)";
        assert_eq!(events(code), []);
    }
}
