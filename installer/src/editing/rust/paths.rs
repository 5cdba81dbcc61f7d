//! Paths as code writes them.

use proc_macro2::Ident;
use syn::Type;

/// The library's crate name.
pub(super) const LIBRARY_CRATE: &str = "actix_web_sse";

/// A path without its generic arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct CodePath {
    /// Whether the path begins with `::`.
    pub(super) is_global: bool,
    pub(super) segments: Vec<String>,
}

impl CodePath {
    pub(super) fn new(path: &syn::Path) -> Self {
        Self {
            is_global: path.leading_colon.is_some(),
            segments: path
                .segments
                .iter()
                .map(|part| ident_name(&part.ident))
                .collect(),
        }
    }

    /// The path of a type that is written as a plain path.
    pub(super) fn of_type(ty: &Type) -> Option<Self> {
        match ty {
            Type::Path(path) if path.qself.is_none() => Some(Self::new(&path.path)),
            _ => None,
        }
    }
}

/// The identifier's name without a leading `r#`, which does not change what it names.
pub(super) fn ident_name(ident: &Ident) -> String {
    let written = ident.to_string();
    written
        .strip_prefix("r#")
        .map_or(written.clone(), str::to_owned)
}
