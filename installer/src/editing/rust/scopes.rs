//! Resolves the names in a file, as far as that file alone determines them.

use super::paths::{CodePath, LIBRARY};

/// actix-web's crate name.
const ACTIX_WEB: &str = "actix_web";

/// Longer chains of imports are not followed: imports may form cycles, and real code
/// renames a name once or twice.
const MAX_IMPORT_DEPTH: usize = 8;

/// What a path refers to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Resolution {
    /// An item of another crate, by its full path.
    External(Vec<String>),
    /// A module of this file.
    Module(ScopeId),
    /// Another item that this file defines.
    Local,
    /// Other files decide it.
    Unknown,
}

/// What a name in a scope is bound to.
#[derive(Debug)]
pub(super) enum Target {
    Path(CodePath),
    Module(ScopeId),
    Defined,
    /// A module in a file of its own.
    OtherFile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScopeId(usize);

/// A module or a block, with the names it binds.
#[derive(Debug)]
struct Scope {
    /// The scope around a block. A module has none: it does not see its parent's names.
    outer: Option<ScopeId>,
    module: ScopeId,
    /// The module around a module.
    parent: Option<ScopeId>,
    names: Vec<(String, Target)>,
    globs: Vec<CodePath>,
}

/// All scopes of a file; the first is the file itself.
#[derive(Debug)]
pub(super) struct Scopes(Vec<Scope>);

enum Lookup {
    Found(Resolution),
    /// A glob import of another file's or crate's names may bind it.
    Opaque,
    Absent,
}

impl Resolution {
    /// actix-web's `App`.
    pub(super) fn is_app(&self) -> bool {
        self.is_item(ACTIX_WEB, "App")
    }

    /// The library's `routes`.
    pub(super) fn is_routes(&self) -> bool {
        self.is_item(LIBRARY, "routes")
    }

    fn is_item(&self, package: &str, item: &str) -> bool {
        matches!(self, Self::External(path) if *path == [package, item])
    }
}

impl Scopes {
    pub(super) const FILE: ScopeId = ScopeId(0);

    pub(super) fn new() -> Self {
        let mut scopes = Self(Vec::new());
        scopes.push(None, None);
        scopes
    }

    /// A new scope that sees the names of `outer`.
    pub(super) fn block_in(&mut self, outer: ScopeId) -> ScopeId {
        self.push(Some(outer), None)
    }

    pub(super) fn module_in(&mut self, outer: ScopeId) -> ScopeId {
        let parent = self.scope(outer).module;
        self.push(None, Some(parent))
    }

    pub(super) fn define(&mut self, scope: ScopeId, name: String, target: Target) {
        self.0[scope.0].names.push((name, target));
    }

    pub(super) fn import(&mut self, scope: ScopeId, name: String, path: CodePath) {
        // `use crate_name;` binds the name that the crate has anyway.
        if path.segments != [name.as_str()] {
            self.define(scope, name, Target::Path(path));
        }
    }

    pub(super) fn import_glob(&mut self, scope: ScopeId, path: CodePath) {
        self.0[scope.0].globs.push(path);
    }

    /// What `path` refers to in `scope`.
    pub(super) fn resolve(&self, scope: ScopeId, path: &CodePath) -> Resolution {
        self.follow(scope, path, true, MAX_IMPORT_DEPTH)
    }

    /// Every name in the file that is bound to actix-web's `App`, and `App` itself.
    pub(super) fn app_names(&self) -> Vec<&str> {
        let ids = (0..self.0.len()).map(ScopeId);
        let names = ids.flat_map(|id| self.scope(id).names.iter().map(move |bound| (id, bound)));
        let is_app = |(id, (_, target)): &(ScopeId, &(String, Target))| {
            self.target(*id, target, true, MAX_IMPORT_DEPTH).is_app()
        };
        names
            .filter(is_app)
            .map(|(_, (name, _))| name.as_str())
            .chain(["App"])
            .collect()
    }

    fn push(&mut self, outer: Option<ScopeId>, parent: Option<ScopeId>) -> ScopeId {
        let id = ScopeId(self.0.len());
        self.0.push(Scope {
            outer,
            module: outer.map_or(id, |outer| self.scope(outer).module),
            parent,
            names: Vec::new(),
            globs: Vec::new(),
        });
        id
    }

    fn scope(&self, id: ScopeId) -> &Scope {
        &self.0[id.0]
    }

