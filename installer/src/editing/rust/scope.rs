//! The scopes of a file, and what its items and imports bind in them.

use std::collections::{BTreeSet, HashMap, HashSet};

use super::paths::{CodePath, LIBRARY_CRATE};

/// actix-web's crate name.
const ACTIX_WEB: &str = "actix_web";

/// The position of a scope in the order in which the file opens its scopes.
pub(super) type ScopeId = usize;

/// The scope of the whole file, which is the crate's root: only such files are edited.
pub(super) const FILE_SCOPE: ScopeId = 0;

/// The file, an inline module, a block, or an item with its type parameters.
#[derive(Debug, Default)]
pub(super) struct Scope {
    /// The scope around it; `None` for the file.
    pub(super) parent: Option<ScopeId>,
    /// Whether names of the scopes around it are not visible in it.
    pub(super) is_module: bool,
    pub(super) bindings: HashMap<String, Vec<Binding>>,
    pub(super) globs: Vec<Glob>,
    /// Names in macros of the file that are called here, which may bind them.
    pub(super) macro_names: HashSet<String>,
    /// Whether a macro from elsewhere stands for items here, and may bind any name.
    pub(super) has_opaque_macro: bool,
}

#[derive(Debug)]
pub(super) struct Binding {
    pub(super) target: Target,
    /// Whether a `#[cfg]` may leave the name to the scopes around.
    pub(super) is_conditional: bool,
    pub(super) is_test: bool,
}

/// What a name is bound to.
#[derive(Debug)]
pub(super) enum Target {
    /// A path in this scope.
    Path(CodePath, ScopeId),
    /// A crate, by `extern crate`.
    Crate(String),
    /// An inline module.
    Module(ScopeId),
    /// A type of this file, or a type parameter.
    Local,
    /// A module in another file, or a type that is not written as a plain path.
    Unknown,
}

#[derive(Debug)]
pub(super) struct Glob {
    /// Without the `*`.
    pub(super) path: CodePath,
    /// What the path refers to.
    pub(super) targets: BTreeSet<Meaning>,
    pub(super) is_test: bool,
}

/// Where a path is written.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place {
    pub(super) scope: ScopeId,
    /// Whether the code is compiled for tests only. Other code does not see its names.
    pub(super) is_test: bool,
}

/// What a path may refer to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Meaning {
    /// A path that begins with a crate's name, as far as the file shows.
    Path(Vec<String>),
    /// An inline module, or the file.
    Module(ScopeId),
    /// A type of this file, or a type parameter.
    Local,
    /// Other files, macros, or types that are not written as a plain path decide it.
    Unknown,
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

    fn is_path(&self, wanted: &[&str]) -> bool {
        matches!(self, Self::Path(segments) if segments == wanted)
    }
}
