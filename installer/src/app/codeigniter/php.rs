//! Reads the values of properties in PHP code, without running it.
//!
//! Only what configuration files usually have is understood: strings, `.` between strings, constants and arrays. Any
//! other value is unknown.

use std::iter::Peekable;
use std::str::CharIndices;

/// Far more than any class of a configuration has.
const MAX_TOKENS: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// A string whose text is known.
    Text(String),
    /// A string that PHP completes, or a number.
    Computed,
    Variable(String),
    Word(String),
    Sign(char),
}

/// The tokens of a file, without its comments.
pub(super) struct PhpCode {
    tokens: Vec<Token>,
}

impl PhpCode {
    pub(super) fn parse(code: &str) -> Self {
        let mut tokens = Vec::new();
        let mut remaining = code;
        // Text outside of the tags is not code.
        while let Some((_, code)) = remaining.split_once("<?php") {
            remaining = tokenize(code, &mut tokens);
        }
        Self { tokens }
    }

    /// The value in a declaration such as `public string $name = value;`. `None` if no class declares it. It is not
    /// known if a method, such as the constructor, changes it.
    pub(super) fn property(&self, name: &str) -> Option<&[Token]> {
        static COMPUTED: [Token; 1] = [Token::Computed];
        match self.is_changed(name) {
            true => Some(&COMPUTED),
            false => self.declared_value(name),
        }
    }

    /// Whether a method assigns to the property, or to an element of it.
    fn is_changed(&self, name: &str) -> bool {
        let mut tokens = (0..self.tokens.len()).map(|at| &self.tokens[at..]);
        tokens.any(|tokens| match tokens {
            [
                Token::Variable(this),
                Token::Sign('-'),
                Token::Sign('>'),
                Token::Word(word),
                rest @ ..,
            ] => this == "this" && word == name && is_assignment(rest),
            _ => false,
        })
    }

    fn declared_value(&self, name: &str) -> Option<&[Token]> {
        let mut variables = self.tokens.iter().enumerate();
        variables.find_map(|(at, token)| {
            let is_named = matches!(token, Token::Variable(variable) if variable == name);
            if !is_named || !is_declared(&self.tokens[..at]) {
                return None;
            }
            let value = self.tokens[at + 1..].strip_prefix(&[Token::Sign('=')])?;
            let end = value.iter().position(|token| *token == Token::Sign(';'))?;
            Some(&value[..end])
        })
    }
}

/// Whether the tokens after a property assign to it: `=`, another operator such as `.=`, or an index before these.
fn is_assignment(after: &[Token]) -> bool {
    let mut depth = 0_u32;
    let end = after.iter().position(|token| {
        match token {
            Token::Sign('[') => depth += 1,
            Token::Sign(']') if depth > 0 => depth -= 1,
            _ => return depth == 0,
        }
        false
    });
    let rest = &after[end.unwrap_or(after.len())..];
    let is_operator = |token: &&Token| matches!(token, Token::Sign('.' | '?'));
    let operator = rest.iter().take_while(is_operator).count();
    let rest = &rest[operator..];
    rest.first() == Some(&Token::Sign('=')) && !matches!(rest.get(1), Some(Token::Sign('=' | '>')))
}

/// Whether the tokens end like a declaration up to its variable: a modifier, and possibly a type.
fn is_declared(before: &[Token]) -> bool {
    const MODIFIERS: [&str; 4] = ["public", "protected", "private", "var"];
    // PHP's keywords are case-insensitive.
    let is_modifier = |word: &str| MODIFIERS.iter().any(|name| name.eq_ignore_ascii_case(word));
    let is_type = |token: &&Token| match token {
        Token::Word(_) => true,
        Token::Sign(sign) => "?|&".contains(*sign),
        _ => false,
    };
    let mut declaration = before.iter().rev().take_while(is_type);
    declaration.any(|token| matches!(token, Token::Word(word) if is_modifier(word)))
}

/// The text of a value: strings and constants, joined by `.`. `None` if it is not known.
pub(super) fn text(value: &[Token], constant: &impl Fn(&str) -> Option<String>) -> Option<String> {
    let parts = value.split(|token| *token == Token::Sign('.'));
    let parts = parts.map(|part| match part {
        [Token::Text(text)] => Some(text.clone()),
        [Token::Word(name)] => constant(name),
        _ => None,
    });
    parts.collect()
}

/// The value under this key of an array.
pub(super) fn element<'a>(array: &'a [Token], key: &str) -> Option<&'a [Token]> {
    let mut depth = 0_u32;
    for (at, token) in array.iter().enumerate() {
        match token {
            Token::Sign('[' | '(') => depth += 1,
            Token::Sign(']' | ')') => depth = depth.saturating_sub(1),
            Token::Text(text) if depth == 1 && text == key => {
                let value = array[at + 1..].strip_prefix(&[Token::Sign('='), Token::Sign('>')]);
                if let Some(value) = value {
                    return Some(until_next_element(value));
                }
            }
            _ => {}
        }
    }
    None
}

