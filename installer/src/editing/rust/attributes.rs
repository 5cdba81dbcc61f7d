//! Which code is compiled for tests only.

use syn::punctuated::Punctuated;
use syn::{Meta, Token};

/// Whether the attribute keeps its code out of the app.
pub(super) fn is_for_tests(attribute: &Meta) -> bool {
    let path = attribute.path();
    if path.is_ident("cfg") {
        return conditions(attribute).iter().any(needs_test);
    }
    // `#[test]`, `#[actix_web::test]`, `#[tokio::test(flavor = "…")]`, …
    path.segments
        .last()
        .is_some_and(|last| last.ident == "test")
}

/// Whether `test` is among the conditions. `any(test, …)` counts as well: code that tests
/// share with something else is not the app's normal code.
fn needs_test(condition: &Meta) -> bool {
    let path = condition.path();
    if path.is_ident("any") || path.is_ident("all") {
        conditions(condition).iter().any(needs_test)
    } else {
        path.is_ident("test")
    }
}

fn conditions(list: &Meta) -> Vec<Meta> {
    let parsed = list
        .require_list()
        .and_then(|list| list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated));
    parsed.map_or_else(|_| Vec::new(), |metas| metas.into_iter().collect())
}
