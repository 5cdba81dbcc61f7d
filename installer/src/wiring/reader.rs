//! The walk through a file, with the scope and the tests that each place is in.

use std::mem;

use proc_macro2::{Ident, Span, TokenStream};
use syn::visit::{self, Visit};
use syn::{
    Arm, Attribute, Block, Expr, ExprCall, ExprMethodCall, ExprPath, FieldValue, ForeignItem,
    Generics, ImplItem, Item, ItemMod, ItemUse, Stmt, TraitItem,
};

use super::attributes;
use super::code::{Call, Code, Configure, InTokens, Mention, TokenKind};
use super::names::{Path, ScopeId, Scopes, Target, name};
use super::tokens::{self, Find};

/// Goes through the syntax tree of a file.
pub(super) struct Reader<'c> {
    pub(super) code: &'c mut Code,
    base: usize,
    pub(super) scope: ScopeId,
    pub(super) is_test: bool,
    /// The path of the module that is being read.
    modules: Vec<String>,
}

impl<'c> Reader<'c> {
    pub(super) fn new(code: &'c mut Code, base: usize) -> Self {
        Self {
            code,
            base,
            scope: Scopes::FILE,
            is_test: false,
            modules: Vec::new(),
        }
    }

    pub(super) fn read(&mut self, file: &syn::File) {
        self.visit_file(file);
    }

    pub(super) fn start(&self, span: Span) -> usize {
        self.base + span.byte_range().start
    }

    pub(super) fn end(&self, span: Span) -> usize {
        self.base + span.byte_range().end
    }

    /// Reads on in code that has these attributes.
    fn below(&mut self, attributes: &[Attribute], read: impl FnOnce(&mut Self)) {
        let outside = self.is_test;
        self.is_test |= attributes::are_for_tests(attributes);
        read(self);
        self.is_test = outside;
    }

    fn in_scope(&mut self, scope: ScopeId, read: impl FnOnce(&mut Self)) {
        let outside = mem::replace(&mut self.scope, scope);
        read(self);
        self.scope = outside;
    }

    fn in_block(&mut self, read: impl FnOnce(&mut Self)) {
        let block = self.code.scopes.block_in(self.scope);
        self.in_scope(block, read);
    }

    /// Reads an item that type parameters may hide names from.
    fn with_generics(&mut self, generics: &Generics, read: impl FnOnce(&mut Self)) {
        let names: Vec<String> = generics.type_params().map(|it| name(&it.ident)).collect();
        self.in_block(|reader| {
            for name in names {
                reader.define(name, Target::Defined);
            }
            read(reader);
        });
    }

    /// What tests define, the app does not see.
    pub(super) fn define(&mut self, name: String, target: Target) {
        if !self.is_test {
            self.code.scopes.define(self.scope, name, target);
        }
    }

    pub(super) fn mention(&mut self, ident: &Ident, path: Path) {
        self.code.paths.push(Mention {
            path,
            scope: self.scope,
            at: self.start(ident.span()),
            is_test: self.is_test,
        });
    }
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_file(&mut self, file: &'ast syn::File) {
        self.below(&file.attrs, |reader| visit::visit_file(reader, file));
    }

    fn visit_item(&mut self, item: &'ast Item) {
        self.below(attributes::of_item(item), |reader| {
            reader.declare(item);
            match item {
                Item::Fn(it) => {
                    reader.with_generics(&it.sig.generics, |r| visit::visit_item(r, item));
                }
                Item::Impl(it) => {
                    reader.with_generics(&it.generics, |r| visit::visit_item(r, item));
                }
                Item::Trait(it) => {
                    reader.with_generics(&it.generics, |r| visit::visit_item(r, item));
                }
                _ => visit::visit_item(reader, item),
            }
        });
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.modules.push(name(&module.ident));
        if module.content.is_some() {
            let scope = self.code.scopes.module_in(self.scope);
            self.define(name(&module.ident), Target::Module(scope));
            self.in_scope(scope, |reader| visit::visit_item_mod(reader, module));
        } else {
            self.define(name(&module.ident), Target::OtherFile);
            if self.is_test {
                self.code.test_files.push(self.modules.clone());
            }
            visit::visit_item_mod(self, module);
        }
        self.modules.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.import_tree(item);
        visit::visit_item_use(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        self.below(attributes::of_impl_item(item), |reader| match item {
            ImplItem::Fn(it) => {
                reader.with_generics(&it.sig.generics, |r| visit::visit_impl_item(r, item));
            }
            _ => visit::visit_impl_item(reader, item),
        });
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        self.below(attributes::of_trait_item(item), |reader| match item {
            TraitItem::Fn(it) => {
                reader.with_generics(&it.sig.generics, |r| visit::visit_trait_item(r, item));
            }
            _ => visit::visit_trait_item(reader, item),
        });
    }

    fn visit_foreign_item(&mut self, item: &'ast ForeignItem) {
        let attributes = attributes::of_foreign_item(item);
        self.below(attributes, |reader| visit::visit_foreign_item(reader, item));
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.in_block(|reader| visit::visit_block(reader, block));
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes = attributes::of_statement(statement);
        self.below(attributes, |reader| visit::visit_stmt(reader, statement));
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        let attributes = attributes::of_expression(expression);
        self.below(attributes, |reader| visit::visit_expr(reader, expression));
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.below(&arm.attrs, |reader| visit::visit_arm(reader, arm));
    }

    fn visit_field_value(&mut self, field: &'ast FieldValue) {
        self.below(&field.attrs, |reader| {
            visit::visit_field_value(reader, field);
        });
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let Expr::Path(function) = &*call.func else {
            return visit::visit_expr_call(self, call);
        };
        self.code.constructions.extend(self.called(call));
        visit::visit_expr_path(self, function);
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        let mention = self.construction(path, Call::Not);
        self.code.constructions.extend(mention);
        visit::visit_expr_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        if call.method == "configure"
            && let Some(Expr::Path(argument)) = call.args.first()
            && call.args.len() == 1
            && argument.qself.is_none()
        {
            self.code.configures.push(Configure {
                argument: Path::of(&argument.path),
                scope: self.scope,
                receiver: self.receiver(&call.receiver),
                dot: self.start(call.dot_token.span),
                end: self.end(call.paren_token.span.close()),
                is_test: self.is_test,
            });
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first() {
            self.mention(&first.ident, Path::of(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        tokens::search(tokens, &mut |find| {
            let (what, ident) = match find {
                Find::Path(ident, path) => return self.mention(ident, path),
                Find::Construction(ident) => (TokenKind::Construction(name(ident)), ident),
                Find::Configure(ident) => (TokenKind::Configure, ident),
            };
            self.code.in_tokens.push(InTokens {
                what,
                at: self.start(ident.span()),
                is_test: self.is_test,
            });
        });
    }
}
