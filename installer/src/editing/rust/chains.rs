//! Method chains, and the constructions that they begin with.

use syn::{Expr, ExprCall, ExprPath};

use super::outline::{CallKind, ChainReceiver, Construction};
use super::paths::CodePath;
use super::recorder::Recorder;

impl Recorder {
    /// The construction that `function` names, if its last segment is `new`.
    pub(super) fn construction(&self, function: &ExprPath, call: CallKind) -> Option<Construction> {
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
            start_offset: self.start(first.ident.span()),
            call,
            is_test: self.is_test,
        })
    }

    pub(super) fn called_construction(&self, call: &ExprCall) -> Option<Construction> {
        let Expr::Path(function) = &*call.func else {
            return None;
        };
        let kind = if call.args.is_empty() {
            let end_offset = self.end(call.paren_token.span.close());
            CallKind::WithoutArguments { end_offset }
        } else {
            CallKind::WithArguments
        };
        self.construction(function, kind)
    }

    pub(super) fn receiver(&self, expression: &Expr) -> Option<ChainReceiver> {
        let end = match expression {
            Expr::MethodCall(call) => call.paren_token.span.close(),
            Expr::Call(call) => call.paren_token.span.close(),
            Expr::Paren(paren) => paren.paren_token.span.close(),
            Expr::Await(await_expr) => await_expr.await_token.span,
            Expr::Try(try_expr) => try_expr.question_token.span,
            _ => return None,
        };
        let first_call = first_call(expression)?;
        Some(ChainReceiver {
            construction: self.called_construction(first_call)?,
            end_offset: self.end(end),
        })
    }
}

/// The function call that a method chain begins with.
fn first_call(chain: &Expr) -> Option<&ExprCall> {
    let mut link = chain;
    loop {
        link = match link {
            Expr::MethodCall(call) => &call.receiver,
            Expr::Paren(paren) => &paren.expr,
            Expr::Await(await_expr) => &await_expr.base,
            Expr::Try(try_expr) => &try_expr.expr,
            Expr::Call(call) => return Some(call),
            _ => return None,
        };
    }
}
