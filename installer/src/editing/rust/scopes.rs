//! The names in scope at a place in a file, as far as its items and imports show them.

use syn::{Item, ItemExternCrate, ItemUse};

use super::attributes;
use super::paths::{self, CodePath, LIBRARY_CRATE, ident_name};

/// actix-web's crate name.
const ACTIX_WEB: &str = "actix_web";

/// Longer chains of imports are not followed: imports may form cycles, and real code renames a name
/// once or twice.
const MAX_RESOLUTION_STEPS: usize = 4;

/// What a path refers to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// The path without the names that imports give its parts.
    Path(Vec<String>),
    /// A type of this file, or a type parameter.
    Local,
    /// Globs, modules, type aliases or contradicting imports decide it.
    Unknown,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Target {
    Path(CodePath),
    Local,
    Unknown,
}

/// A file, a module or a block, with the names it binds.
#[derive(Default)]
struct Scope {
    names: Vec<(String, Target)>,
    has_glob: bool,
}

/// The scopes around a place, the innermost last.
#[derive(Default)]
pub(super) struct Scopes(Vec<Scope>);

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
        matches!(self, Self::Path(path) if path == wanted)
    }
}

impl Scopes {
    /// Enters a scope with these items. The app does not see those that are for tests only.
    pub(super) fn enter<'a>(&mut self, items: impl Iterator<Item = &'a Item>) {
        let mut scope = Scope::default();
        for item in items.filter(|item| !attributes::are_for_tests(attributes::of_item(item))) {
            scope.declare(item);
        }
        self.0.push(scope);
    }

    pub(super) fn leave(&mut self) {
        self.0.pop();
    }

    /// Binds a type parameter, which may shadow an import. It stays bound to the scope's end: a wrong
    /// doubt is better than a wrong edit.
    pub(super) fn bind_type_parameter(&mut self, name: String) {
        if let Some(scope) = self.0.last_mut() {
            scope.names.push((name, Target::Local));
        }
    }

    /// The innermost scope's names for actix-web's `App`.
    pub(super) fn app_names(&self) -> Vec<String> {
        let names = self.0.last().into_iter().flat_map(|scope| &scope.names);
        names
            .map(|(name, _)| name)
            .filter(|name| self.resolve(&CodePath::from_name(name)).is_app())
            .cloned()
            .collect()
    }

    /// What `path` refers to in the innermost scope.
    pub(super) fn resolve(&self, path: &CodePath) -> Resolution {
        let mut path = path.clone();
        let mut scopes = &self.0[..];
        for _ in 0..MAX_RESOLUTION_STEPS {
            let Some((first, others)) = path.segments.split_first() else {
                return Resolution::Unknown;
            };
            if path.is_global {
                return Resolution::Path(path.segments);
            }
            match find(scopes, first) {
                None => return Resolution::Path(path.segments),
                Some((_, Target::Local)) if others.is_empty() => return Resolution::Local,
                Some((around, Target::Path(target))) => {
                    path = CodePath {
                        is_global: target.is_global,
                        segments: [&target.segments, others].concat(),
                    };
                    scopes = around;
                }
                Some((_, Target::Local | Target::Unknown)) => return Resolution::Unknown,
            }
        }
        Resolution::Unknown
    }
}

/// What the innermost of the scopes with this name binds it to, and the scopes up to that one.
fn find<'a>(scopes: &'a [Scope], name: &str) -> Option<(&'a [Scope], Target)> {
    let at = scopes.iter().rposition(|scope| scope.binds(name))?;
    let mut targets = scopes[at].targets(name);
    let first = targets.next()?;
    // Imports of one name may differ, each behind its own `#[cfg]`. A glob import further inside shadows
    // the name if it binds it.
    let is_certain =
        targets.all(|other| other == first) && !scopes[at + 1..].iter().any(|scope| scope.has_glob);
    let target = if is_certain { first } else { &Target::Unknown };
    Some((&scopes[..=at], target.clone()))
}

impl Scope {
    fn targets<'a>(&'a self, name: &str) -> impl Iterator<Item = &'a Target> {
        let names = self.names.iter();
        names
            .filter(move |(bound, _)| bound == name)
            .map(|(_, target)| target)
    }

    fn binds(&self, name: &str) -> bool {
        self.targets(name).next().is_some()
    }

    fn declare(&mut self, item: &Item) {
        let (ident, target) = match item {
            Item::Struct(item) => (&item.ident, Target::Local),
            Item::Enum(item) => (&item.ident, Target::Local),
            Item::Union(item) => (&item.ident, Target::Local),
            Item::Trait(item) => (&item.ident, Target::Local),
            Item::Type(item) => (&item.ident, Target::Unknown),
            Item::Mod(item) => (&item.ident, Target::Unknown),
            Item::ExternCrate(item) => return self.declare_crate(item),
            Item::Use(item) => return self.import(item),
            _ => return,
        };
        self.names.push((ident_name(ident), target));
    }

    fn declare_crate(&mut self, item: &ItemExternCrate) {
        let rename = item.rename.as_ref().map(|(_, rename)| rename);
        let path = CodePath {
            is_global: true,
            segments: vec![ident_name(&item.ident)],
        };
        let name = ident_name(rename.unwrap_or(&item.ident));
        self.names.push((name, Target::Path(path)));
    }

    fn import(&mut self, item: &ItemUse) {
        for import in paths::imports(item) {
            let mut path = import.path;
            let Some(mut name) = import.name else {
                self.has_glob = true;
                continue;
            };
            path.segments.pop_if(|last| last == "self");
            if name == "self" {
                name = path.segments.last().cloned().unwrap_or_default();
            }
            // `use crate_name;` binds the name that the crate has anyway.
            if path.segments != [name.as_str()] {
                self.names.push((name, Target::Path(path)));
            }
        }
    }
}
