//! What the search for the call site needs to know of a file: the `App`s it constructs, the
//! `.configure(…)` calls, and the paths that name the library.

use super::paths::CodePath;
use super::uses::Use;

/// Everything found in a file, in the file's order. Lines are counted from 1, and offsets are in
/// bytes. Code for tests only counts as a use of the library, and for nothing else.
#[derive(Debug, Default)]
pub(super) struct Outline {
    pub(super) constructions: Vec<Construction>,
    pub(super) configures: Vec<ConfigureCall>,
    /// The lines of `App::new` in unparsed tokens, such as a macro's arguments.
    pub(super) macro_apps: Vec<usize>,
    /// The lines of `configure(actix_web_sse::routes)` in unparsed tokens.
    pub(super) macro_configures: Vec<usize>,
    pub(super) uses: Vec<Use>,
    /// The paths of test-only modules that have their own file.
    pub(super) test_modules: Vec<Vec<String>>,
}

/// A call of `App::new`, or the path alone.
#[derive(Clone, Copy, Debug)]
pub(super) struct Construction {
    pub(super) origin: AppOrigin,
    pub(super) line: usize,
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
    /// The line of a file service for `/` that the app has by then: it answers all requests for paths that
    /// are added later.
    pub(super) earlier_file_service: Option<usize>,
    /// As written.
    pub(super) argument: CodePath,
    pub(super) receiver: Option<ChainReceiver>,
    pub(super) line: usize,
    pub(super) dot_offset: usize,
    pub(super) end_offset: usize,
}

/// The expression that a method is called on, if an `App` begins its chain.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChainReceiver {
    pub(super) origin: AppOrigin,
    pub(super) end_offset: usize,
}

impl Construction {
    /// The end of the call `App::new()`, if the `App` is of this origin.
    pub(super) fn end_of_call(&self, origin: AppOrigin) -> Option<usize> {
        match self.call {
            CallKind::WithoutArguments { end_offset } if self.origin == origin => Some(end_offset),
            _ => None,
        }
    }
}
