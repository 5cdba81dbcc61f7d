//! Method chains, and the constructions that they begin with.

use syn::{Expr, ExprCall, ExprPath};

use super::outline::{Call, Construction, Receiver};
use super::paths::CodePath;
use super::recorder::Recorder;

impl Recorder {
    /// The construction that `function` names, if its last segment is `new`.
    pub(super) fn construction(&self, function: &ExprPath, call: Call) -> Option<Construction> {
        let mut type_path = CodePath::new(&function.path);
        if type_path.segments.pop()? != "new" {
            return None;
        }
        if let Some(qualified) = &function.qself {
            type_path =
                CodePath::of_type(&qualified.ty).filter(|_| type_path.segments.is_empty())?;
        }
        let first = function.path.segments.first()?;
        (!type_path.segments.is_empty()).then(|| Construction {
            type_path,
            scope: self.scope,
            start: self.start(first.ident.span()),
            call,
            is_test: self.is_test,
        })
    }

    pub(super) fn called_construction(&self, call: &ExprCall) -> Option<Construction> {
        let Expr::Path(function) = &*call.func else {
            return None;
        };
        let kind = if call.args.is_empty() {
            let end = self.end(call.paren_token.span.close());
            Call::WithoutArguments { end }
        } else {
            Call::WithArguments
        };
        self.construction(function, kind)
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
        let first_call = first_call(expression)?;
        Some(Receiver {
            construction: self.called_construction(first_call)?,
            end: self.end(end),
        })
    }
}

/// The function call that a method chain begins with.
fn first_call(chain: &Expr) -> Option<&ExprCall> {
    let mut link = chain;
    loop {
        link = match link {
            Expr::MethodCall(call) => &call.receiver,
            Expr::Paren(inside) => &inside.expr,
            Expr::Await(waiting) => &waiting.base,
            Expr::Try(fallible) => &fallible.expr,
            Expr::Call(call) => return Some(call),
            _ => return None,
        };
    }
}
