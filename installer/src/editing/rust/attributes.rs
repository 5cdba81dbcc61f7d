//! Which code is compiled for tests only.

use syn::punctuated::Punctuated;
use syn::{Meta, Token};

/// What code is compiled for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Purpose {
    /// The app's normal code.
    App,
    /// Tests and something else, as by `#[cfg(any(test, feature = "mock"))]`.
    Shared,
    Tests,
}

impl Purpose {
    /// The purpose of the code that the attribute applies to.
    pub(super) fn of_attribute(attribute: &Meta) -> Self {
        let path = attribute.path();
        if path.is_ident("cfg") {
            return Self::of_all(attribute);
        }
        // `#[test]`, `#[actix_web::test]`, `#[tokio::test(flavor = "…")]`, …
        match path.segments.last() {
            Some(last) if last.ident == "test" => Self::Tests,
            _ => Self::App,
        }
    }

    fn of_condition(condition: &Meta) -> Self {
        let path = condition.path();
        if path.is_ident("all") {
            Self::of_all(condition)
        } else if path.is_ident("any") {
            Self::of_any(condition)
        } else if path.is_ident("test") {
            Self::Tests
        } else {
            Self::App
        }
    }

    fn of_all(list: &Meta) -> Self {
        let purposes = conditions(list).iter().map(Self::of_condition).max();
        purposes.unwrap_or(Self::App)
    }

    fn of_any(list: &Meta) -> Self {
        let conditions = conditions(list);
        let mut purposes = conditions.iter().map(Self::of_condition);
        let first = purposes.next().unwrap_or(Self::App);
        if purposes.all(|purpose| purpose == first) {
            first
        } else {
            Self::Shared
        }
    }
}

fn conditions(list: &Meta) -> Vec<Meta> {
    let parsed = list
        .require_list()
        .and_then(|list| list.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated));
    parsed.map_or_else(|_| Vec::new(), |metas| metas.into_iter().collect())
}
