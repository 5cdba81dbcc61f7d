//! What the search for the call site needs to know of a file: the `App`s it constructs, the
//! `.configure(…)` calls, and the paths that name the library.

use super::paths::CodePath;

/// Everything found in a file, in the file's order. Positions are byte offsets. Code for tests only
/// counts as a use of the library, and for nothing else.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) constructions: Vec<Construction>,
    pub(super) configures: Vec<ConfigureCall>,
    pub(super) token_matches: Vec<TokenMatch>,
    /// The names of actix-web's `App` somewhere in the file.
    pub(super) app_names: Vec<String>,
    pub(super) library_uses: Vec<LibraryUse>,
    /// The paths of test-only modules that have their own file.
    pub(super) test_modules: Vec<Vec<String>>,
}

/// A call of `App::new`, or the path alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Construction {
    pub(super) origin: AppOrigin,
    pub(super) start_offset: usize,
    pub(super) call: CallKind,
}

/// The crate of an `App`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum AppOrigin {
    ActixWeb,
    Unknown,
    Other,
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
    /// Whether the path leads to the library's routes.
    pub(super) adds_routes: bool,
    /// As written.
    pub(super) argument: CodePath,
    pub(super) receiver: Option<ChainReceiver>,
    pub(super) dot_offset: usize,
    pub(super) end_offset: usize,
}

/// The expression that a method is called on, if an `App` begins its chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChainReceiver {
    pub(super) origin: AppOrigin,
    pub(super) end_offset: usize,
}

/// A path that names the library.
#[derive(Debug)]
pub(super) struct LibraryUse {
    /// The path's second segment; `self` for the library itself.
    pub(super) item: String,
    pub(super) start_offset: usize,
    pub(super) is_test: bool,
}

/// A match in unparsed tokens, such as a macro's arguments.
#[derive(Debug)]
pub(super) struct TokenMatch {
    pub(super) kind: TokenMatchKind,
    pub(super) start_offset: usize,
}

#[derive(Debug)]
pub(super) enum TokenMatchKind {
    /// `NAME::new`.
    Construction(String),
    /// `configure(actix_web_sse::routes)`.
    Configure,
}
