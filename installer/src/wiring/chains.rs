//! Method chains, and the construction that they hang on.

use syn::{Expr, ExprCall, ExprPath, Type};

use super::code::{Call, Construction, Receiver};
use super::names::Path;
use super::reader::Reader;

impl Reader<'_> {
    /// The construction that a call's function or a lone path stands for.
    pub(super) fn construction(&self, function: &ExprPath, call: Call) -> Option<Construction> {
        let mut of = Path::of(&function.path);
        if of.segments.pop()? != "new" {
            return None;
        }
        if let Some(qualified) = &function.qself {
            of = plain_path(&qualified.ty).filter(|_| of.segments.is_empty())?;
        }
        let first = function.path.segments.first()?;
        (!of.segments.is_empty()).then(|| Construction {
            of,
            scope: self.scope,
            at: self.start(first.ident.span()),
            call,
            is_test: self.is_test,
        })
    }

    pub(super) fn called(&self, call: &ExprCall) -> Option<Construction> {
        let Expr::Path(function) = &*call.func else {
            return None;
        };
        let how = if call.args.is_empty() {
            let end = self.end(call.paren_token.span.close());
            Call::Plain { end }
        } else {
            Call::WithArguments
        };
        self.construction(function, how)
    }

    pub(super) fn receiver(&self, expression: &Expr) -> Option<Receiver> {
        let end = match expression {
            Expr::MethodCall(call) => call.paren_token.span.close(),
            Expr::Call(call) => call.paren_token.span.close(),
            Expr::Paren(inside) => inside.paren_token.span.close(),
            Expr::Await(waiting) => waiting.await_token.span,
            Expr::Try(fallible) => fallible.question_token.span,
            _ => return None,
        };
        let mut link = expression;
        let root = loop {
            link = match link {
                Expr::MethodCall(call) => &call.receiver,
                Expr::Paren(inside) => &inside.expr,
                Expr::Await(waiting) => &waiting.base,
                Expr::Try(fallible) => &fallible.expr,
                Expr::Call(call) => break self.called(call)?,
                _ => return None,
            };
        };
        Some(Receiver {
            root,
            end: self.end(end),
        })
    }
}

/// The path of a type that is nothing but a path.
pub(super) fn plain_path(of: &Type) -> Option<Path> {
    match of {
        Type::Path(path) if path.qself.is_none() => Some(Path::of(&path.path)),
        _ => None,
    }
}
