//! Walks through a file's syntax tree and records its outline.

use proc_macro2::{Ident, Span, TokenStream};
use syn::visit::{self, Visit};
use syn::{
    Arm, Attribute, Block, Expr, ExprAssign, ExprCall, ExprMethodCall, ExprPath, Field, FieldValue,
    ForeignItem, ImplItem, Item, ItemExternCrate, ItemMod, ItemUse, Stmt, StmtMacro, TraitItem,
    TypeParam, Variant,
};

use super::attributes::Purpose;
use super::chains;
use super::names::Names;
use super::outline::{CallKind, ConfigureCall, Outline};
use super::paths::{self, CodePath, LIBRARY_CRATE, ident_name};
use super::scope::{FILE_SCOPE, Meaning, Place, ScopeId};
use super::tokens::{self, SearchHit};
use super::uses::Use;

/// The outline of a file. The spans of its tokens count from `base`.
pub(super) fn outline(file: &syn::File, base: usize) -> Outline {
    let names = walk(file, base, Names::default()).names;
    walk(file, base, names.complete()).outline
}

fn walk(file: &syn::File, base: usize, mut names: Names) -> Visitor {
    names.open_scope(None, true);
    let mut visitor = Visitor {
        outline: Outline::default(),
        base,
        names,
        scope: FILE_SCOPE,
        purpose: Purpose::App,
        module_path: Vec::new(),
        earlier_file_service: None,
    };
    visitor.visit_file(file);
    visitor
}

pub(super) struct Visitor {
    outline: Outline,
    /// Added to each span's offset to get the offset in the file.
    base: usize,
    pub(super) names: Names,
    /// The innermost scope of the current code.
    scope: ScopeId,
    purpose: Purpose,
    module_path: Vec<String>,
    /// The line of a file service for `/` that is added before the current arguments.
    earlier_file_service: Option<usize>,
}

impl Visitor {
    pub(super) fn end(&self, span: Span) -> usize {
        self.base + span.byte_range().end
    }

    /// Records the path if it names the library. `first` is its first segment.
    fn mention(&mut self, first: &Ident, path: &CodePath) {
        let crate_name = CodePath {
            is_global: path.is_global,
            segments: vec![ident_name(first)],
        };
        let item = path.segments.get(1);
        let is_library = crate_name.segments[0] == LIBRARY_CRATE
            || (item.is_some() && self.can_be(&crate_name, Meaning::is_library));
        if is_library {
            self.outline.uses.push(Use {
                item: item.map_or_else(|| "self".to_owned(), String::clone),
                line: line(first.span()),
                is_test: self.is_test(),
            });
        }
    }

    /// Whether a macro's `ident` may be actix-web's `App` in one of the scopes that the macro is
    /// called in.
    fn is_app_name(&self, ident: &Ident) -> bool {
        ident == "App" || self.names.app_names.contains(&ident_name(ident))
    }

    fn can_be(&self, path: &CodePath, is_wanted: fn(&Meaning) -> bool) -> bool {
        let meanings = self.names.meanings(path, self.place());
        meanings.iter().any(is_wanted)
    }

    pub(super) fn place(&self) -> Place {
        Place {
            scope: self.scope,
            is_test: self.purpose == Purpose::Tests,
        }
    }

    /// Whether the current code is not the app's normal code.
    fn is_test(&self) -> bool {
        self.purpose != Purpose::App
    }

    /// Visits code that has a scope and attributes of its own. Returns its scope and its purpose.
    fn visit_scope(
        &mut self,
        is_module: bool,
        visit: impl FnOnce(&mut Self),
    ) -> (ScopeId, Purpose) {
        let outside = (self.scope, self.purpose);
        self.scope = self.names.open_scope(Some(self.scope), is_module);
        visit(self);
        let inside = (self.scope, self.purpose);
        (self.scope, self.purpose) = outside;
        inside
    }
}

/// The line that the span begins in, counted from 1.
pub(super) fn line(span: Span) -> usize {
    span.start().line
}

/// Visits code whose attributes apply to it alone.
macro_rules! visit_with_attributes {
    ($($visit:ident: $kind:ty;)*) => {$(
        fn $visit(&mut self, node: &'ast $kind) {
            let outside = self.purpose;
            visit::$visit(self, node);
            self.purpose = outside;
        }
    )*};
}

