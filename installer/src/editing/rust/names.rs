//! The names that a file's items and imports bind, as far as the file shows them.

use std::collections::BTreeSet;
use std::mem;

use syn::{Item, ItemExternCrate, ItemUse, TypeParam};

use super::paths::{self, CodePath, LIBRARY_CRATE, ident_name};

/// actix-web's crate name.
const ACTIX_WEB: &str = "actix_web";

/// Longer chains of imports are not followed: imports may form cycles, and real code renames a name
/// once or twice.
const MAX_RESOLUTION_STEPS: usize = 4;

/// What a name or path may refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// The path without the names that imports and type aliases give its parts.
    Path(CodePath),
    /// A type of this file, or a type parameter.
    Local,
    /// Modules, globs or types that are not written as a plain path decide it.
    Unknown,
}

/// The names of all of a file's modules and blocks together: a name may refer to everything that it
/// means in one of them. A wrong doubt is better than a wrong edit.
#[derive(Debug, Default)]
pub(super) struct Names {
    bindings: Vec<Binding>,
    has_file_glob: bool,
    has_nested_glob: bool,
}

#[derive(Debug)]
struct Binding {
    name: String,
    meaning: Meaning,
    /// Whether the name is bound in an inline module or a block, not in the whole file.
    is_nested: bool,
}

impl Meaning {
    /// actix-web's `App`.
    pub(super) fn is_app(&self) -> bool {
        self.is_path(&[ACTIX_WEB, "App"])
    }

    /// The library's `routes`.
    pub(super) fn is_routes(&self) -> bool {
        self.is_path(&[LIBRARY_CRATE, "routes"])
    }

    pub(super) fn is_library(&self) -> bool {
        self.is_path(&[LIBRARY_CRATE])
    }

    /// What the path `others` below this refers to.
    fn followed_by(&self, others: &[String]) -> Self {
        match self {
            Self::Path(path) => Self::Path(CodePath {
                is_global: path.is_global,
                segments: [&path.segments, others].concat(),
            }),
            Self::Local if others.is_empty() => Self::Local,
            Self::Local | Self::Unknown => Self::Unknown,
        }
    }

    fn is_path(&self, wanted: &[&str]) -> bool {
        matches!(self, Self::Path(path) if path.segments == wanted)
    }
}

impl Names {
    /// Everything that `path` may refer to. Imports of one name may differ, each in its own module or
    /// behind its own `#[cfg]`.
    pub(super) fn meanings(&self, path: &CodePath) -> BTreeSet<Meaning> {
        let mut paths = BTreeSet::from([path.clone()]);
        let mut meanings = BTreeSet::new();
        for _ in 0..MAX_RESOLUTION_STEPS {
            for path in mem::take(&mut paths) {
                for meaning in self.without_first_name(&path) {
                    match meaning {
                        Meaning::Path(target) if target != path => paths.insert(target),
                        meaning => meanings.insert(meaning),
                    };
                }
            }
        }
        if !paths.is_empty() {
            meanings.insert(Meaning::Unknown);
        }
        meanings
    }

    /// What `path` may refer to if its first name is replaced. A name that is not bound stays.
    fn without_first_name(&self, path: &CodePath) -> Vec<Meaning> {
        let Some((first, others)) = path.segments.split_first() else {
            return vec![Meaning::Unknown];
        };
        let bindings = self.bindings.iter();
        let bound: Vec<&Binding> = bindings
            .filter(|binding| !path.is_global && binding.name == *first)
            .collect();
        if bound.is_empty() {
            return vec![Meaning::Path(path.clone())];
        }
        let mut meanings: Vec<Meaning> = bound
            .iter()
            .map(|binding| binding.meaning.followed_by(others))
            .collect();
        // Where the binding is not visible, or in the glob's own scope, a glob may bind the name.
        let is_nested = bound.iter().any(|binding| binding.is_nested);
        if self.has_nested_glob || (self.has_file_glob && is_nested) {
            meanings.push(Meaning::Unknown);
        }
        meanings
    }

    /// Binds the names of an item. `is_nested` means that it is in an inline module or a block.
    pub(super) fn declare(&mut self, item: &Item, is_nested: bool) {
        let (ident, meaning) = match item {
            Item::Struct(item) => (&item.ident, Meaning::Local),
            Item::Enum(item) => (&item.ident, Meaning::Local),
            Item::Union(item) => (&item.ident, Meaning::Local),
            Item::Trait(item) => (&item.ident, Meaning::Local),
            Item::Mod(item) => (&item.ident, Meaning::Unknown),
            Item::Type(item) => match CodePath::of_type(&item.ty) {
                Some(path) => return self.bind_path(ident_name(&item.ident), path, is_nested),
                None => (&item.ident, Meaning::Unknown),
            },
            Item::ExternCrate(item) => return self.declare_crate(item, is_nested),
            Item::Use(item) => return self.import(item, is_nested),
            _ => return,
        };
        self.bind(ident_name(ident), meaning, is_nested);
    }

    /// Type parameters are bound in their item only.
    pub(super) fn declare_type_parameter(&mut self, parameter: &TypeParam) {
        self.bind(ident_name(&parameter.ident), Meaning::Local, true);
    }

    fn declare_crate(&mut self, item: &ItemExternCrate, is_nested: bool) {
        let rename = item.rename.as_ref().map(|(_, rename)| rename);
        let path = CodePath {
            is_global: true,
            segments: vec![ident_name(&item.ident)],
        };
        let name = ident_name(rename.unwrap_or(&item.ident));
        self.bind(name, Meaning::Path(path), is_nested);
    }

    fn import(&mut self, item: &ItemUse, is_nested: bool) {
        for import in paths::imports(item) {
            let mut path = import.path;
            let Some(mut name) = import.name else {
                self.import_glob(path, is_nested);
                continue;
            };
            path.segments.pop_if(|last| last == "self");
            if name == "self" {
                name = path.segments.last().cloned().unwrap_or_default();
            }
            self.bind_path(name, path, is_nested);
        }
    }

    /// `use super::*` in an inline module binds only names that the file has anyway.
    fn import_glob(&mut self, path: CodePath, is_nested: bool) {
        if !is_nested {
            self.has_file_glob = true;
        } else if in_file(path).segments != ["*"] {
            self.has_nested_glob = true;
        }
    }

    fn bind_path(&mut self, name: String, path: CodePath, is_nested: bool) {
        let path = if is_nested { in_file(path) } else { path };
        // `use crate_name;` and, in an inline module, `use super::Name;` bind the name that the
        // crate or the file has anyway.
        if path.segments != [name.as_str()] {
            self.bind(name, Meaning::Path(path), is_nested);
        }
    }

    fn bind(&mut self, name: String, meaning: Meaning, is_nested: bool) {
        self.bindings.push(Binding {
            name,
            meaning,
            is_nested,
        });
    }
}

/// The path in an inline module without the `super`, `self` or `crate` that leads to names of the
/// same file: only files that are a crate's root are edited.
fn in_file(mut path: CodePath) -> CodePath {
    let is_relative = |first: &String| ["super", "self", "crate"].contains(&first.as_str());
    if path.segments.len() > 1 && path.segments.first().is_some_and(is_relative) {
        path.segments.remove(0);
    }
    path
}
