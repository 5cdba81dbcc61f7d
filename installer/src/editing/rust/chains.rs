//! Method chains, and the constructions that they begin with.

use syn::{Expr, ExprCall, ExprLit, ExprPath, Lit};

use super::outline::{AppOrigin, CallKind, ChainReceiver, Construction};
use super::paths::CodePath;
use super::scope::Meaning;
use super::visitor::{Visitor, line};

impl Visitor {
    /// The construction that `function` names, if it is `new` of a type that is called `App` or may be
    /// actix-web's.
    pub(super) fn construction(&self, function: &ExprPath, call: CallKind) -> Option<Construction> {
        let mut type_path = CodePath::new(&function.path);
        if type_path.segments.pop()? != "new" {
            return None;
        }
        if let Some(qualified) = &function.qself {
            type_path =
                CodePath::of_type(&qualified.ty).filter(|_| type_path.segments.is_empty())?;
        }
        let is_called_app = type_path.segments.last()? == "App";
        let meanings = self.names.meanings(&type_path, self.place());
        let can_be_app = meanings.iter().any(Meaning::is_app);
        let origin = if can_be_app && meanings.len() == 1 {
            AppOrigin::ActixWeb
        } else if can_be_app
            || is_called_app && meanings.iter().any(|found| *found != Meaning::Local)
        {
            // The `App` of another crate or file may be a re-export of actix-web's.
            AppOrigin::Unknown
        } else {
            AppOrigin::Other
        };
        (is_called_app || can_be_app).then_some(Construction {
            origin,
            line: line(function.path.segments.first()?.ident.span()),
            call,
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
        Some(ChainReceiver {
            origin: self.called_construction(first_call(expression)?)?.origin,
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

/// The line of `.service(Files::new("/", …))` in a method chain.
pub(super) fn root_file_service(chain: &Expr) -> Option<usize> {
    let mut link = chain;
    while let Expr::MethodCall(call) = link {
        if call.method == "service" && call.args.first().is_some_and(is_root_file_service) {
            return Some(line(call.method.span()));
        }
        link = &call.receiver;
    }
    None
}

/// A guard lets requests pass to later services.
fn is_root_file_service(service: &Expr) -> bool {
    let mut link = service;
    while let Expr::MethodCall(call) = link {
        if call.method == "guard" {
            return false;
        }
        link = &call.receiver;
    }
    let Expr::Call(call) = link else {
        return false;
    };
    let Expr::Path(function) = &*call.func else {
        return false;
    };
    let segments = CodePath::new(&function.path).segments;
    segments.ends_with(&["Files".to_owned(), "new".to_owned()])
        && call.args.first().is_some_and(is_root_path)
}

fn is_root_path(argument: &Expr) -> bool {
    matches!(argument, Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) if path.value().trim_matches('/').is_empty())
}
