//! Which code is compiled for tests only.

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ForeignItem, ImplItem, Item, Meta, Stmt, Token, TraitItem};

/// Whether one of the attributes keeps its code out of the app.
pub(super) fn are_for_tests(attributes: &[Attribute]) -> bool {
    attributes
        .iter()
        .any(|attribute| is_for_tests(&attribute.meta))
}

fn is_for_tests(attribute: &Meta) -> bool {
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

macro_rules! attributes_of {
    ($node:expr, $kind:ident: $($variant:ident)*) => {
        match $node {
            $($kind::$variant(node) => &node.attrs,)*
            _ => &[],
        }
    };
}

pub(super) fn of_item(item: &Item) -> &[Attribute] {
    attributes_of!(item, Item:
        Const Enum ExternCrate Fn ForeignMod Impl Macro Mod Static Struct Trait TraitAlias Type
        Union Use)
}

pub(super) fn of_impl_item(item: &ImplItem) -> &[Attribute] {
    attributes_of!(item, ImplItem: Const Fn Type Macro)
}

pub(super) fn of_trait_item(item: &TraitItem) -> &[Attribute] {
    attributes_of!(item, TraitItem: Const Fn Type Macro)
}

pub(super) fn of_foreign_item(item: &ForeignItem) -> &[Attribute] {
    attributes_of!(item, ForeignItem: Fn Static Type Macro)
}

pub(super) fn of_statement(statement: &Stmt) -> &[Attribute] {
    match statement {
        Stmt::Local(local) => &local.attrs,
        Stmt::Item(item) => of_item(item),
        Stmt::Macro(call) => &call.attrs,
        // The parser attaches a statement's attributes to its leftmost expression.
        Stmt::Expr(expression, _) => of_expression(leftmost(expression)),
    }
}

pub(super) fn of_expression(expression: &Expr) -> &[Attribute] {
    attributes_of!(expression, Expr:
        Array Assign Async Await Binary Block Break Call Cast Closure Const Continue Field ForLoop
        Group If Index Infer Let Lit Loop Macro Match MethodCall Paren Path Range RawAddr Reference
        Repeat Return Struct Try TryBlock Tuple Unary Unsafe While Yield)
}

fn leftmost(mut expression: &Expr) -> &Expr {
    loop {
        expression = match expression {
            Expr::Assign(assign) => &assign.left,
            Expr::Binary(binary) => &binary.left,
            Expr::Cast(cast) => &cast.expr,
            found => return found,
        };
    }
}
