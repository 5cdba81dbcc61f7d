//! The names that items define in a scope or import into it.

use proc_macro2::Ident;
use syn::{Item, ItemExternCrate, ItemUse, UseTree};

use super::paths::{CodePath, ident_name};
use super::recorder::Recorder;
use super::scopes::Target;

impl Recorder {
    pub(super) fn declare(&mut self, item: &Item) {
        match item {
            Item::Struct(item) => self.define(ident_name(&item.ident), Target::Defined),
            Item::Enum(item) => self.define(ident_name(&item.ident), Target::Defined),
            Item::Union(item) => self.define(ident_name(&item.ident), Target::Defined),
            Item::Trait(item) => self.define(ident_name(&item.ident), Target::Defined),
            Item::Type(item) => {
                let target = CodePath::of_type(&item.ty).map_or(Target::Defined, Target::Path);
                self.define(ident_name(&item.ident), target);
            }
            Item::ExternCrate(item) => self.declare_crate(item),
            _ => {}
        }
    }

    fn declare_crate(&mut self, item: &ItemExternCrate) {
        let local_name = item
            .rename
            .as_ref()
            .map_or(&item.ident, |(_, rename)| rename);
        let path = CodePath {
            is_global: true,
            segments: vec![ident_name(&item.ident)],
        };
        self.mention(&item.ident, path.clone());
        self.import(ident_name(local_name), path);
    }

    pub(super) fn import_tree(&mut self, item: &ItemUse) {
        let prefix = CodePath {
            is_global: item.leading_colon.is_some(),
            segments: Vec::new(),
        };
        self.import_below(&item.tree, None, &prefix);
    }

    /// Walks a use tree down to each imported name. `first` is the path's first segment.
    fn import_below(&mut self, tree: &UseTree, first: Option<&Ident>, prefix: &CodePath) {
        let longer = |ident: &Ident| {
            let mut path = prefix.clone();
            path.segments.push(ident_name(ident));
            path
        };
        match tree {
            UseTree::Path(tree) => {
                let first = first.unwrap_or(&tree.ident);
                self.import_below(&tree.tree, Some(first), &longer(&tree.ident));
            }
            UseTree::Group(group) => {
                for tree in &group.items {
                    self.import_below(tree, first, prefix);
                }
            }
            UseTree::Name(tree) => {
                self.import_item(&tree.ident, &tree.ident, first, longer(&tree.ident));
            }
            UseTree::Rename(tree) => {
                self.import_item(&tree.ident, &tree.rename, first, longer(&tree.ident));
            }
            UseTree::Glob(_) => self.import_all_below(first, prefix),
        }
    }

    fn import_all_below(&mut self, first: Option<&Ident>, prefix: &CodePath) {
        if let Some(first) = first {
            let mut path = prefix.clone();
            path.segments.push("*".to_owned());
            self.mention(first, path);
        }
        self.import_glob(prefix.clone());
    }

    fn import_item(
        &mut self,
        item: &Ident,
        local_name: &Ident,
        first: Option<&Ident>,
        mut path: CodePath,
    ) {
        self.mention(first.unwrap_or(item), path.clone());
        let mut local_name = ident_name(local_name);
        if item == "self" {
            path.segments.pop();
            if local_name == "self" {
                local_name = path.segments.last().cloned().unwrap_or_default();
            }
        }
        self.import(local_name, path);
    }
}
