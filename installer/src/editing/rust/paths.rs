//! Paths and imports as code writes them.

use proc_macro2::Ident;
use syn::{ItemUse, Type, UseTree};

/// The library's crate name.
pub(super) const LIBRARY_CRATE: &str = "actix_web_sse";

/// A path without its generic arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct CodePath {
    /// Whether the path begins with `::`.
    pub(super) is_global: bool,
    pub(super) segments: Vec<String>,
}

/// One import of a `use` item.
pub(super) struct Import<'a> {
    /// The path's first segment; `None` for `use *`.
    pub(super) first: Option<&'a Ident>,
    /// As written: a glob's path ends in `*`.
    pub(super) path: CodePath,
    /// The name that the import binds; `None` for a glob.
    pub(super) name: Option<String>,
}

impl CodePath {
    pub(super) fn new(path: &syn::Path) -> Self {
        let segments = path.segments.iter();
        Self {
            is_global: path.leading_colon.is_some(),
            segments: segments.map(|part| ident_name(&part.ident)).collect(),
        }
    }

    /// The path of a type that is written as a plain path.
    pub(super) fn of_type(ty: &Type) -> Option<Self> {
        match ty {
            Type::Path(path) if path.qself.is_none() => Some(Self::new(&path.path)),
            _ => None,
        }
    }

    fn join(&self, segment: impl Into<String>) -> Self {
        let mut path = self.clone();
        path.segments.push(segment.into());
        path
    }
}

/// Every import of the `use` item.
pub(super) fn imports(item: &ItemUse) -> Vec<Import<'_>> {
    let prefix = CodePath {
        is_global: item.leading_colon.is_some(),
        segments: Vec::new(),
    };
    let mut imports = Vec::new();
    collect_imports(&item.tree, None, &prefix, &mut imports);
    imports
}

fn collect_imports<'a>(
    tree: &'a UseTree,
    first: Option<&'a Ident>,
    prefix: &CodePath,
    imports: &mut Vec<Import<'a>>,
) {
    let (item, name) = match tree {
        UseTree::Path(tree) => {
            let path = prefix.join(ident_name(&tree.ident));
            return collect_imports(&tree.tree, first.or(Some(&tree.ident)), &path, imports);
        }
        UseTree::Group(group) => {
            for tree in &group.items {
                collect_imports(tree, first, prefix, imports);
            }
            return;
        }
        UseTree::Name(tree) => (Some(&tree.ident), Some(&tree.ident)),
        UseTree::Rename(tree) => (Some(&tree.ident), Some(&tree.rename)),
        UseTree::Glob(_) => (None, None),
    };
    imports.push(Import {
        first: first.or(item),
        path: prefix.join(item.map_or_else(|| "*".to_owned(), ident_name)),
        name: name.map(ident_name),
    });
}

/// The identifier's name without a leading `r#`, which does not change what it names.
pub(super) fn ident_name(ident: &Ident) -> String {
    ident.to_string().trim_start_matches("r#").to_owned()
}
