//! Searches unparsed tokens: macro arguments, and syntax that the parser does not know.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::paths::{CodePath, LIBRARY_CRATE, ident_name};

/// A `<` without a closing `>` within this many tokens counts as a comparison. Real lists of
/// generic arguments are shorter.
const MAX_GENERICS_TOKENS: usize = 64;

pub(super) enum SearchHit<'a> {
    /// `NAME::new`.
    Construction(&'a Ident),
    /// `configure(actix_web_sse::routes)`.
    Configure(&'a Ident),
    /// The beginning of a path.
    Path(&'a Ident, CodePath),
}

/// Searches the tokens and the groups among them.
pub(super) fn search(tokens: &TokenStream, on_hit: &mut impl FnMut(SearchHit<'_>)) {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => search(&group.stream(), on_hit),
            TokenTree::Ident(ident) => search_at(ident, &trees[..at], &trees[at + 1..], on_hit),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

fn search_at(
    ident: &Ident,
    before: &[TokenTree],
    after: &[TokenTree],
    on_hit: &mut impl FnMut(SearchHit<'_>),
) {
    let next = match after {
        [a, b, next, ..] if is_colons(a, b) => Some(next),
        _ => None,
    };
    if is_new(next) || is_new(after_generics(after)) {
        on_hit(SearchHit::Construction(ident));
    }
    if ident == "configure" && after.first().is_some_and(holds_routes) {
        on_hit(SearchHit::Configure(ident));
    }
    if continues_a_path(before) {
        return;
    }
    let mut segments = vec![ident_name(ident)];
    match next {
        Some(TokenTree::Ident(next)) => segments.push(ident_name(next)),
        // A group or glob of a use tree, which may import anything.
        Some(_) => segments.push("*".to_owned()),
        None if ident != LIBRARY_CRATE => return,
        None => {}
    }
    let is_global = matches!(before, [.., a, b] if is_colons(a, b));
    let path = CodePath {
        is_global,
        segments,
    };
    on_hit(SearchHit::Path(ident, path));
}

/// The token after the `::` that follows `>` or `<…>`, as in `<App>::new` and
/// `App::<T>::new`.
fn after_generics(after: &[TokenTree]) -> Option<&TokenTree> {
    let opened = |tree: &TokenTree| i32::from(is_punct(tree, '<')) - i32::from(is_punct(tree, '>'));
    let mut depth = 0;
    let mut tokens = after;
    if let [a, b, open, ..] = after
        && is_colons(a, b)
        && is_punct(open, '<')
    {
        tokens = &after[2..];
    } else if !after
        .first()
        .is_some_and(|tree| is_punct(tree, '>') || is_punct(tree, '<'))
    {
        return None;
    }
    for (at, tree) in tokens.iter().enumerate().take(MAX_GENERICS_TOKENS) {
        depth += opened(tree);
        if depth <= 0
            && let [_, a, b, next, ..] = &tokens[at..]
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
    let mut paths = Vec::new();
    search(&group.stream(), &mut |hit| {
        if let SearchHit::Path(_, path) = hit {
            paths.push(path.segments);
        }
    });
    group.delimiter() == Delimiter::Parenthesis && paths == [[LIBRARY_CRATE, "routes"]]
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
