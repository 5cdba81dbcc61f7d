//! Adds what the visitor finds to an outline, with the current scope and position.

use proc_macro2::{Ident, Span};

use super::outline::{Mention, Outline, TokenMatch, TokenMatchKind};
use super::paths::CodePath;
use super::scopes::{ScopeId, Scopes, Target};

pub(super) struct Recorder {
    pub(super) outline: Outline,
    /// Added to each span's offset to get the offset in the file.
    base: usize,
    pub(super) scope: ScopeId,
    /// Whether the current code is compiled for tests only.
    pub(super) is_test: bool,
}

impl Recorder {
    pub(super) fn new(base: usize) -> Self {
        Self {
            outline: Outline::new(),
            base,
            scope: Scopes::FILE,
            is_test: false,
        }
    }

    pub(super) fn start(&self, span: Span) -> usize {
        self.base + span.byte_range().start
    }

    pub(super) fn end(&self, span: Span) -> usize {
        self.base + span.byte_range().end
    }

    /// Defines a name in the current scope. The app does not see what tests define.
    pub(super) fn define(&mut self, name: String, target: Target) {
        if !self.is_test {
            self.outline.scopes.define(self.scope, name, target);
        }
    }

    pub(super) fn import(&mut self, name: String, path: CodePath) {
        if !self.is_test {
            self.outline.scopes.import(self.scope, name, path);
        }
    }

    pub(super) fn import_glob(&mut self, path: CodePath) {
        if !self.is_test {
            self.outline.scopes.import_glob(self.scope, path);
        }
    }

    pub(super) fn mention(&mut self, ident: &Ident, path: CodePath) {
        self.outline.mentions.push(Mention {
            path,
            scope: self.scope,
            start_offset: self.start(ident.span()),
            is_test: self.is_test,
        });
    }

    pub(super) fn token_match(&mut self, ident: &Ident, kind: TokenMatchKind) {
        self.outline.token_matches.push(TokenMatch {
            kind,
            start_offset: self.start(ident.span()),
            is_test: self.is_test,
        });
    }
}
