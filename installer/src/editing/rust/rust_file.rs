//! One Rust file of an app: where it takes the call, and how the call gets in and out.

use std::{panic, thread};

use super::call_site::{CallSite, Doubt, DoubtReason};
use super::outline::{CallKind, ConfigureCall, Construction, Outline, TokenMatchKind};
use super::paths::LIBRARY_CRATE;
use super::scopes::Resolution;
use super::{splice, visitor};
use crate::editing::text;

/// The parser recurses for each nested pair of brackets. 64 MiB suffice for a thousand
/// nested blocks, and only touched pages cost memory.
const PARSER_STACK_BYTES: usize = 64 * 1024 * 1024;

/// A file that parses.
#[derive(Debug)]
pub(super) struct RustFile {
    text: String,
    pub(super) outline: Outline,
}

/// The result of taking the call out of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum RouteCallRemoval {
    /// The file has no call as `install` writes it.
    Nothing,
    /// The file's contents without the call.
    Removed(Vec<u8>),
    /// These lines may hold the call; the owner has to decide.
    Uncertain(Vec<usize>),
}

/// The crate of the `App` that a construction makes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AppOrigin {
    ActixWeb,
    Unknown,
    Other,
}

impl RustFile {
    pub(super) fn parse(file: &[u8]) -> Result<Self, Doubt> {
        let text = str::from_utf8(file).map_err(|error| {
            let line = text::line_number(file, error.valid_up_to());
            Doubt::invalid(line, "this is not valid UTF-8".to_owned())
        })?;
        // In its own thread: the main thread's stack may be too small for the recursion,
        // and proc-macro2 keeps each parsed text until its thread ends.
        let parser = thread::Builder::new().stack_size(PARSER_STACK_BYTES);
        let outline = thread::scope(|scope| {
            let thread = parser
                .spawn_scoped(scope, || parse_outline(text))
                .map_err(|error| Doubt::invalid(1, error.to_string()))?;
            thread
                .join()
                .unwrap_or_else(|panic| panic::resume_unwind(panic))
        })?;
        Ok(Self {
            text: text.to_owned(),
            outline,
        })
    }

    pub(super) fn call_site(&self) -> CallSite {
        match self.insertion_point() {
            Ok(end) if self.with_call_at(end).is_none() => {
                CallSite::doubtful(DoubtReason::Unverified, vec![self.line_number(end)])
            }
            Ok(end) => CallSite::Insertable {
                line: self.line_number(end),
            },
            Err(verdict) => verdict,
        }
    }

    /// The file with the call inserted, if the call site is certain.
    pub(super) fn with_call(&self) -> Option<Vec<u8>> {
        self.with_call_at(self.insertion_point().ok()?)
    }

    /// The file without the call.
    pub(super) fn without_call(&self) -> RouteCallRemoval {
        let mut certain = Vec::new();
        let mut unclear = self.token_lines(&|kind| matches!(kind, TokenMatchKind::Configure));
        for configure in self.outline.configures.iter().filter(is_as_inserted) {
            let Some(receiver) = &configure.receiver else {
                continue;
            };
            match self.app_origin(&receiver.construction) {
                AppOrigin::ActixWeb => certain.push((configure, receiver.end_offset)),
                AppOrigin::Unknown => unclear.push(self.line_number(configure.dot_offset)),
                AppOrigin::Other => {}
            }
        }
        match (&certain[..], &unclear[..]) {
            ([], []) => RouteCallRemoval::Nothing,
            (&[(configure, receiver_end)], []) => self.without_configure(configure, receiver_end),
            _ => {
                unclear.extend(
                    certain
                        .iter()
                        .map(|(found, _)| self.line_number(found.dot_offset)),
                );
                unclear.sort_unstable();
                RouteCallRemoval::Uncertain(unclear)
            }
        }
    }

    /// The lines of actix-web's `App::new()` outside of tests.
    pub(super) fn app_lines(&self) -> Vec<usize> {
        let constructions = self.app_constructions().into_iter();
        constructions
            .filter(|construction| {
                matches!(construction.call, CallKind::WithoutArguments { .. })
                    && self.app_origin(construction) == AppOrigin::ActixWeb
            })
            .map(|construction| self.line_number(construction.start_offset))
            .collect()
    }

    /// The number of the line that the byte offset is in.
    pub(super) fn line_number(&self, offset: usize) -> usize {
        text::line_number(self.text.as_bytes(), offset)
    }

    /// The end of the only `App::new()`, or the verdict if the call cannot go there.
    fn insertion_point(&self) -> Result<usize, CallSite> {
        let mut configures = self.outline.configures.iter();
        if let Some(configure) = configures.find(|configure| self.adds_routes(configure)) {
            return Err(CallSite::Present {
                line: self.line_number(configure.dot_offset),
            });
        }
        let constructions = self.app_constructions();
        self.check_certainty(&constructions)?;
        let ends = constructions
            .iter()
            .filter_map(|construction| match construction.call {
                CallKind::WithoutArguments { end_offset }
                    if self.app_origin(construction) == AppOrigin::ActixWeb =>
                {
                    Some(end_offset)
                }
                _ => None,
            });
        match ends.collect::<Vec<_>>()[..] {
            [end] => Ok(end),
            [] if constructions.is_empty() => {
                Err(CallSite::doubtful(DoubtReason::NoApp, Vec::new()))
            }
            [] => {
                let starts = constructions
                    .iter()
                    .map(|found| self.line_number(found.start_offset));
                Err(CallSite::doubtful(
                    DoubtReason::UnknownApp,
                    starts.collect(),
                ))
            }
            ref ends => {
                let lines = ends.iter().map(|end| self.line_number(*end)).collect();
                Err(CallSite::doubtful(DoubtReason::SeveralApps, lines))
            }
        }
    }