fn until_next_element(value: &[Token]) -> &[Token] {
    let mut depth = 0_u32;
    let end = value.iter().position(|token| match token {
        Token::Sign('[' | '(') => {
            depth += 1;
            false
        }
        Token::Sign(']' | ')') if depth > 0 => {
            depth -= 1;
            false
        }
        Token::Sign(']' | ')' | ',') => depth == 0,
        _ => false,
    });
    &value[..end.unwrap_or(value.len())]
}

/// Adds the tokens up to the next `?>`, and returns the text after it.
fn tokenize<'a>(code: &'a str, tokens: &mut Vec<Token>) -> &'a str {
    let mut chars = code.char_indices().peekable();
    while let Some((at, first)) = chars.next() {
        if tokens.len() == MAX_TOKENS {
            return "";
        }
        let rest = &code[at..];
        if let Some(text) = rest.strip_prefix("?>") {
            return text;
        }
        if rest.starts_with("//") || (first == '#' && !rest.starts_with("#[")) {
            let end = rest.find(['\n', '\r']).unwrap_or(rest.len());
            // A closing tag ends the comment, too.
            skip_to(&mut chars, at + rest[..end].find("?>").unwrap_or(end));
        } else if let Some(comment) = rest.strip_prefix("/*") {
            let end = comment.find("*/").map_or(rest.len(), |end| end + 4);
            skip_to(&mut chars, at + end);
        } else if let Some(heredoc) = rest.strip_prefix("<<<") {
            skip_to(&mut chars, at + 3 + heredoc_length(heredoc));
            tokens.push(Token::Computed);
        } else if first == '\'' || first == '"' {
            tokens.push(string(first, &mut chars));
        } else if first == '$' || is_word(first) {
            let begin = first.len_utf8();
            let end = rest[begin..].find(|c| !is_word(c));
            let length = end.map_or(rest.len(), |end| begin + end);
            skip_to(&mut chars, at + length);
            tokens.push(word(&rest[..length]));
        } else if !first.is_whitespace() {
            tokens.push(Token::Sign(first));
        }
    }
    ""
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == '\\'
}

fn word(text: &str) -> Token {
    match text.strip_prefix('$') {
        Some(name) => Token::Variable(name.to_owned()),
        None if text.starts_with(|c: char| c.is_ascii_digit()) => Token::Computed,
        // A constant of the global namespace may be written with a backslash.
        None => Token::Word(text.trim_start_matches('\\').to_owned()),
    }
}

fn skip_to(chars: &mut Peekable<CharIndices<'_>>, end: usize) {
    while chars.next_if(|(at, _)| *at < end).is_some() {}
}

/// The string after its opening quote.
fn string(quote: char, chars: &mut Peekable<CharIndices<'_>>) -> Token {
    let mut text = String::new();
    let mut is_known = true;
    while let Some((_, next)) = chars.next() {
        match next {
            _ if next == quote => break,
            '\\' => match chars.peek() {
                Some((_, escaped)) if *escaped == quote || *escaped == '\\' => {
                    text.push(*escaped);
                    chars.next();
                }
                // Between single quotes, every other backslash is itself.
                _ if quote == '\'' => text.push('\\'),
                _ => is_known = false,
            },
            '$' if quote == '"' => is_known = false,
            _ => text.push(next),
        }
    }
    match is_known {
        true => Token::Text(text),
        false => Token::Computed,
    }
}

