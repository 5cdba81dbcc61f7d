//! What the search for the call site needs to know of a file: the values it constructs, the `.configure(…)`
//! calls, and the paths that may name the library.

use super::paths::CodePath;
use super::scopes::{ScopeId, Scopes};

/// Everything found in a file, in the file's order. Positions are byte offsets.
#[derive(Debug)]
pub(super) struct Outline {
    pub(super) scopes: Scopes,
    pub(super) constructions: Vec<Construction>,
    pub(super) configures: Vec<ConfigureCall>,
    pub(super) mentions: Vec<Mention>,
    pub(super) token_matches: Vec<TokenMatch>,
    /// The paths of test-only modules that have their own file.
    pub(super) test_modules: Vec<Vec<String>>,
}

/// A call of `TYPE::new`, or the path alone.
#[derive(Clone, Debug)]
pub(super) struct Construction {
    pub(super) type_path: CodePath,
    pub(super) scope: ScopeId,
    pub(super) start_offset: usize,
    pub(super) call: CallKind,
    pub(super) is_test: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum CallKind {
    WithoutArguments {
        end_offset: usize,
    },
    WithArguments,
    /// The function itself is passed on, for other code to call.
    NotCalled,
}

/// A call `.configure(PATH)`.
#[derive(Debug)]
pub(super) struct ConfigureCall {
    pub(super) argument: CodePath,
    pub(super) scope: ScopeId,
    pub(super) receiver: Option<ChainReceiver>,
    pub(super) dot_offset: usize,
    pub(super) end_offset: usize,
    pub(super) is_test: bool,
}

/// The expression that a method is called on, if a construction begins its chain.
#[derive(Debug)]
pub(super) struct ChainReceiver {
    pub(super) construction: Construction,
    pub(super) end_offset: usize,
}

/// A path in the code.
#[derive(Debug)]
pub(super) struct Mention {
    pub(super) path: CodePath,
    pub(super) scope: ScopeId,
    pub(super) start_offset: usize,
    pub(super) is_test: bool,
}

/// A match in unparsed tokens, such as a macro's arguments.
#[derive(Debug)]
pub(super) struct TokenMatch {
    pub(super) kind: TokenMatchKind,
    pub(super) start_offset: usize,
    pub(super) is_test: bool,
}

#[derive(Debug)]
pub(super) enum TokenMatchKind {
    /// `NAME::new`.
    Construction(String),
    /// `configure(actix_web_sse::routes)`.
    Configure,
}

impl Outline {
    pub(super) fn new() -> Self {
        Self {
            scopes: Scopes::new(),
            constructions: Vec::new(),
            configures: Vec::new(),
            mentions: Vec::new(),
            token_matches: Vec::new(),
            test_modules: Vec::new(),
        }
    }
}