    fn follow(
        &self,
        scope: ScopeId,
        path: &CodePath,
        through_globs: bool,
        depth: usize,
    ) -> Resolution {
        let Some((first, others)) = path.segments.split_first() else {
            return Resolution::Unknown;
        };
        let Some(depth) = depth.checked_sub(1) else {
            return Resolution::Unknown;
        };
        let module = self.scope(scope).module;
        let first = match first.as_str() {
            name if path.is_global => Resolution::External(vec![name.to_owned()]),
            "self" => Resolution::Module(module),
            "super" => self.parent(module),
            "Self" => Resolution::Local,
            // Resolving it takes the crate's root file, and any file may be that.
            "crate" => Resolution::Unknown,
            name => match self.lexical(scope, name, through_globs, depth) {
                Lookup::Found(resolution) => resolution,
                Lookup::Opaque if others.is_empty() => Resolution::Unknown,
                Lookup::Opaque | Lookup::Absent => Resolution::External(vec![name.to_owned()]),
            },
        };
        others.iter().fold(first, |parent, name| {
            self.member(parent, name, through_globs, depth)
        })
    }

    /// What `parent::name` refers to.
    fn member(
        &self,
        parent: Resolution,
        name: &str,
        through_globs: bool,
        depth: usize,
    ) -> Resolution {
        match parent {
            Resolution::External(mut path) => {
                path.push(name.to_owned());
                Resolution::External(path)
            }
            Resolution::Module(module) if name == "super" => self.parent(module),
            Resolution::Module(module) => match self.within(module, name, through_globs, depth) {
                Lookup::Found(resolution) => resolution,
                Lookup::Opaque | Lookup::Absent => Resolution::Unknown,
            },
            Resolution::Local | Resolution::Unknown => parent,
        }
    }

    fn parent(&self, module: ScopeId) -> Resolution {
        self.scope(module)
            .parent
            .map_or(Resolution::Unknown, Resolution::Module)
    }

    /// Looks a name up in the scope and those around it, up to the module.
    fn lexical(&self, scope: ScopeId, name: &str, through_globs: bool, depth: usize) -> Lookup {
        let mut shadowed = false;
        let mut next = Some(scope);
        while let Some(scope) = next {
            match self.within(scope, name, through_globs, depth) {
                // An inner glob import shadows this name if it binds it.
                Lookup::Found(_) if shadowed => return Lookup::Opaque,
                Lookup::Found(resolution) => return Lookup::Found(resolution),
                Lookup::Opaque => shadowed = true,
                Lookup::Absent => {}
            }
            next = self.scope(scope).outer;
        }
        if shadowed {
            Lookup::Opaque
        } else {
            Lookup::Absent
        }
    }

    fn within(&self, scope: ScopeId, name: &str, through_globs: bool, depth: usize) -> Lookup {
        let Some(depth) = depth.checked_sub(1) else {
            return Lookup::Opaque;
        };
        let names = self.scope(scope).names.iter();
        let targets = names.filter(|(bound, _)| bound == name);
        let resolutions =
            targets.map(|(_, target)| self.target(scope, target, through_globs, depth));
        if let Some(resolution) = agreed(resolutions) {
            return Lookup::Found(resolution);
        }
        if through_globs {
            self.by_globs(scope, name, depth)
        } else {
            Lookup::Absent
        }
    }

    /// Looks a name up in the glob imports, which explicit names shadow.
    fn by_globs(&self, scope: ScopeId, name: &str, depth: usize) -> Lookup {
        let mut found = Vec::new();
        let mut is_opaque = false;
        for glob in &self.scope(scope).globs {
            match self.follow(scope, glob, false, depth) {
                Resolution::External(path) if path == [ACTIX_WEB] || path == [LIBRARY] => {
                    let item = Resolution::External(vec![path[0].clone(), name.to_owned()]);
                    if item.is_app() || item.is_routes() {
                        found.push(item);
                    }
                }
                Resolution::Module(module) => match self.within(module, name, true, depth) {
                    Lookup::Found(resolution) => found.push(resolution),
                    Lookup::Opaque => is_opaque = true,
                    Lookup::Absent => {}
                },
                Resolution::Local => {}
                Resolution::External(_) | Resolution::Unknown => is_opaque = true,
            }
        }
        match agreed(found.into_iter()) {
            Some(resolution) => Lookup::Found(resolution),
            None if is_opaque => Lookup::Opaque,
            None => Lookup::Absent,
        }
    }

    fn target(
        &self,
        scope: ScopeId,
        target: &Target,
        through_globs: bool,
        depth: usize,
    ) -> Resolution {
        match target {
            Target::Path(path) => self.follow(scope, path, through_globs, depth),
            Target::Module(module) => Resolution::Module(*module),
            Target::Defined => Resolution::Local,
            Target::OtherFile => Resolution::Unknown,
        }
    }
}

/// The resolution that all agree on. Imports of one name may differ, each behind its own
/// `#[cfg]`.
fn agreed(mut resolutions: impl Iterator<Item = Resolution>) -> Option<Resolution> {
    let first = resolutions.next()?;
    Some(if resolutions.all(|other| other == first) {
        first
    } else {
        Resolution::Unknown
    })
}
