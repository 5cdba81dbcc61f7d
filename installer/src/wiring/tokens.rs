//! Tokens that nobody has parsed: what is given to macros, and what the parser does
//! not know.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::LIBRARY;
use super::names::{Path, name};

/// A `<` with nothing that closes it within so many tokens compares two values.
const LONGEST_GENERICS: usize = 64;

/// What a run of tokens has in it.
pub(super) enum Find<'a> {
    /// `NAME::new`.
    Construction(&'a Ident),
    /// `configure(actix_web_sse::routes)`.
    Configure(&'a Ident),
    /// The beginning of a path.
    Path(&'a Ident, Path),
}

/// Looks through the tokens, and through the groups among them.
pub(super) fn search(tokens: &TokenStream, found: &mut impl FnMut(Find<'_>)) {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => search(&group.stream(), found),
            TokenTree::Ident(ident) => search_at(ident, &trees[..at], &trees[at + 1..], found),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn search_at(
    ident: &Ident,
    before: &[TokenTree],
    after: &[TokenTree],
    found: &mut impl FnMut(Find<'_>),
) {
    let next = match after {
        [a, b, next, ..] if is_colons(a, b) => Some(next),
        _ => None,
    };
    if is_new(next) || is_new(behind_generics(after)) {
        found(Find::Construction(ident));
    }
    if ident == "configure" && after.first().is_some_and(holds_routes) {
        found(Find::Configure(ident));
    }
    if continues_a_path(before) {
        return;
    }
    let mut segments = vec![name(ident)];
    match next {
        Some(TokenTree::Ident(next)) => segments.push(name(next)),
        // A group or a glob of a use tree: anything could be in it.
        Some(_) => segments.push("*".to_owned()),
        None if ident != LIBRARY => return,
        None => {}
    }
    let is_global = matches!(before, [.., a, b] if is_colons(a, b));
    found(Find::Path(
        ident,
        Path {
            is_global,
            segments,
        },
    ));
}

/// What follows the `::` behind `>` or `<…>`, as in `<App>::new` and `App::<T>::new`.
fn behind_generics(after: &[TokenTree]) -> Option<&TokenTree> {
    let opened = |tree: &TokenTree| i32::from(is_punct(tree, '<')) - i32::from(is_punct(tree, '>'));
    let mut depth = 0;
    let mut rest = after;
    if let [a, b, open, ..] = after
        && is_colons(a, b)
        && is_punct(open, '<')
    {
        rest = &after[2..];
    } else if !after
        .first()
        .is_some_and(|tree| is_punct(tree, '>') || is_punct(tree, '<'))
    {
        return None;
    }
    for (at, tree) in rest.iter().enumerate().take(LONGEST_GENERICS) {
        depth += opened(tree);
        if depth <= 0
            && let [_, a, b, next, ..] = &rest[at..]
            && is_colons(a, b)
        {
            return Some(next);
        }
        if depth < 0 {
            return None;
        }
    }
    None
}

fn holds_routes(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else {
        return false;
    };
    let mut inside = Vec::new();
    search(&group.stream(), &mut |find| {
        if let Find::Path(_, path) = find {
            inside.push(path.segments);
        }
    });
    group.delimiter() == Delimiter::Parenthesis && inside == [[LIBRARY, "routes"]]
}

fn continues_a_path(before: &[TokenTree]) -> bool {
    matches!(before, [.., TokenTree::Ident(_), a, b] if is_colons(a, b))
        || matches!(before, [.., end, a, b] if is_punct(end, '>') && is_colons(a, b))
}

fn is_new(tree: Option<&TokenTree>) -> bool {
    matches!(tree, Some(TokenTree::Ident(ident)) if ident == "new")
}

fn is_colons(a: &TokenTree, b: &TokenTree) -> bool {
    is_punct(a, ':') && is_punct(b, ':')
}

fn is_punct(tree: &TokenTree, wanted: char) -> bool {
    matches!(tree, TokenTree::Punct(punct) if punct.as_char() == wanted)
}
