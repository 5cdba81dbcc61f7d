//! Finds out what a path may refer to, by the rules of Rust's name resolution.

use std::collections::{BTreeSet, HashSet};
use std::mem;

use super::names::Names;
use super::paths::CodePath;
use super::scope::{Binding, FILE_SCOPE, Meaning, Place, Scope, ScopeId, Target};

/// How many bindings and globs of the file are followed for a path. Imports may form cycles, and a name
/// may have several bindings. Real code takes fewer than twenty steps from a path to its item.
const MAX_STEPS: usize = 500;

/// A glob's path may begin with a name that a later glob binds.
const GLOB_ROUNDS: usize = 2;

impl Names {
    /// Everything that `path` may refer to. Imports of one name may differ, each behind its own
    /// `#[cfg]`.
    pub(super) fn meanings(&self, path: &CodePath, place: Place) -> BTreeSet<Meaning> {
        if self.is_complete {
            Search::meanings(self, path, place)
        } else {
            BTreeSet::new()
        }
    }

    pub(super) fn resolve_globs(&mut self) {
        for _ in 0..GLOB_ROUNDS {
            for scope in 0..self.scopes.len() {
                for glob in 0..self.scopes[scope].globs.len() {
                    self.resolve_glob(scope, glob);
                }
            }
        }
    }

    fn resolve_glob(&mut self, scope: ScopeId, index: usize) {
        let glob = &mut self.scopes[scope].globs[index];
        // A glob does not bind the names in its own path.
        glob.targets.clear();
        let (path, is_test) = (glob.path.clone(), glob.is_test);
        let targets = Search::meanings(self, &path, Place { scope, is_test });
        self.scopes[scope].globs[index].targets = targets;
    }

    pub(super) fn find_app_names(&mut self) {
        let scopes = self.scopes.iter();
        let bindings = scopes.flat_map(|scope| &scope.bindings);
        let names = bindings.filter(|(_, bindings)| self.can_be_app(bindings));
        self.app_names = names.map(|(name, _)| name.clone()).collect();
    }

    fn can_be_app(&self, bindings: &[Binding]) -> bool {
        bindings.iter().any(|binding| match &binding.target {
            Target::Path(path, scope) if !binding.is_test => {
                let place = Place {
                    scope: *scope,
                    is_test: false,
                };
                self.meanings(path, place).iter().any(Meaning::is_app)
            }
            _ => false,
        })
    }

    /// The innermost module around the scope, or the scope itself.
    fn module_of(&self, mut scope: ScopeId) -> ScopeId {
        while let Scope {
            is_module: false,
            parent: Some(parent),
            ..
        } = self.scopes[scope]
        {
            scope = parent;
        }
        scope
    }
}

/// The search for the meanings of one path.
struct Search<'a> {
    names: &'a Names,
    is_test: bool,
    steps_left: usize,
}

/// What a name may refer to in one or more scopes.
#[derive(Default)]
struct Hits {
    meanings: BTreeSet<Meaning>,
    /// Macros and the globs of other crates may give it these meanings instead.
    doubts: BTreeSet<Meaning>,
}

impl<'a> Search<'a> {
    fn meanings(names: &'a Names, path: &CodePath, place: Place) -> BTreeSet<Meaning> {
        let mut search = Self {
            names,
            is_test: place.is_test,
            steps_left: MAX_STEPS,
        };
        let mut meanings = search.resolve(path, place.scope);
        if search.steps_left == 0 {
            meanings.insert(Meaning::Unknown);
        }
        meanings
    }

    fn resolve(&mut self, path: &CodePath, scope: ScopeId) -> BTreeSet<Meaning> {
        let Some((first, others)) = path.segments.split_first() else {
            return BTreeSet::from([Meaning::Unknown]);
        };
        let mut meanings = match first.as_str() {
            _ if path.is_global => self.crate_named(first),
            "crate" => BTreeSet::from([Meaning::Module(FILE_SCOPE)]),
            "self" => BTreeSet::from([Meaning::Module(self.names.module_of(scope))]),
            "super" => BTreeSet::from([self.module_above(self.names.module_of(scope))]),
            _ => self.visible(first, scope),
        };
        for name in others {
            let parents = mem::take(&mut meanings).into_iter();
            meanings.extend(parents.flat_map(|parent| self.member(parent, name)));
        }
        meanings
    }

    /// What the name refers to in code of the scope.
    fn visible(&mut self, name: &str, scope: ScopeId) -> BTreeSet<Meaning> {
        let mut hits = Hits::default();
        let mut next = Some(scope);
        while let Some(scope) = next {
            hits.add(self.bound_in(scope, name));
            let mut bindings = self.bindings(scope, name).into_iter();
            let is_hidden = bindings.any(|binding| !binding.is_conditional);
            let Scope {
                is_module, parent, ..
            } = self.names.scopes[scope];
            next = parent.filter(|_| !is_hidden && !is_module);
        }
        if hits.meanings.is_empty() {
            self.crate_named(name)
        } else {
            hits.into_meanings()
        }
    }

