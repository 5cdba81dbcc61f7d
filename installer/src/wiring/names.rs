//! What the names in a file stand for, as far as the file says.

use super::LIBRARY;

/// actix-web, as code names it.
const ACTIX_WEB: &str = "actix_web";

/// How many imports of imports are followed; some go round in circles.
const FUEL: usize = 8;

/// A path as it is written, without generic arguments.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Path {
    /// Whether it begins with `::`.
    pub(super) is_global: bool,
    pub(super) segments: Vec<String>,
}

/// What a path stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Meaning {
    /// Something in another crate, by its full path.
    External(Vec<String>),
    /// A module of this file.
    Module(ScopeId),
    /// Something else that this file defines.
    Local,
    /// Something that another file decides.
    Unknown,
}

/// What stands behind a name in a scope.
#[derive(Debug)]
pub(super) enum Target {
    Path(Path),
    Module(ScopeId),
    Defined,
    /// A module in a file of its own.
    OtherFile,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct ScopeId(usize);

/// A module or a block, with the names that are known in it.
#[derive(Debug)]
struct Scope {
    /// What surrounds a block; a module sees nothing of what surrounds it.
    outer: Option<ScopeId>,
    module: ScopeId,
    /// The module that a module stands in.
    parent: Option<ScopeId>,
    names: Vec<(String, Target)>,
    globs: Vec<Path>,
}

/// All scopes of a file; the first is the file itself.
#[derive(Debug)]
pub(super) struct Scopes(Vec<Scope>);

enum Lookup {
    Found(Meaning),
    /// A glob import that this file does not explain may bring it.
    Opaque,
    Absent,
}

impl Path {
    pub(super) fn of(path: &syn::Path) -> Self {
        Self {
            is_global: path.leading_colon.is_some(),
            segments: path.segments.iter().map(|part| name(&part.ident)).collect(),
        }
    }
}

/// An identifier's name; `r#` before it makes no difference.
pub(super) fn name(ident: &proc_macro2::Ident) -> String {
    let written = ident.to_string();
    written
        .strip_prefix("r#")
        .map_or(written.clone(), str::to_owned)
}

impl Meaning {
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

    /// A scope that sees what surrounds it.
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

    pub(super) fn import(&mut self, scope: ScopeId, name: String, path: Path) {
        // Such an import only says that the crate is there.
        if path.segments != [name.as_str()] {
            self.define(scope, name, Target::Path(path));
        }
    }

    pub(super) fn import_all(&mut self, scope: ScopeId, path: Path) {
        self.0[scope.0].globs.push(path);
    }

    /// What `path` stands for in `scope`.
    pub(super) fn meaning(&self, scope: ScopeId, path: &Path) -> Meaning {
        self.follow(scope, path, true, FUEL)
    }