impl<'ast> Visit<'ast> for Visitor {
    visit_with_attributes! {
        visit_foreign_item: ForeignItem;
        visit_field: Field;
        visit_variant: Variant;
        visit_stmt: Stmt;
        visit_expr: Expr;
        visit_arm: Arm;
        visit_field_value: FieldValue;
    }

    /// Attributes are visited before the code that they apply to.
    fn visit_attribute(&mut self, attribute: &'ast Attribute) {
        self.purpose = self.purpose.max(Purpose::of_attribute(&attribute.meta));
        visit::visit_attribute(self, attribute);
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let is_module = matches!(item, Item::Mod(_));
        let (inside, purpose) = self.visit_scope(is_module, |inner| visit::visit_item(inner, item));
        let place = Place {
            scope: self.scope,
            is_test: purpose == Purpose::Tests,
        };
        self.names.declare(item, inside, place);
        if purpose != Purpose::App
            && let Item::Mod(module) = item
            && module.content.is_none()
        {
            let name = [ident_name(&module.ident)];
            let path = [&self.module_path[..], &name].concat();
            self.outline.test_modules.push(path);
        }
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module_path.push(ident_name(&module.ident));
        visit::visit_item_mod(self, module);
        self.module_path.pop();
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        self.visit_scope(false, |inner| visit::visit_impl_item(inner, item));
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        self.visit_scope(false, |inner| visit::visit_trait_item(inner, item));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.visit_scope(false, |inner| visit::visit_block(inner, block));
    }

    fn visit_stmt_macro(&mut self, statement: &'ast StmtMacro) {
        visit::visit_stmt_macro(self, statement);
        self.names.call_macro(&statement.mac, self.place());
    }

    fn visit_type_param(&mut self, parameter: &'ast TypeParam) {
        self.names.declare_type_parameter(parameter, self.place());
        visit::visit_type_param(self, parameter);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        visit::visit_item_use(self, item);
        for import in paths::imports(item) {
            if let Some(first) = import.first {
                self.mention(first, &import.path);
            }
        }
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        visit::visit_item_extern_crate(self, item);
        self.mention(&item.ident, &CodePath::default());
    }

    /// The parser attaches a statement's attributes to its leftmost expression.
    fn visit_expr_assign(&mut self, assign: &'ast ExprAssign) {
        visit::visit_expr(self, &assign.left);
        self.visit_expr(&assign.right);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let Expr::Path(function) = &*call.func else {
            return visit::visit_expr_call(self, call);
        };
        for attribute in &call.attrs {
            self.visit_attribute(attribute);
        }
        if !self.is_test() {
            let construction = self.called_construction(call);
            self.outline.constructions.extend(construction);
        }
        visit::visit_expr_path(self, function);
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        visit::visit_expr_path(self, path);
        if !self.is_test() {
            let construction = self.construction(path, CallKind::NotCalled);
            self.outline.constructions.extend(construction);
        }
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let outside = self.earlier_file_service;
        let earlier_file_service = chains::root_file_service(&call.receiver).or(outside);
        for attribute in &call.attrs {
            self.visit_attribute(attribute);
        }
        self.visit_expr(&call.receiver);
        if let Some(generics) = &call.turbofish {
            self.visit_angle_bracketed_generic_arguments(generics);
        }
        self.earlier_file_service = earlier_file_service;
        for argument in &call.args {
            self.visit_expr(argument);
        }
        self.earlier_file_service = outside;
        if call.method == "configure"
            && let Some(Expr::Path(argument)) = call.args.first()
            && call.args.len() == 1
            && argument.qself.is_none()
            && !self.is_test()
        {
            let argument = CodePath::new(&argument.path);
            let configure = ConfigureCall {
                earlier_file_service,
                adds_routes: self.can_be(&argument, Meaning::is_routes),
                argument,
                receiver: self.receiver(&call.receiver),
                line: line(call.dot_token.span),
                dot_offset: self.base + call.dot_token.span.byte_range().start,
                end_offset: self.end(call.paren_token.span.close()),
            };
            self.outline.configures.push(configure);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first() {
            self.mention(&first.ident, &CodePath::new(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        tokens::search(tokens, &mut |ident, hit| match hit {
            SearchHit::Path(path) => self.mention(ident, &path),
            _ if self.is_test() => {}
            SearchHit::Construction if self.is_app_name(ident) => {
                self.outline.macro_apps.push(line(ident.span()));
            }
            SearchHit::Construction => {}
            SearchHit::Configure => self.outline.macro_configures.push(line(ident.span())),
        });
    }
}