    /// Fails if the app may be made in a macro, by other code, or from another `App`.
    fn check_certainty(&self, constructions: &[&Construction]) -> Result<(), CallSite> {
        let app_names = self.outline.scopes.app_names();
        let in_macros = self.token_lines(&|kind| match kind {
            TokenMatchKind::Construction(name) => app_names.contains(&name.as_str()),
            TokenMatchKind::Configure => true,
        });
        let lines = |origin, condition: &dyn Fn(CallKind) -> bool| -> Vec<usize> {
            let matching = constructions
                .iter()
                .filter(|found| self.app_origin(found) == origin && condition(found.call));
            matching
                .map(|found| self.line_number(found.start_offset))
                .collect()
        };
        let not_called = lines(AppOrigin::ActixWeb, &|call| {
            !matches!(call, CallKind::WithoutArguments { .. })
        });
        let unknown = lines(AppOrigin::Unknown, &|call| call != CallKind::WithArguments);
        let doubts = [
            (DoubtReason::InMacro, in_macros),
            (DoubtReason::NotCalled, not_called),
            (DoubtReason::UnknownApp, unknown),
        ];
        match doubts.into_iter().find(|(_, lines)| !lines.is_empty()) {
            Some((reason, lines)) => Err(CallSite::doubtful(reason, lines)),
            None => Ok(()),
        }
    }

    /// The file with the call inserted at `end`. Parsing it again must prove that it is
    /// present, and that removing the call gives back every byte.
    fn with_call_at(&self, end: usize) -> Option<Vec<u8>> {
        let (before, after) = self.text.split_at_checked(end)?;
        let with_call = [before, &splice::insertion(after), after].concat();
        let parsed = Self::parse(with_call.as_bytes()).ok()?;
        let has_call = matches!(parsed.insertion_point(), Err(CallSite::Present { .. }));
        let is_reversible =
            parsed.without_call() == RouteCallRemoval::Removed(self.text.clone().into_bytes());
        (has_call && is_reversible).then(|| with_call.into_bytes())
    }

    fn without_configure(
        &self,
        configure: &ConfigureCall,
        receiver_end: usize,
    ) -> RouteCallRemoval {
        splice::removal(
            &self.text,
            receiver_end,
            configure.dot_offset,
            configure.end_offset,
        )
        .map(|range| [&self.text[..range.start], &self.text[range.end..]].concat())
        .filter(|without| Self::parse(without.as_bytes()).is_ok())
        .map_or_else(
            || RouteCallRemoval::Uncertain(vec![self.line_number(configure.dot_offset)]),
            |without| RouteCallRemoval::Removed(without.into_bytes()),
        )
    }

    /// Whether this call adds the library's routes, whatever its receiver.
    fn adds_routes(&self, configure: &ConfigureCall) -> bool {
        let scopes = &self.outline.scopes;
        let resolve = || scopes.resolve(configure.scope, &configure.argument);
        !configure.is_test && resolve().is_routes()
    }

    /// The constructions of actix-web's `App` and of any type called `App`, outside of tests.
    fn app_constructions(&self) -> Vec<&Construction> {
        let constructions = self.outline.constructions.iter();
        constructions
            .filter(|found| !found.is_test)
            .filter(|found| is_called_app(found) || self.app_origin(found) == AppOrigin::ActixWeb)
            .collect()
    }

    fn app_origin(&self, construction: &Construction) -> AppOrigin {
        let scopes = &self.outline.scopes;
        match scopes.resolve(construction.scope, &construction.type_path) {
            resolution if resolution.is_app() => AppOrigin::ActixWeb,
            Resolution::Local => AppOrigin::Other,
            // The `App` of another crate or file may be a re-export of actix-web's.
            _ if is_called_app(construction) => AppOrigin::Unknown,
            _ => AppOrigin::Other,
        }
    }

    /// The lines of matching tokens outside of tests.
    fn token_lines(&self, is_wanted: &dyn Fn(&TokenMatchKind) -> bool) -> Vec<usize> {
        let matches = self.outline.token_matches.iter();
        matches
            .filter(|found| !found.is_test && is_wanted(&found.kind))
            .map(|found| self.line_number(found.start_offset))
            .collect()
    }
}

fn parse_outline(text: &str) -> Result<Outline, Doubt> {
    let without_bom = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = syn::parse_file(without_bom)
        .map_err(|error| Doubt::invalid(error.span().start().line, error.to_string()))?;
    // The parser strips a shebang, but not its newline, so spans start after it.
    let shebang = file.shebang.as_ref().map_or(0, String::len);
    let base = text.len() - without_bom.len() + shebang;
    Ok(visitor::outline(&file, base))
}

/// Whether the call names the routes as `install` does.
fn is_as_inserted(configure: &&ConfigureCall) -> bool {
    !configure.is_test
        && !configure.argument.is_global
        && configure.argument.segments == [LIBRARY_CRATE, "routes"]
}

fn is_called_app(construction: &Construction) -> bool {
    let segments = &construction.type_path.segments;
    segments.last().is_some_and(|name| name == "App")
}
