//! Searches unparsed tokens: macro arguments, and syntax that the parser does not know.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

use super::paths::{CodePath, LIBRARY_CRATE, ident_name};

/// What an identifier begins.
pub(super) enum SearchHit {
    /// `NAME::new`.
    Construction,
    /// `configure(actix_web_sse::routes)`.
    Configure,
    Path(CodePath),
}

/// Searches the tokens and the groups among them.
pub(super) fn search(tokens: &TokenStream, on_hit: &mut impl FnMut(&Ident, SearchHit)) {
    let trees: Vec<TokenTree> = tokens.clone().into_iter().collect();
    // Which of the names before a `>::new` is the type, as in `<App>::new` or `App::<T>::new`,
    // is not worth a parser: each may be.
    let last_generic_new = trees.windows(4).rposition(|window| {
        matches!(window, [end, a, b, new] if is_punct(end, '>') && is_colons(a, b) && is_new(Some(new)))
    });
    for (at, tree) in trees.iter().enumerate() {
        match tree {
            TokenTree::Group(group) => search(&group.stream(), on_hit),
            TokenTree::Ident(ident) => {
                if last_generic_new.is_some_and(|new| at < new) {
                    on_hit(ident, SearchHit::Construction);
                }
                search_at(ident, &trees[..at], &trees[at + 1..], on_hit);
            }
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
}

/// All identifiers among the tokens.
pub(super) fn identifiers(tokens: &TokenStream) -> HashSet<String> {
    let mut names = HashSet::new();
    for tree in tokens.clone() {
        match tree {
            TokenTree::Group(group) => names.extend(identifiers(&group.stream())),
            TokenTree::Ident(ident) => drop(names.insert(ident_name(&ident))),
            TokenTree::Punct(_) | TokenTree::Literal(_) => {}
        }
    }
    names
}

fn search_at(
    ident: &Ident,
    before: &[TokenTree],
    after: &[TokenTree],
    on_hit: &mut impl FnMut(&Ident, SearchHit),
) {
    let next = match after {
        [a, b, next, ..] if is_colons(a, b) => Some(next),
        _ => None,
    };
    if is_new(next) {
        on_hit(ident, SearchHit::Construction);
    }
    if ident == "configure" && after.first().is_some_and(holds_routes) {
        on_hit(ident, SearchHit::Configure);
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
    on_hit(ident, SearchHit::Path(path));
}

fn holds_routes(tree: &TokenTree) -> bool {
    let TokenTree::Group(group) = tree else {
        return false;
    };
    let mut paths = Vec::new();
    search(&group.stream(), &mut |_, hit| {
        if let SearchHit::Path(path) = hit {
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
