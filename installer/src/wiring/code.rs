//! What a file has that matters here: who constructs an app, who configures one, and
//! every path that may lead to the library.

use super::names::{Path, ScopeId, Scopes};
use super::reader::Reader;

/// All that was found, in the order of the file, at byte offsets.
#[derive(Debug)]
pub(super) struct Code {
    pub(super) scopes: Scopes,
    pub(super) constructions: Vec<Construction>,
    pub(super) configures: Vec<Configure>,
    pub(super) paths: Vec<Mention>,
    pub(super) in_tokens: Vec<InTokens>,
    /// The modules that are for tests and have a file of their own, by their path.
    pub(super) test_files: Vec<Vec<String>>,
}

/// A call of some `….new`, or its mention.
#[derive(Clone, Debug)]
pub(super) struct Construction {
    pub(super) of: Path,
    pub(super) scope: ScopeId,
    pub(super) at: usize,
    pub(super) call: Call,
    pub(super) is_test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Call {
    /// `new()`, which ends here.
    Plain {
        end: usize,
    },
    WithArguments,
    /// `new` without parentheses, to be called by somebody else.
    Not,
}

/// A call of `.configure(…)` with one path.
#[derive(Debug)]
pub(super) struct Configure {
    pub(super) argument: Path,
    pub(super) scope: ScopeId,
    pub(super) receiver: Option<Receiver>,
    pub(super) dot: usize,
    pub(super) end: usize,
    pub(super) is_test: bool,
}

/// What a method chain hangs on, where that is a construction.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) root: Construction,
    pub(super) end: usize,
}

/// The beginning of a path.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) path: Path,
    pub(super) scope: ScopeId,
    pub(super) at: usize,
    pub(super) is_test: bool,
}

/// Something in tokens that nobody has parsed.
#[derive(Debug)]
pub(super) struct InTokens {
    pub(super) what: TokenKind,
    pub(super) at: usize,
    pub(super) is_test: bool,
}

#[derive(Debug)]
pub(super) enum TokenKind {
    /// `NAME::new`.
    Construction(String),
    /// `configure(actix_web_sse::routes)`.
    Configure,
}

impl Code {
    /// Reads a file whose first token's span counts from `base`.
    pub(super) fn read(file: &syn::File, base: usize) -> Self {
        let mut code = Self {
            scopes: Scopes::new(),
            constructions: Vec::new(),
            configures: Vec::new(),
            paths: Vec::new(),
            in_tokens: Vec::new(),
            test_files: Vec::new(),
        };
        Reader::new(&mut code, base).read(file);
        code
    }
}
