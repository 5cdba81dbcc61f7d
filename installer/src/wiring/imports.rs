//! Names that come into a scope: by items, and by what they import.

use proc_macro2::Ident;
use syn::{Item, ItemUse, UseTree};

use super::chains::plain_path;
use super::names::{Path, Target, name};
use super::reader::Reader;

impl Reader<'_> {
    pub(super) fn import_tree(&mut self, item: &ItemUse) {
        let prefix = Path {
            is_global: item.leading_colon.is_some(),
            segments: Vec::new(),
        };
        self.import(&item.tree, None, &prefix);
    }

    pub(super) fn declare(&mut self, item: &Item) {
        match item {
            Item::Struct(item) => self.define(name(&item.ident), Target::Defined),
            Item::Enum(item) => self.define(name(&item.ident), Target::Defined),
            Item::Union(item) => self.define(name(&item.ident), Target::Defined),
            Item::Trait(item) => self.define(name(&item.ident), Target::Defined),
            Item::Type(item) => {
                let target = plain_path(&item.ty).map_or(Target::Defined, Target::Path);
                self.define(name(&item.ident), target);
            }
            Item::ExternCrate(item) => {
                let known_as = item
                    .rename
                    .as_ref()
                    .map_or(&item.ident, |(_, rename)| rename);
                let path = Path {
                    is_global: true,
                    segments: vec![name(&item.ident)],
                };
                self.mention(&item.ident, path.clone());
                if !self.is_test {
                    let scopes = &mut self.code.scopes;
                    scopes.import(self.scope, name(known_as), path);
                }
            }
            _ => {}
        }
    }

    /// Walks a use tree down to each name that it imports.
    fn import(&mut self, tree: &UseTree, first: Option<&Ident>, prefix: &Path) {
        let longer = |ident: &Ident| {
            let mut path = prefix.clone();
            path.segments.push(name(ident));
            path
        };
        match tree {
            UseTree::Path(tree) => {
                let first = first.unwrap_or(&tree.ident);
                self.import(&tree.tree, Some(first), &longer(&tree.ident));
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import(tree, first, prefix);
                }
            }
            UseTree::Name(tree) => {
                self.import_one(&tree.ident, &tree.ident, first, longer(&tree.ident));
            }
            UseTree::Rename(tree) => {
                self.import_one(&tree.ident, &tree.rename, first, longer(&tree.ident));
            }
            UseTree::Glob(_) => {
                if let Some(first) = first {
                    let mut path = prefix.clone();
                    path.segments.push("*".to_owned());
                    self.mention(first, path);
                }
                if !self.is_test {
                    self.code.scopes.import_all(self.scope, prefix.clone());
                }
            }
        }
    }

    fn import_one(&mut self, item: &Ident, known_as: &Ident, first: Option<&Ident>, path: Path) {
        self.mention(first.unwrap_or(item), path.clone());
        let mut path = path;
        let mut known_as = name(known_as);
        if item == "self" {
            path.segments.pop();
            if known_as == "self" {
                known_as = path.segments.last().cloned().unwrap_or_default();
            }
        }
        if !self.is_test {
            self.code.scopes.import(self.scope, known_as, path);
        }
    }
}
