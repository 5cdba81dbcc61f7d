//! Walks through a file's syntax tree and records its outline, with the scope of each
//! finding and whether it is test code.

use std::mem;

use proc_macro2::TokenStream;
use syn::visit::{self, Visit};
use syn::{
    Arm, Attribute, Block, Expr, ExprCall, ExprMethodCall, ExprPath, FieldValue, ForeignItem,
    Generics, ImplItem, Item, ItemMod, ItemUse, Stmt, TraitItem,
};

use super::attributes;
use super::outline::{CallKind, ConfigureCall, Outline, TokenMatchKind};
use super::paths::{CodePath, ident_name};
use super::recorder::Recorder;
use super::scopes::{ScopeId, Target};
use super::tokens::{self, SearchHit};

/// The outline of a file. The spans of its tokens count from `base`.
pub(super) fn outline(file: &syn::File, base: usize) -> Outline {
    let mut visitor = Visitor {
        recorder: Recorder::new(base),
        module_path: Vec::new(),
    };
    visitor.visit_file(file);
    visitor.recorder.outline
}

struct Visitor {
    recorder: Recorder,
    module_path: Vec<String>,
}

impl Visitor {
    /// Visits code that these attributes apply to.
    fn with_attributes(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let outside = self.recorder.is_test;
        self.recorder.is_test |= attributes::are_for_tests(attributes);
        visit(self);
        self.recorder.is_test = outside;
    }

    fn in_scope(&mut self, scope: ScopeId, visit: impl FnOnce(&mut Self)) {
        let outside = mem::replace(&mut self.recorder.scope, scope);
        visit(self);
        self.recorder.scope = outside;
    }

    fn in_block(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = self.recorder.scope;
        let block = self.recorder.outline.scopes.block_in(outer);
        self.in_scope(block, visit);
    }

    /// Visits an item whose type parameters may shadow names.
    fn with_generics(&mut self, generics: &Generics, visit: impl FnOnce(&mut Self)) {
        let names: Vec<String> = generics
            .type_params()
            .map(|parameter| ident_name(&parameter.ident))
            .collect();
        self.in_block(|visitor| {
            for name in names {
                visitor.recorder.define(name, Target::Defined);
            }
            visit(visitor);
        });
    }
}

impl<'ast> Visit<'ast> for Visitor {
    fn visit_file(&mut self, file: &'ast syn::File) {
        self.with_attributes(&file.attrs, |visitor| visit::visit_file(visitor, file));
    }

    fn visit_item(&mut self, item: &'ast Item) {
        let generics = match item {
            Item::Fn(function) => Some(&function.sig.generics),
            Item::Impl(block) => Some(&block.generics),
            Item::Trait(definition) => Some(&definition.generics),
            _ => None,
        };
        self.with_attributes(attributes::of_item(item), |visitor| {
            visitor.recorder.declare(item);
            match generics {
                Some(generics) => visitor.with_generics(generics, |v| visit::visit_item(v, item)),
                None => visit::visit_item(visitor, item),
            }
        });
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        let name = ident_name(&module.ident);
        self.module_path.push(name.clone());
        if module.content.is_some() {
            let outer = self.recorder.scope;
            let scope = self.recorder.outline.scopes.module_in(outer);
            self.recorder.define(name, Target::Module(scope));
            self.in_scope(scope, |visitor| visit::visit_item_mod(visitor, module));
        } else {
            self.recorder.define(name, Target::OtherFile);
            if self.recorder.is_test {
                let path = self.module_path.clone();
                self.recorder.outline.test_modules.push(path);
            }
            visit::visit_item_mod(self, module);
        }
        self.module_path.pop();
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        self.recorder.import_tree(item);
        visit::visit_item_use(self, item);
    }

    fn visit_impl_item(&mut self, item: &'ast ImplItem) {
        let attributes = attributes::of_impl_item(item);
        self.with_attributes(attributes, |visitor| match item {
            ImplItem::Fn(function) => visitor.with_generics(&function.sig.generics, |visitor| {
                visit::visit_impl_item(visitor, item);
            }),
            _ => visit::visit_impl_item(visitor, item),
        });
    }

    fn visit_trait_item(&mut self, item: &'ast TraitItem) {
        let attributes = attributes::of_trait_item(item);
        self.with_attributes(attributes, |visitor| match item {
            TraitItem::Fn(function) => visitor.with_generics(&function.sig.generics, |visitor| {
                visit::visit_trait_item(visitor, item);
            }),
            _ => visit::visit_trait_item(visitor, item),
        });
    }

    fn visit_foreign_item(&mut self, item: &'ast ForeignItem) {
        let attributes = attributes::of_foreign_item(item);
        self.with_attributes(attributes, |visitor| {
            visit::visit_foreign_item(visitor, item);
        });
    }

    fn visit_block(&mut self, block: &'ast Block) {
        self.in_block(|visitor| visit::visit_block(visitor, block));
    }

    fn visit_stmt(&mut self, statement: &'ast Stmt) {
        let attributes = attributes::of_statement(statement);
        self.with_attributes(attributes, |visitor| visit::visit_stmt(visitor, statement));
    }

    fn visit_expr(&mut self, expression: &'ast Expr) {
        let attributes = attributes::of_expression(expression);
        self.with_attributes(attributes, |visitor| visit::visit_expr(visitor, expression));
    }

    fn visit_arm(&mut self, arm: &'ast Arm) {
        self.with_attributes(&arm.attrs, |visitor| visit::visit_arm(visitor, arm));
    }

    fn visit_field_value(&mut self, field: &'ast FieldValue) {
        self.with_attributes(&field.attrs, |visitor| {
            visit::visit_field_value(visitor, field);
        });
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let Expr::Path(function) = &*call.func else {
            return visit::visit_expr_call(self, call);
        };
        let construction = self.recorder.called_construction(call);
        self.recorder.outline.constructions.extend(construction);
        visit::visit_expr_path(self, function);
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        let construction = self.recorder.construction(path, CallKind::NotCalled);
        self.recorder.outline.constructions.extend(construction);
        visit::visit_expr_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        if call.method == "configure"
            && let Some(Expr::Path(argument)) = call.args.first()
            && call.args.len() == 1
            && argument.qself.is_none()
        {
            let recorder = &mut self.recorder;
            let configure = ConfigureCall {
                argument: CodePath::new(&argument.path),
                scope: recorder.scope,
                receiver: recorder.receiver(&call.receiver),
                dot_offset: recorder.start(call.dot_token.span),
                end_offset: recorder.end(call.paren_token.span.close()),
                is_test: recorder.is_test,
            };
            recorder.outline.configures.push(configure);
        }
    }

    fn visit_path(&mut self, path: &'ast syn::Path) {
        if let Some(first) = path.segments.first() {
            self.recorder.mention(&first.ident, CodePath::new(path));
        }
        visit::visit_path(self, path);
    }

    fn visit_token_stream(&mut self, tokens: &'ast TokenStream) {
        let recorder = &mut self.recorder;
        tokens::search(tokens, &mut |hit| match hit {
            SearchHit::Path(ident, path) => recorder.mention(ident, path),
            SearchHit::Construction(ident) => {
                recorder.token_match(ident, TokenMatchKind::Construction(ident_name(ident)));
            }
            SearchHit::Configure(ident) => recorder.token_match(ident, TokenMatchKind::Configure),
        });
    }
}
