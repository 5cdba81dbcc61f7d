//! The mark of private keys in `SSE_EVENTS`, `event:key:private`, and what was probably meant by one that is
//! misspelt or misplaced. Such an item is neither taken for a pair without a mark, nor corrected to one: values for
//! a few people would reach everybody.

/// Follows the cache key of a pair after a colon.
pub(super) const PRIVATE: &str = "private";

/// What people write for "not private".
const PUBLIC: &str = "public";

/// Signs before a misplaced mark that no cache key in `SSE_EVENTS` contains. After others, which a key may contain,
/// only the very word is a mark.
const FOREIGN_SIGNS: &[char] = &['/', '\\', '@', '(', '{', '[', ';'];

/// Signs before a misplaced mark that a cache key may contain.
const SIGNS_OF_KEYS: &[char] = &['=', '#', '|', '>', '+', '!', '*', '&'];

/// A mistake about the mark.
pub(super) struct Mistake {
    /// Continues the sentence "contains `item`".
    pub(super) reason: String,
    /// The pair as it was probably meant.
    pub(super) corrected: String,
}

/// Splits what follows the event's name into the cache key and whether it is marked.
pub(super) fn split(key: &str) -> (&str, bool) {
    match key.rsplit_once(':') {
        Some((key, mark)) if mark.trim() == PRIVATE => (key, true),
        _ => (key, false),
    }
}

/// The pair as the list writes it.
pub(super) fn with_mark(pair: &str, is_private: bool) -> String {
    match is_private {
        true => format!("{pair}:{PRIVATE}"),
        false => pair.to_owned(),
    }
}

/// Whether the text is the mark, whatever its case.
pub(super) fn is_mark(text: &str) -> bool {
    text.eq_ignore_ascii_case(PRIVATE)
}

/// The mistake about the mark in one item of the list; `None` if there is none.
pub(super) fn mistake(item: &str) -> Option<Mistake> {
    mistake_at_end(item).or_else(|| mark_before_key(item))
}

/// A mark that is misspelt, repeated, or after another sign than one colon.
fn mistake_at_end(item: &str) -> Option<Mistake> {
    let item = item.trim().trim_end_matches([')', '}', ']']).trim_end();
    let pair_and_sign = item.trim_end_matches(|c| !is_sign(c));
    let word = &item[pair_and_sign.len()..];
    let pair = pair_and_sign.trim_end_matches(is_sign);
    let sign = pair_and_sign[pair.len()..].trim();
    let (event, key) = pair.split_once(':')?;
    if event.trim().is_empty() || key.trim().is_empty() {
        return None;
    }
    let unmarked = without_marks(pair);
    let (reason, is_private) = match sign {
        ":" if word == PRIVATE && unmarked == pair => return None,
        ":" if word == PRIVATE => (format!(" with `{PRIVATE}` more than once"), true),
        ":" if word.eq_ignore_ascii_case(PUBLIC) => (
            format!(": a cache key without a mark is public, and `{word}` is not a mark"),
            unmarked != pair,
        ),
        ":" if is_similar(word) => (
            format!(": the mark of a private cache key is spelled `{PRIVATE}`"),
            true,
        ),
        sign if is_mark(word) || (sign.contains(FOREIGN_SIGNS) && is_similar(word)) => (
            format!(": the mark `{PRIVATE}` follows the cache key after one `:`"),
            true,
        ),
        _ => return None,
    };
    let names: Vec<&str> = unmarked.split(':').map(str::trim).collect();
    Some(Mistake {
        reason,
        corrected: with_mark(&names.join(":"), is_private),
    })
}

/// A mark before the event or the cache key.
fn mark_before_key(item: &str) -> Option<Mistake> {
    let names: Vec<&str> = item.split(':').map(str::trim).collect();
    let [first, second, third] = names.as_slice() else {
        return None;
    };
    let (event, key) = match (is_mark(first), is_mark(second), is_mark(third)) {
        (true, false, false) => (second, third),
        (false, true, false) => (first, third),
        _ => return None,
    };
    Some(Mistake {
        reason: format!(": the mark `{PRIVATE}` is the last part of a pair"),
        corrected: with_mark(&format!("{event}:{key}"), true),
    })
}

fn is_sign(c: char) -> bool {
    c == ':' || c.is_whitespace() || FOREIGN_SIGNS.contains(&c) || SIGNS_OF_KEYS.contains(&c)
}

/// The pair without the marks at its end. In `order:private`, the word is the cache key.
fn without_marks(mut pair: &str) -> &str {
    while let (rest, true) = split(pair)
        && rest.contains(':')
    {
        pair = rest;
    }
    pair
}

/// Whether at most two edits separate the word from the mark, whatever its case.
pub(super) fn is_similar(word: &str) -> bool {
    const MAX_EDITS: usize = 2;
    let lower_case = word.chars().flat_map(char::to_lowercase);
    // No longer word is similar.
    let word: Vec<char> = lower_case.take(PRIVATE.len() + MAX_EDITS + 1).collect();
    edits(&word, PRIVATE) <= MAX_EDITS
}

/// The Levenshtein distance.
fn edits(word: &[char], other: &str) -> usize {
    let mut row: Vec<usize> = (0..=word.len()).collect();
    for expected in other.chars() {
        let mut diagonal = row[0];
        row[0] += 1;
        for (column, found) in word.iter().enumerate() {
            let substituted = diagonal + usize::from(*found != expected);
            diagonal = row[column + 1];
            row[column + 1] = substituted.min(row[column] + 1).min(diagonal + 1);
        }
    }
    row[word.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mark_is_the_last_part_after_the_key() {
        for (key, expected) in [
            ("k", ("k", false)),
            ("k:private", ("k", true)),
            ("k : private ", ("k ", true)),
            ("private", ("private", false)),
            ("private:private", ("private", true)),
            ("k:Private", ("k:Private", false)),
            ("k:private:l", ("k:private:l", false)),
        ] {
            assert_eq!(split(key), expected, "{key:?}");
        }
    }

    #[test]
    fn a_misspelt_or_misplaced_mark_is_corrected_to_a_mark() {
        for item in [
            "a:k:Private",
            "a:k:PRIVATE",
            "a:k:privat",
            "a:k:pirvate",
            "a:k:privates",
            "a:k:\"private\"",
            "a:k:private\u{200b}",
            "a:k private",
            "a:k PRIVATE",
            "a:k;private",
            "a:k/private",
            "a:k@privat",
            "a:k(private)",
            "a:k [private]",
            "a:k=private",
            "a:k::private",
            "a:k:private:private",
            "a:k:private:public",
            "a : k :privat",
            "a:private:k",
            "private:a:k",
        ] {
            let corrected = mistake(item).map(|mistake| mistake.corrected);
            assert_eq!(corrected.as_deref(), Some("a:k:private"), "{item:?}");
        }
        let corrected = mistake("a:k:public").map(|mistake| mistake.corrected);
        assert_eq!(corrected.as_deref(), Some("a:k"));
    }

    #[test]
    fn other_pairs_have_no_mistake_about_the_mark() {
        for item in [
            "a:k",
            "a:k:private",
            "a : k : private",
            "a:private",
            "private:k",
            "private:private",
            "private:private:private",
            "a:user:1",
            "a:k:prices",
            "a:orders_private",
            "a:my privates",
            "a",
            "private",
            "",
            &format!("a:k:{}", "private".repeat(10_000)),
        ] {
            let reason = mistake(item).map(|mistake| mistake.reason);
            assert_eq!(reason, None, "{item:.80}");
        }
    }
}
