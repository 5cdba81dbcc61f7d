//! Collects the names that a file's items and imports bind, scope by scope.

use std::collections::{BTreeSet, HashMap, HashSet};

use syn::{Attribute, Item, ItemMacro, ItemUse, Macro, TypeParam};

use super::paths::{self, CodePath, ident_name};
use super::scope::{Binding, Glob, Place, Scope, ScopeId, Target};
use super::tokens;

/// The scopes of a file. Two walks through it open them in the same order: the first one declares
/// their names, because a name may be used before the item that binds it.
#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) scopes: Vec<Scope>,
    /// Every name that is bound to actix-web's `App` in some scope.
    pub(super) app_names: HashSet<String>,
    /// The identifiers in each macro of the file.
    macros: HashMap<String, HashSet<String>>,
    /// The number of scopes that this walk has opened.
    opened: usize,
    pub(super) is_complete: bool,
}

impl Names {
    /// Begins the second walk.
    pub(super) fn complete(mut self) -> Self {
        self.opened = 0;
        self.is_complete = true;
        self.resolve_globs();
        self.find_app_names();
        self
    }

    pub(super) fn open_scope(&mut self, parent: Option<ScopeId>, is_module: bool) -> ScopeId {
        let scope = self.opened;
        self.opened += 1;
        if !self.is_complete {
            self.scopes.push(Scope {
                parent,
                is_module,
                ..Scope::default()
            });
        }
        scope
    }

    /// Declares the names of an item. `inside` is the item's own scope.
    pub(super) fn declare(&mut self, item: &Item, inside: ScopeId, place: Place) {
        let (ident, attributes, target) = match item {
            Item::Struct(item) => (&item.ident, &item.attrs, Target::Local),
            Item::Enum(item) => (&item.ident, &item.attrs, Target::Local),
            Item::Union(item) => (&item.ident, &item.attrs, Target::Local),
            Item::Trait(item) => (&item.ident, &item.attrs, Target::Local),
            Item::Mod(item) => {
                let is_inline = item.content.is_some();
                let target = if is_inline {
                    Target::Module(inside)
                } else {
                    Target::Unknown
                };
                (&item.ident, &item.attrs, target)
            }
            Item::Type(item) => {
                let path = CodePath::of_type(&item.ty);
                let target = path.map_or(Target::Unknown, |path| Target::Path(path, inside));
                (&item.ident, &item.attrs, target)
            }
            Item::ExternCrate(item) => {
                let rename = item.rename.as_ref().map(|(_, rename)| rename);
                let target = Target::Crate(ident_name(&item.ident));
                (rename.unwrap_or(&item.ident), &item.attrs, target)
            }
            Item::Use(item) => return self.import(item, place),
            Item::Macro(item) => return self.declare_macro(item, place),
            _ => return,
        };
        self.bind(ident_name(ident), target, is_conditional(attributes), place);
    }

    pub(super) fn declare_type_parameter(&mut self, parameter: &TypeParam, place: Place) {
        self.bind(ident_name(&parameter.ident), Target::Local, false, place);
    }

    /// Whether the macro called in a scope is one of the file's. It may then bind each name that it
    /// contains.
    pub(super) fn call_macro(&mut self, call: &Macro, place: Place) -> bool {
        let name = call.path.get_ident().map(ident_name);
        let Some(names) = name.and_then(|name| self.macros.get(&name)) else {
            return false;
        };
        if !self.is_complete && !place.is_test {
            let scope = &mut self.scopes[place.scope];
            scope.macro_names.extend(names.iter().cloned());
            scope.macro_names.extend(tokens::identifiers(&call.tokens));
        }
        true
    }

    fn declare_macro(&mut self, item: &ItemMacro, place: Place) {
        if let Some(ident) = &item.ident {
            let names = self.macros.entry(ident_name(ident)).or_default();
            names.extend(tokens::identifiers(&item.mac.tokens));
        } else if !self.call_macro(&item.mac, place) && !place.is_test {
            self.scopes[place.scope].has_opaque_macro = true;
        }
    }

    fn import(&mut self, item: &ItemUse, place: Place) {
        let is_conditional = is_conditional(&item.attrs);
        for import in paths::imports(item) {
            let mut path = import.path;
            let Some(mut name) = import.name else {
                path.segments.pop();
                self.import_glob(path, place);
                continue;
            };
            path.segments.pop_if(|last| last == "self");
            if name == "self" {
                name = path.segments.last().cloned().unwrap_or_default();
            }
            // `use crate_name;` binds the name that the crate has anyway.
            if path.segments != [name.as_str()] {
                let target = Target::Path(path, place.scope);
                self.bind(name, target, is_conditional, place);
            }
        }
    }

    fn import_glob(&mut self, path: CodePath, place: Place) {
        if !self.is_complete {
            self.scopes[place.scope].globs.push(Glob {
                path,
                targets: BTreeSet::new(),
                is_test: place.is_test,
            });
        }
    }

    fn bind(&mut self, name: String, target: Target, is_conditional: bool, place: Place) {
        if !self.is_complete {
            let bindings = &mut self.scopes[place.scope].bindings;
            bindings.entry(name).or_default().push(Binding {
                target,
                is_conditional,
                is_test: place.is_test,
            });
        }
    }
}

fn is_conditional(attributes: &[Attribute]) -> bool {
    let mut attributes = attributes.iter();
    attributes.any(|attribute| attribute.path().is_ident("cfg"))
}