/// The length of a heredoc after `<<<`: up to the line that begins with its name.
fn heredoc_length(text: &str) -> usize {
    let head = text.lines().next().unwrap_or_default();
    let name = head.trim().trim_matches(['\'', '"']);
    let mut length = head.len();
    for line in text[head.len()..].split_inclusive('\n') {
        let start = line.trim_start();
        let after_name = start.strip_prefix(name);
        if !name.is_empty() && after_name.is_some_and(|rest| !rest.starts_with(is_word)) {
            return length + (line.len() - start.len()) + name.len();
        }
        length += line.len();
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn property(code: &str, name: &str) -> Option<String> {
        let code = PhpCode::parse(&format!("<?php\nclass Cache {{\n{code}\n}}\n"));
        let value = code.property(name)?;
        let constant = |name: &str| (name == "PATH").then(|| "/path/".to_owned());
        Some(text(value, &constant).unwrap_or_else(|| "unknown".to_owned()))
    }

    #[test]
    fn the_text_of_a_property_is_read() {
        for (code, expected) in [
            ("public string $prefix = 'shop_';", "shop_"),
            ("public $prefix=\"shop_\";", "shop_"),
            ("protected ?string $prefix = '';", ""),
            (
                "public readonly string|int $prefix\n    = 'a' // one\n    . /* two */ 'b' # three\n;",
                "ab",
            ),
            ("public static string $prefix = PATH . 'b';", "/path/b"),
            ("public static string $prefix = \\PATH . 'b';", "/path/b"),
            (
                "// public $prefix = 'no';\n/* public $prefix = 'no'; */\npublic $prefix = 'yes';",
                "yes",
            ),
            ("#[Attribute('x')]\npublic $prefix = 'yes';", "yes"),
            (
                "public $text = 'public $prefix = 1;'; public $prefix = 'yes';",
                "yes",
            ),
            (
                "public $text = \"it's \\\" $x\"; public $prefix = 'yes';",
                "yes",
            ),
            (
                "public $text = <<<EOT\n  public $prefix = 'no';\n  EOT;\npublic $prefix = 'yes';",
                "yes",
            ),
            (
                "public function f($prefix = 'no') {}\npublic $prefix = 'yes';",
                "yes",
            ),
            (
                "function f() { $prefix = 'no'; }\nvar $prefix = 'yes';",
                "yes",
            ),
            (
                "public $text = <<<A\n  A1 public $prefix = 'no';\n  A;\npublic $prefix = 'yes';",
                "yes",
            ),
            ("PUBLIC String $prefix = 'yes';", "yes"),
            (
                "public $prefix = 'yes'; function f() { return $this->prefix == 'a' || [$this->prefix => 'b']; }",
                "yes",
            ),
            (r"public $prefix = 'it\'s \\ \n';", r"it's \ \n"),
            ("public $prefix = 'grüße_🎉';", "grüße_🎉"),
        ] {
            assert_eq!(
                property(code, "prefix").as_deref(),
                Some(expected),
                "{code}"
            );
        }
    }

    #[test]
    fn a_value_that_only_php_knows_is_unknown() {
        for value in [
            "OTHER . 'a'",
            "\"$a\"",
            "\"a\\n\"",
            "env('x', 'a')",
            "self::PREFIX",
            "'a' + 'b'",
            "1",
            "<<<A\n  x\n  A",
            "['a']",
            "",
        ] {
            let code = format!("public $prefix = {value};");
            assert_eq!(
                property(&code, "prefix").as_deref(),
                Some("unknown"),
                "{value}"
            );
        }
        for assignment in ["= 'b'", ".= 'b'", "??= 'b'", "['b'] = 'c'", "[] = 'c'"] {
            let code = format!(
                "public $prefix = 'a';\npublic function __construct() {{ $this->prefix {assignment}; }}"
            );
            let value = property(&code, "prefix");
            assert_eq!(value.as_deref(), Some("unknown"), "{assignment}");
            assert_eq!(property(&code, "other"), None);
        }
        for code in [
            "",
            "public $prefix;",
            "$prefix = 'a';",
            "public $prefix = 'a'",
            "public $prefixes = 'a';",
        ] {
            assert_eq!(property(code, "prefix"), None, "{code}");
        }
    }

    #[test]
    fn the_elements_of_an_array_are_read() {
        let php = "<?php class Cache { public array $file = [\n 'mode' => 0640, 'x' => ['path' => 'no', 'y' => f(1, 2)],\n \
                   'path' => PATH . 'cache/', 'last' => array('a' => 'b')]; }";
        let code = PhpCode::parse(php);
        let array = code.property("file").expect("it is declared");
        let constant = |_: &str| Some("/path/".to_owned());
        let value = |key: &str| element(array, key).map(|value| text(value, &constant));
        assert_eq!(value("path"), Some(Some("/path/cache/".to_owned())));
        assert_eq!(value("mode"), Some(None));
        assert_eq!(value("y"), None);
        let last = element(array, "last").expect("it is there");
        assert_eq!(element(last, "a"), Some(&[Token::Text("b".to_owned())][..]));
    }

    #[test]
    fn any_text_is_read_without_a_panic() {
        for code in [
            "",
            "<?php",
            "<?php '",
            "<?php \"\\",
            "<?php /*",
            "<?php <<<",
            "<?php <<<'A'\nA",
            "<?php $",
            "<?php ?>",
            "<?php // é ?> é <?php é$é#",
            "<?php 'é\\",
            "no php",
            "<?php public $a =",
            "<?php [[[((",
        ] {
            let parsed = PhpCode::parse(code);
            assert_eq!(parsed.property("a"), None, "{code}");
            assert_eq!(element(&parsed.tokens, "a"), None, "{code}");
        }
    }
}
