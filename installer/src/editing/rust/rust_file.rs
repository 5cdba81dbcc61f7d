//! One Rust file of an app: where it takes the call, and how the call gets in and out.

use std::{panic, thread};

use proc_macro2::{Group, TokenStream, TokenTree};

use super::call_site::{CallSite, Doubt, DoubtReason};
use super::outline::{AppOrigin, CallKind, ConfigureCall, Construction, Outline};
use super::paths::LIBRARY_CRATE;
use super::{splice, visitor};
use crate::editing::text;

/// Many times as deep as people nest code.
const MAX_NESTED_BRACKETS: usize = 512;
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
        let end = match self.insertion_point() {
            Ok(end) => end,
            Err(verdict) => return verdict,
        };
        self.with_call_at(end).map_or_else(
            || CallSite::doubtful(DoubtReason::Unverified, self.app_lines(AppOrigin::ActixWeb)),
            CallSite::Insertable,
        )
    }

    /// The file without the call.
    pub(super) fn without_call(&self) -> RouteCallRemoval {
        match self.unchecked_removal() {
            RouteCallRemoval::Removed(contents) if Self::parse(&contents).is_err() => {
                let configures = self.outline.configures.iter().filter(is_as_inserted);
                RouteCallRemoval::Uncertain(configures.map(|found| found.line).collect())
            }
            removal => removal,
        }
    }

    /// The lines of `App::new()` of this origin, outside of tests.
    pub(super) fn app_lines(&self, origin: AppOrigin) -> Vec<usize> {
        self.construction_lines(|found| found.end_of_call(origin).is_some())
    }

    /// The lines of a file service for `/` and of the library's routes that are added after it.
    pub(super) fn routes_behind_file_service(&self) -> Option<[usize; 2]> {
        let configures = self.outline.configures.iter();
        let mut routes = configures.filter(|configure| configure.adds_routes);
        routes.find_map(|routes| Some([routes.earlier_file_service?, routes.line]))
    }

    /// The end of the only `App::new()`, or the verdict if the call cannot go there.
    fn insertion_point(&self) -> Result<usize, CallSite> {
        let mut configures = self.outline.configures.iter();
        if let Some(configure) = configures.find(|configure| configure.adds_routes) {
            return Err(CallSite::Present(configure.line));
        }
        self.check_certainty()?;
        let constructions = &self.outline.constructions;
        let ends = constructions
            .iter()
            .filter_map(|found| found.end_of_call(AppOrigin::ActixWeb));
        let (reason, lines) = match ends.collect::<Vec<_>>()[..] {
            [end] => return Ok(end),
            [] if constructions.is_empty() => (DoubtReason::NoApp, Vec::new()),
            [] => (DoubtReason::UnknownApp, self.construction_lines(|_| true)),
            _ => (
                DoubtReason::SeveralApps,
                self.app_lines(AppOrigin::ActixWeb),
            ),
        };
        Err(CallSite::doubtful(reason, lines))
    }

    /// Fails if the app may be made in a macro, by other code, or from another `App`.
    fn check_certainty(&self) -> Result<(), CallSite> {
        let mut in_macros = [&self.outline.macro_apps[..], &self.outline.macro_configures].concat();
        in_macros.sort_unstable();
        let not_called = self.construction_lines(|found| {
            found.origin == AppOrigin::ActixWeb && found.end_of_call(found.origin).is_none()
        });
        let unknown = self.construction_lines(|found| {
            found.origin == AppOrigin::Unknown && found.call != CallKind::WithArguments
        });
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
        let has_call = matches!(parsed.insertion_point(), Err(CallSite::Present(_)));
        let is_reversible =
            parsed.unchecked_removal() == RouteCallRemoval::Removed(self.text.clone().into_bytes());
        (has_call && is_reversible).then(|| with_call.into_bytes())
    }

    /// The file without the call, not yet parsed again.
    fn unchecked_removal(&self) -> RouteCallRemoval {
        let mut certain = Vec::new();
        let mut lines = self.outline.macro_configures.clone();
        for configure in self.outline.configures.iter().filter(is_as_inserted) {
            match configure.receiver.map(|receiver| receiver.origin) {
                // No other crate's `App` can take the library's routes.
                Some(AppOrigin::ActixWeb | AppOrigin::Unknown) => certain.push(configure),
                Some(AppOrigin::Other) | None => continue,
            }
            lines.push(configure.line);
        }
        lines.sort_unstable();
        match (&certain[..], lines.len()) {
            (_, 0) => RouteCallRemoval::Nothing,
            ([configure], 1) => self
                .text_without(configure)
                .map_or(RouteCallRemoval::Uncertain(lines), |text| {
                    RouteCallRemoval::Removed(text.into_bytes())
                }),
            _ => RouteCallRemoval::Uncertain(lines),
        }
    }

    fn text_without(&self, configure: &ConfigureCall) -> Option<String> {
        let receiver_end = configure.receiver?.end_offset;
        let (dot, end) = (configure.dot_offset, configure.end_offset);
        let removed = splice::removal(&self.text, receiver_end, dot, end)?;
        Some([&self.text[..removed.start], &self.text[removed.end..]].concat())
    }

    fn construction_lines(&self, is_wanted: impl Fn(&Construction) -> bool) -> Vec<usize> {
        let constructions = self.outline.constructions.iter();
        let wanted = constructions.filter(|found| is_wanted(found));
        wanted.map(|found| found.line).collect()
    }
}

fn parse_outline(text: &str) -> Result<Outline, Doubt> {
    let without_bom = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(line) = deeply_nested_line(without_bom) {
        let message = format!("more than {MAX_NESTED_BRACKETS} brackets are nested");
        return Err(Doubt::invalid(line, message));
    }
    let file = syn::parse_file(without_bom)
        .map_err(|error| Doubt::invalid(error.span().start().line, error.to_string()))?;
    // The parser strips a shebang, but not its newline, so spans start after it.
    let shebang = file.shebang.as_ref().map_or(0, String::len);
    let base = text.len() - without_bom.len() + shebang;
    Ok(visitor::outline(&file, base))
}

/// Where brackets are nested so deeply that the parser's stack might overflow. The tokens are read without
/// recursion.
fn deeply_nested_line(text: &str) -> Option<usize> {
    let groups = |tokens: TokenStream| {
        tokens.into_iter().filter_map(|token| match token {
            TokenTree::Group(group) => Some(group),
            _ => None,
        })
    };
    // Not every shebang consists of tokens.
    let code = match text.split_once('\n') {
        Some((line, _)) if line.starts_with("#!") && !line.contains('[') => &text[line.len()..],
        _ => text,
    };
    let mut level: Vec<Group> = groups(code.parse().ok()?).collect();
    for _ in 0..MAX_NESTED_BRACKETS {
        level = level
            .iter()
            .flat_map(|group| groups(group.stream()))
            .collect();
    }
    Some(level.first()?.span_open().start().line)
}

/// Whether the call names the routes as `install` does.
fn is_as_inserted(configure: &&ConfigureCall) -> bool {
    !configure.argument.is_global && configure.argument.segments == [LIBRARY_CRATE, "routes"]
}