    /// Every name in the file under which actix-web's `App` is known.
    pub(super) fn app_names(&self) -> Vec<&str> {
        let ids = (0..self.0.len()).map(ScopeId);
        let names = ids.flat_map(|id| self.scope(id).names.iter().map(move |known| (id, known)));
        let is_app = |(id, (_, target)): &(ScopeId, &(String, Target))| {
            self.target(*id, target, true, FUEL).is_app()
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

    fn follow(&self, scope: ScopeId, path: &Path, through_globs: bool, fuel: usize) -> Meaning {
        let Some((first, rest)) = path.segments.split_first() else {
            return Meaning::Unknown;
        };
        let Some(fuel) = fuel.checked_sub(1) else {
            return Meaning::Unknown;
        };
        let module = self.scope(scope).module;
        let mut meaning = match first.as_str() {
            name if path.is_global => Meaning::External(vec![name.to_owned()]),
            "self" => Meaning::Module(module),
            "super" => self.parent(module),
            "Self" => Meaning::Local,
            // Only the root of a crate knows, and a file does not say whether it is one.
            "crate" => Meaning::Unknown,
            name => match self.lexical(scope, name, through_globs, fuel) {
                Lookup::Found(meaning) => meaning,
                Lookup::Opaque if rest.is_empty() => Meaning::Unknown,
                Lookup::Opaque | Lookup::Absent => Meaning::External(vec![name.to_owned()]),
            },
        };
        for name in rest {
            meaning = match meaning {
                Meaning::External(mut path) => {
                    path.push(name.clone());
                    Meaning::External(path)
                }
                Meaning::Module(module) if name == "super" => self.parent(module),
                Meaning::Module(module) => match self.within(module, name, through_globs, fuel) {
                    Lookup::Found(meaning) => meaning,
                    Lookup::Opaque | Lookup::Absent => Meaning::Unknown,
                },
                decided @ (Meaning::Local | Meaning::Unknown) => decided,
            };
        }
        meaning
    }

    fn parent(&self, module: ScopeId) -> Meaning {
        self.scope(module)
            .parent
            .map_or(Meaning::Unknown, Meaning::Module)
    }

    /// Looks a name up from the inside to the outside, as far as the module.
    fn lexical(&self, scope: ScopeId, name: &str, through_globs: bool, fuel: usize) -> Lookup {
        let mut hidden = false;
        let mut next = Some(scope);
        while let Some(scope) = next {
            match self.within(scope, name, through_globs, fuel) {
                // A glob import further inside goes first, if it has the name.
                Lookup::Found(_) if hidden => return Lookup::Opaque,
                Lookup::Found(meaning) => return Lookup::Found(meaning),
                Lookup::Opaque => hidden = true,
                Lookup::Absent => {}
            }
            next = self.scope(scope).outer;
        }
        if hidden {
            Lookup::Opaque
        } else {
            Lookup::Absent
        }
    }

    fn within(&self, scope: ScopeId, name: &str, through_globs: bool, fuel: usize) -> Lookup {
        let Some(fuel) = fuel.checked_sub(1) else {
            return Lookup::Opaque;
        };
        let named = self.scope(scope).names.iter();
        let named = named.filter(|(known, _)| known == name);
        let meanings = named.map(|(_, target)| self.target(scope, target, through_globs, fuel));
        if let Some(meaning) = agreed(meanings) {
            return Lookup::Found(meaning);
        }
        if through_globs {
            self.by_globs(scope, name, fuel)
        } else {
            Lookup::Absent
        }
    }

    /// Names that are written out go before those of a glob import.
    fn by_globs(&self, scope: ScopeId, name: &str, fuel: usize) -> Lookup {
        let mut found = Vec::new();
        let mut is_opaque = false;
        for glob in &self.scope(scope).globs {
            match self.follow(scope, glob, false, fuel) {
                Meaning::External(path) if path == [ACTIX_WEB] || path == [LIBRARY] => {
                    let item = Meaning::External(vec![path[0].clone(), name.to_owned()]);
                    if item.is_app() || item.is_routes() {
                        found.push(item);
                    }
                }
                Meaning::Module(module) => match self.within(module, name, true, fuel) {
                    Lookup::Found(meaning) => found.push(meaning),
                    Lookup::Opaque => is_opaque = true,
                    Lookup::Absent => {}
                },
                Meaning::Local => {}
                Meaning::External(_) | Meaning::Unknown => is_opaque = true,
            }
        }
        match agreed(found.into_iter()) {
            Some(meaning) => Lookup::Found(meaning),
            None if is_opaque => Lookup::Opaque,
            None => Lookup::Absent,
        }
    }

    fn target(&self, scope: ScopeId, target: &Target, through_globs: bool, fuel: usize) -> Meaning {
        match target {
            Target::Path(path) => self.follow(scope, path, through_globs, fuel),
            Target::Module(module) => Meaning::Module(*module),
            Target::Defined => Meaning::Local,
            Target::OtherFile => Meaning::Unknown,
        }
    }
}

/// What all of them say; features may choose between imports that differ.
fn agreed(mut meanings: impl Iterator<Item = Meaning>) -> Option<Meaning> {
    let first = meanings.next()?;
    Some(if meanings.all(|other| other == first) {
        first
    } else {
        Meaning::Unknown
    })
}
