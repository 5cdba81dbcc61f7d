//! The names that a file's items and imports bind, as far as the file shows them.

use syn::{Item, ItemExternCrate, ItemUse};

use super::paths::{self, CodePath, LIBRARY_CRATE, ident_name};

/// actix-web's crate name.
const ACTIX_WEB: &str = "actix_web";

/// Longer chains of imports are not followed: imports may form cycles, and real code renames a name
/// once or twice.
const MAX_RESOLUTION_STEPS: usize = 4;

/// What a name or path refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// The path without the names that imports give its parts.
    Path(CodePath),
    /// A type of this file, or a type parameter.
    Local,
    /// Modules, type aliases or contradicting items and imports decide it.
    Unknown,
}

/// The names of all of a file's modules and blocks together: if one name means two things in them, its
/// meaning is unknown. A wrong doubt is better than a wrong edit.
#[derive(Debug, Default)]
pub(super) struct Names(Vec<(String, Resolution)>);

impl Resolution {
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

    fn is_path(&self, wanted: &[&str]) -> bool {
        matches!(self, Self::Path(path) if path.segments == wanted)
    }
}

impl Names {
    /// What `path` refers to.
    pub(super) fn resolve(&self, path: &CodePath) -> Resolution {
        let mut path = path.clone();
        for _ in 0..MAX_RESOLUTION_STEPS {
            let Some((first, others)) = path.segments.split_first() else {
                return Resolution::Unknown;
            };
            let bound = if path.is_global {
                None
            } else {
                self.binding(first)
            };
            match bound {
                None => return Resolution::Path(path),
                Some(Resolution::Path(target)) => {
                    path = CodePath {
                        is_global: target.is_global,
                        segments: [&target.segments, others].concat(),
                    };
                }
                Some(Resolution::Local) if others.is_empty() => return Resolution::Local,
                Some(Resolution::Local | Resolution::Unknown) => return Resolution::Unknown,
            }
        }
        Resolution::Unknown
    }

    /// What the name is bound to. Imports of one name may differ, each behind its own `#[cfg]`.
    fn binding(&self, name: &str) -> Option<&Resolution> {
        let bindings = self.0.iter().filter(|(bound, _)| bound == name);
        let mut targets = bindings.map(|(_, target)| target);
        let first = targets.next()?;
        let is_certain = targets.all(|other| other == first);
        Some(if is_certain {
            first
        } else {
            &Resolution::Unknown
        })
    }

    pub(super) fn bind(&mut self, name: String, target: Resolution) {
        self.0.push((name, target));
    }

    pub(super) fn declare(&mut self, item: &Item) {
        let (ident, target) = match item {
            Item::Struct(item) => (&item.ident, Resolution::Local),
            Item::Enum(item) => (&item.ident, Resolution::Local),
            Item::Union(item) => (&item.ident, Resolution::Local),
            Item::Trait(item) => (&item.ident, Resolution::Local),
            Item::Type(item) => (&item.ident, Resolution::Unknown),
            Item::Mod(item) => (&item.ident, Resolution::Unknown),
            Item::ExternCrate(item) => return self.declare_crate(item),
            Item::Use(item) => return self.import(item),
            _ => return,
        };
        self.bind(ident_name(ident), target);
    }

    fn declare_crate(&mut self, item: &ItemExternCrate) {
        let rename = item.rename.as_ref().map(|(_, rename)| rename);
        let path = CodePath {
            is_global: true,
            segments: vec![ident_name(&item.ident)],
        };
        let name = ident_name(rename.unwrap_or(&item.ident));
        self.bind(name, Resolution::Path(path));
    }

    /// A glob binds no name.
    fn import(&mut self, item: &ItemUse) {
        for import in paths::imports(item) {
            let mut path = import.path;
            let Some(mut name) = import.name else {
                continue;
            };
            path.segments.pop_if(|last| last == "self");
            if name == "self" {
                name = path.segments.last().cloned().unwrap_or_default();
            }
            // `use crate_name;` binds the name that the crate has anyway.
            if path.segments != [name.as_str()] {
                self.bind(name, Resolution::Path(path));
            }
        }
    }
}
