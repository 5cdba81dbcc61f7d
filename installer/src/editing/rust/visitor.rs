//! Walks through a file's syntax tree and records its outline.

use std::mem;

use proc_macro2::{Ident, Span, TokenStream};
use syn::visit::{self, Visit};
use syn::{
    Arm, Attribute, Block, Expr, ExprCall, ExprMethodCall, ExprPath, FieldValue, ForeignItem,
    ImplItem, Item, ItemExternCrate, ItemMod, ItemUse, Stmt, TraitItem, TypeParam,
};

use super::attributes;
use super::outline::{CallKind, ConfigureCall, LibraryUse, Outline, TokenMatch, TokenMatchKind};
use super::paths::{self, CodePath, LIBRARY_CRATE, ident_name};
use super::scopes::Scopes;
use super::tokens::{self, SearchHit};

/// The outline of a file. The spans of its tokens count from `base`.
pub(super) fn outline(file: &syn::File, base: usize) -> Outline {
    let mut visitor = Visitor {
        outline: Outline {
            app_names: vec!["App".to_owned()],
            ..Outline::default()
        },
        base,
        scopes: Scopes::default(),
        is_test: false,
        module_path: Vec::new(),
    };
    visitor.visit_file(file);
    visitor.outline
}

pub(super) struct Visitor {
    outline: Outline,
    /// Added to each span's offset to get the offset in the file.
    base: usize,
    /// The scopes around the current code.
    pub(super) scopes: Scopes,
    /// Whether the current code is compiled for tests only.
    is_test: bool,
    module_path: Vec<String>,
}

impl Visitor {
    pub(super) fn start(&self, span: Span) -> usize {
        self.base + span.byte_range().start
    }

    pub(super) fn end(&self, span: Span) -> usize {
        self.base + span.byte_range().end
    }

    /// Visits code that these attributes apply to.
    fn with_attributes(&mut self, attributes: &[Attribute], visit: impl FnOnce(&mut Self)) {
        let outside = self.is_test;
        self.is_test |= attributes::are_for_tests(attributes);
        visit(self);
        self.is_test = outside;
    }

    /// Visits code inside a scope with these items.
    fn in_scope<'a>(
        &mut self,
        items: impl Iterator<Item = &'a Item>,
        visit: impl FnOnce(&mut Self),
    ) {
        self.scopes.enter(items);
        if !self.is_test {
            self.outline.app_names.extend(self.scopes.app_names());
        }
        visit(self);
        self.scopes.leave();
    }

    /// Records the path if it names the library. `first` is its first segment.
    fn mention(&mut self, first: &Ident, path: &CodePath) {
        let crate_name = CodePath {
            is_global: path.is_global,
            segments: vec![ident_name(first)],
        };
        let item = path.segments.get(1);
        let is_library = crate_name.segments[0] == LIBRARY_CRATE
            || (item.is_some() && self.scopes.resolve(&crate_name).is_library());
        if is_library {
            self.outline.library_uses.push(LibraryUse {
                item: item.map_or_else(|| "self".to_owned(), String::clone),
                start_offset: self.start(first.span()),
                is_test: self.is_test,
            });
        }
    }

    fn token_match(&mut self, ident: &Ident, kind: TokenMatchKind) {
        if !self.is_test {
            let start_offset = self.start(ident.span());
            let token_match = TokenMatch { kind, start_offset };
            self.outline.token_matches.push(token_match);
        }
    }
}

/// Visits code with its attributes.
macro_rules! visit_with_attributes {
    ($($visit:ident($node:ident: $kind:ty): $attributes:expr;)*) => {$(
        fn $visit(&mut self, $node: &'ast $kind) {
            self.with_attributes($attributes, |visitor| visit::$visit(visitor, $node));
        }
    )*};
}

impl<'ast> Visit<'ast> for Visitor {
    visit_with_attributes! {
        visit_item(item: Item): attributes::of_item(item);
        visit_impl_item(item: ImplItem): attributes::of_impl_item(item);
        visit_trait_item(item: TraitItem): attributes::of_trait_item(item);
        visit_foreign_item(item: ForeignItem): attributes::of_foreign_item(item);
        visit_stmt(statement: Stmt): attributes::of_statement(statement);
        visit_expr(expression: Expr): attributes::of_expression(expression);
        visit_arm(arm: Arm): &arm.attrs;
        visit_field_value(field: FieldValue): &field.attrs;
    }

    fn visit_file(&mut self, file: &'ast syn::File) {
        self.with_attributes(&file.attrs, |visitor| {
            visitor.in_scope(file.items.iter(), |visitor| {
                visit::visit_file(visitor, file);
            });
        });
    }

    fn visit_item_mod(&mut self, module: &'ast ItemMod) {
        self.module_path.push(ident_name(&module.ident));
        if let Some((_, items)) = &module.content {
            // A module does not see its parent's names.
            let outside = mem::take(&mut self.scopes);
            self.in_scope(items.iter(), |visitor| {
                visit::visit_item_mod(visitor, module);
            });
            self.scopes = outside;
        } else {
            if self.is_test {
                self.outline.test_modules.push(self.module_path.clone());
            }
            visit::visit_item_mod(self, module);
        }
        self.module_path.pop();
    }

    fn visit_block(&mut self, block: &'ast Block) {
        let items = block.stmts.iter().filter_map(|statement| match statement {
            Stmt::Item(item) => Some(item),
            _ => None,
        });
        self.in_scope(items, |visitor| visit::visit_block(visitor, block));
    }

    fn visit_type_param(&mut self, parameter: &'ast TypeParam) {
        self.scopes
            .bind_type_parameter(ident_name(&parameter.ident));
        visit::visit_type_param(self, parameter);
    }

    fn visit_item_use(&mut self, item: &'ast ItemUse) {
        for import in paths::imports(item) {
            if let Some(first) = import.first {
                self.mention(first, &import.path);
            }
        }
        visit::visit_item_use(self, item);
    }

    fn visit_item_extern_crate(&mut self, item: &'ast ItemExternCrate) {
        self.mention(&item.ident, &CodePath::default());
        visit::visit_item_extern_crate(self, item);
    }

    fn visit_expr_call(&mut self, call: &'ast ExprCall) {
        let Expr::Path(function) = &*call.func else {
            return visit::visit_expr_call(self, call);
        };
        if !self.is_test {
            let construction = self.called_construction(call);
            self.outline.constructions.extend(construction);
        }
        visit::visit_expr_path(self, function);
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_expr_path(&mut self, path: &'ast ExprPath) {
        if !self.is_test {
            let construction = self.construction(path, CallKind::NotCalled);
            self.outline.constructions.extend(construction);
        }
        visit::visit_expr_path(self, path);
    }

    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        visit::visit_expr_method_call(self, call);
        if call.method == "configure"
            && let Some(Expr::Path(argument)) = call.args.first()
            && call.args.len() == 1
            && argument.qself.is_none()
            && !self.is_test
        {
            let argument = CodePath::new(&argument.path);
            let configure = ConfigureCall {
                adds_routes: self.scopes.resolve(&argument).is_routes(),
                argument,
                receiver: self.receiver(&call.receiver),
                dot_offset: self.start(call.dot_token.span),
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
        tokens::search(tokens, &mut |hit| match hit {
            SearchHit::Path(ident, path) => self.mention(ident, &path),
            SearchHit::Construction(ident) => {
                self.token_match(ident, TokenMatchKind::Construction(ident_name(ident)));
            }
            SearchHit::Configure(ident) => self.token_match(ident, TokenMatchKind::Configure),
        });
    }
}