    /// What `name` refers to below the parent in a path.
    fn member(&mut self, parent: Meaning, name: &str) -> BTreeSet<Meaning> {
        match parent {
            Meaning::Module(module) if name == "super" => {
                BTreeSet::from([self.module_above(module)])
            }
            Meaning::Module(module) => {
                let hits = self.bound_in(module, name);
                if hits.meanings.is_empty() {
                    BTreeSet::from([Meaning::Unknown])
                } else {
                    hits.into_meanings()
                }
            }
            Meaning::Path(path) => BTreeSet::from([joined(&path, name)]),
            Meaning::Local | Meaning::Unknown => BTreeSet::from([Meaning::Unknown]),
        }
    }

    /// What the scope's items and imports bind to the name, or else its macros and globs.
    fn bound_in(&mut self, scope: ScopeId, name: &str) -> Hits {
        let (names, is_test) = (self.names, self.is_test);
        let mut hits = Hits::default();
        let mut seen = HashSet::from([scope]);
        let mut pending = vec![scope];
        while let Some(id) = pending.pop() {
            let scope = &names.scopes[id];
            let bindings = self.bindings(id, name);
            let meanings = self.follow_all(&bindings);
            let is_app = meanings.iter().all(Meaning::is_app);
            hits.meanings.extend(meanings);
            // An import of `App` behind a `#[cfg]` is for code behind the same one.
            let mut bindings = bindings.iter();
            if bindings.any(|binding| is_app || !binding.is_conditional) {
                continue;
            }
            if scope.has_opaque_macro || scope.macro_names.contains(name) {
                hits.doubts.insert(Meaning::Unknown);
            }
            let globs = scope.globs.iter();
            let globs = globs.filter(|glob| is_test || !glob.is_test);
            for target in globs.flat_map(|glob| &glob.targets) {
                match target {
                    Meaning::Module(module) if seen.insert(*module) && self.take_step() => {
                        pending.push(*module);
                    }
                    Meaning::Path(path) => drop(hits.doubts.insert(joined(path, name))),
                    Meaning::Unknown => drop(hits.doubts.insert(Meaning::Unknown)),
                    // An enum's glob binds its variants.
                    Meaning::Module(_) | Meaning::Local => {}
                }
            }
        }
        hits
    }

    fn bindings(&self, scope: ScopeId, name: &str) -> Vec<&'a Binding> {
        let bindings = self.names.scopes[scope].bindings.get(name);
        let bindings = bindings.into_iter().flatten();
        let visible = bindings.filter(|binding| self.is_test || !binding.is_test);
        visible.collect()
    }

    fn follow_all(&mut self, bindings: &[&Binding]) -> BTreeSet<Meaning> {
        let meanings = bindings.iter().map(|binding| self.follow(binding));
        meanings.flatten().collect()
    }

    fn follow(&mut self, binding: &Binding) -> BTreeSet<Meaning> {
        let meaning = match &binding.target {
            Target::Path(path, scope) => {
                return if self.take_step() {
                    self.resolve(path, *scope)
                } else {
                    BTreeSet::new()
                };
            }
            Target::Crate(name) => Meaning::Path(vec![name.clone()]),
            Target::Module(module) => Meaning::Module(*module),
            Target::Local => Meaning::Local,
            Target::Unknown => Meaning::Unknown,
        };
        BTreeSet::from([meaning])
    }

    /// Whether the search may go on.
    fn take_step(&mut self) -> bool {
        self.steps_left = self.steps_left.saturating_sub(1);
        self.steps_left > 0
    }

    /// The crate with this name. `extern crate` in the file's scope renames it in all of them.
    fn crate_named(&mut self, name: &str) -> BTreeSet<Meaning> {
        let bindings = self.bindings(FILE_SCOPE, name).into_iter();
        let crates = bindings.filter_map(|binding| match &binding.target {
            Target::Crate(original) => Some(original.clone()),
            _ => None,
        });
        let mut meanings: BTreeSet<_> = crates.map(|name| Meaning::Path(vec![name])).collect();
        if meanings.is_empty() {
            meanings.insert(Meaning::Path(vec![name.to_owned()]));
        }
        meanings
    }

    /// Where `super` leads. Only another file knows the module above a file.
    fn module_above(&self, module: ScopeId) -> Meaning {
        match self.names.scopes[module].parent {
            Some(parent) => Meaning::Module(self.names.module_of(parent)),
            None => Meaning::Unknown,
        }
    }
}

impl Hits {
    fn add(&mut self, mut other: Self) {
        self.meanings.append(&mut other.meanings);
        self.doubts.append(&mut other.doubts);
    }

    fn into_meanings(mut self) -> BTreeSet<Meaning> {
        self.meanings.append(&mut self.doubts);
        self.meanings
    }
}

fn joined(path: &[String], name: &str) -> Meaning {
    Meaning::Path([path, &[name.to_owned()]].concat())
}
