//! Resolves the names in a file, as far as that file alone determines them.

use super::paths::{CodePath, LIBRARY_CRATE};

/// actix-web's crate name.
const ACTIX_WEB: &str = "actix_web";

/// A path takes two steps, one in `resolve_path` and one in `look_up_in`, and so does each import
/// that it leads to. Chains of more than three imports are not followed: imports may form cycles,
/// and real code renames a name once or twice.
const MAX_RESOLUTION_STEPS: usize = 8;

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
    /// A module in its own file.
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

enum NameLookup {
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
        self.is_item(LIBRARY_CRATE, "routes")
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
        self.resolve_path(scope, path, true, MAX_RESOLUTION_STEPS)
    }

    /// Every name in the file that is bound to actix-web's `App`, and `App` itself.
    pub(super) fn app_names(&self) -> Vec<&str> {
        let ids = (0..self.0.len()).map(ScopeId);
        let names = ids.flat_map(|id| self.scope(id).names.iter().map(move |bound| (id, bound)));
        let is_app = |(id, (_, target)): &(ScopeId, &(String, Target))| {
            self.resolve_target(*id, target, true, MAX_RESOLUTION_STEPS)
                .is_app()
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

    fn resolve_path(
        &self,
        scope: ScopeId,
        path: &CodePath,
        through_globs: bool,
        steps_left: usize,
    ) -> Resolution {
        let Some((first, others)) = path.segments.split_first() else {
            return Resolution::Unknown;
        };
        let Some(steps_left) = steps_left.checked_sub(1) else {
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
            name => match self.look_up_lexically(scope, name, through_globs, steps_left) {
                NameLookup::Found(resolution) => resolution,
                NameLookup::Opaque if others.is_empty() => Resolution::Unknown,
                NameLookup::Opaque | NameLookup::Absent => {
                    Resolution::External(vec![name.to_owned()])
                }
            },
        };
        others.iter().fold(first, |parent, name| {
            self.look_up_member(parent, name, through_globs, steps_left)
        })
    }

    /// What `parent::name` refers to.
    fn look_up_member(
        &self,
        parent: Resolution,
        name: &str,
        through_globs: bool,
        steps_left: usize,
    ) -> Resolution {
        match parent {
            Resolution::External(mut path) => {
                path.push(name.to_owned());
                Resolution::External(path)
            }
            Resolution::Module(module) if name == "super" => self.parent(module),
            Resolution::Module(module) => {
                match self.look_up_in(module, name, through_globs, steps_left) {
                    NameLookup::Found(resolution) => resolution,
                    NameLookup::Opaque | NameLookup::Absent => Resolution::Unknown,
                }
            }
            Resolution::Local | Resolution::Unknown => parent,
        }
    }

    fn parent(&self, module: ScopeId) -> Resolution {
        self.scope(module)
            .parent
            .map_or(Resolution::Unknown, Resolution::Module)
    }

    /// Looks a name up in the scope and those around it, up to the module.
    fn look_up_lexically(
        &self,
        scope: ScopeId,
        name: &str,
        through_globs: bool,
        steps_left: usize,
    ) -> NameLookup {
        let mut shadowed = false;
        let mut next = Some(scope);
        while let Some(scope) = next {
            match self.look_up_in(scope, name, through_globs, steps_left) {
                // An inner glob import shadows this name if it binds it.
                NameLookup::Found(_) if shadowed => return NameLookup::Opaque,
                NameLookup::Found(resolution) => return NameLookup::Found(resolution),
                NameLookup::Opaque => shadowed = true,
                NameLookup::Absent => {}
            }
            next = self.scope(scope).outer;
        }
        if shadowed {
            NameLookup::Opaque
        } else {
            NameLookup::Absent
        }
    }

    fn look_up_in(
        &self,
        scope: ScopeId,
        name: &str,
        through_globs: bool,
        steps_left: usize,
    ) -> NameLookup {
        let Some(steps_left) = steps_left.checked_sub(1) else {
            return NameLookup::Opaque;
        };
        let names = self.scope(scope).names.iter();
        let targets = names.filter(|(bound, _)| bound == name);
        let resolutions = targets
            .map(|(_, target)| self.resolve_target(scope, target, through_globs, steps_left));
        if let Some(resolution) = common_resolution(resolutions) {
            return NameLookup::Found(resolution);
        }
        if through_globs {
            self.look_up_in_globs(scope, name, steps_left)
        } else {
            NameLookup::Absent
        }
    }

    /// Looks a name up in the glob imports, which explicit names shadow.
    fn look_up_in_globs(&self, scope: ScopeId, name: &str, steps_left: usize) -> NameLookup {
        let mut found = Vec::new();
        let mut is_opaque = false;
        for glob in &self.scope(scope).globs {
            match self.resolve_path(scope, glob, false, steps_left) {
                Resolution::External(path) if path == [ACTIX_WEB] || path == [LIBRARY_CRATE] => {
                    let item = Resolution::External(vec![path[0].clone(), name.to_owned()]);
                    if item.is_app() || item.is_routes() {
                        found.push(item);
                    }
                }
                Resolution::Module(module) => match self.look_up_in(module, name, true, steps_left)
                {
                    NameLookup::Found(resolution) => found.push(resolution),
                    NameLookup::Opaque => is_opaque = true,
                    NameLookup::Absent => {}
                },
                Resolution::Local => {}
                Resolution::External(_) | Resolution::Unknown => is_opaque = true,
            }
        }
        match common_resolution(found.into_iter()) {
            Some(resolution) => NameLookup::Found(resolution),
            None if is_opaque => NameLookup::Opaque,
            None => NameLookup::Absent,
        }
    }

    fn resolve_target(
        &self,
        scope: ScopeId,
        target: &Target,
        through_globs: bool,
        steps_left: usize,
    ) -> Resolution {
        match target {
            Target::Path(path) => self.resolve_path(scope, path, through_globs, steps_left),
            Target::Module(module) => Resolution::Module(*module),
            Target::Defined => Resolution::Local,
            Target::OtherFile => Resolution::Unknown,
        }
    }
}

/// The resolution that all agree on. Imports of one name may differ, each behind its own
/// `#[cfg]`.
fn common_resolution(mut resolutions: impl Iterator<Item = Resolution>) -> Option<Resolution> {
    let first = resolutions.next()?;
    Some(if resolutions.all(|other| other == first) {
        first
    } else {
        Resolution::Unknown
    })
}
