//! One file of somebody's code.

use std::{panic, thread};

use super::code::{Call, Code, Configure, Construction, InTokens, TokenKind};
use super::names::{Meaning, Path};
use super::place::{Place, Unclear, Why};
use super::{LIBRARY, splice};
use crate::text;

/// The stack of a thread that reads a file: enough for a thousand blocks in each other.
const STACK: usize = 64 << 20;

/// A file that parses.
#[derive(Debug)]
pub(crate) struct Source {
    text: String,
    pub(super) code: Code,
}

/// What taking the call out leaves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Unwire {
    /// There is no call of ours.
    Nothing,
    /// The file without it.
    Removed(Vec<u8>),
    /// The lines that a person has to look at.
    Unclear(Vec<usize>),
}

impl Source {
    pub(crate) fn parse(file: &[u8]) -> Result<Self, Unclear> {
        let text = str::from_utf8(file).map_err(|error| {
            let line = text::line_number(file, error.valid_up_to());
            Unclear::invalid(line, "this is no UTF-8".to_owned())
        })?;
        // A parser that calls itself for each pair of brackets wants more of a stack than
        // the main thread has everywhere. The texts that it keeps for its spans go with
        // its thread.
        let reading = thread::Builder::new().stack_size(STACK);
        let code = thread::scope(|scope| {
            let reader = reading
                .spawn_scoped(scope, || read(text))
                .map_err(|error| Unclear::invalid(1, error.to_string()))?;
            reader
                .join()
                .unwrap_or_else(|panic| panic::resume_unwind(panic))
        })?;
        Ok(Self {
            text: text.to_owned(),
            code,
        })
    }

    pub(crate) fn place(&self) -> Place {
        match self.found() {
            Ok(end) if self.planned(end).is_none() => {
                Place::unclear(Why::Unproven, vec![self.line(end)])
            }
            Ok(end) => Place::One {
                line: self.line(end),
            },
            Err(place) => place,
        }
    }

    /// The file with the call in it, where `place` is clear.
    pub(crate) fn wire(&self) -> Option<Vec<u8>> {
        self.planned(self.found().ok()?)
    }

    /// The file without the call.
    pub(crate) fn unwire(&self) -> Unwire {
        let is_ours = |configure: &&Configure| {
            !configure.is_test
                && !configure.argument.is_global
                && configure.argument.segments == [LIBRARY, "routes"]
        };
        let mut certain = Vec::new();
        let mut doubtful: Vec<usize> = self.in_tokens(&|kind| matches!(kind, TokenKind::Configure));
        for configure in self.code.configures.iter().filter(is_ours) {
            let Some(receiver) = &configure.receiver else {
                continue;
            };
            match self.owner(&receiver.root) {
                Owner::ActixWeb => certain.push((receiver, configure)),
                Owner::Unknown => doubtful.push(self.line(configure.dot)),
                Owner::Other => {}
            }
        }
        let (receiver, configure) = match (&certain[..], &doubtful[..]) {
            ([], []) => return Unwire::Nothing,
            (&[only], []) => only,
            _ => {
                doubtful.extend(certain.iter().map(|(_, it)| self.line(it.dot)));
                doubtful.sort_unstable();
                return Unwire::Unclear(doubtful);
            }
        };
        splice::removal(&self.text, receiver.end, configure.dot, configure.end)
            .map(|range| [&self.text[..range.start], &self.text[range.end..]].concat())
            .filter(|without| Self::parse(without.as_bytes()).is_ok())
            .map_or_else(
                || Unwire::Unclear(vec![self.line(configure.dot)]),
                |without| Unwire::Removed(without.into_bytes()),
            )
    }

    /// The lines of actix-web's `App::new()` in the app's own code.
    pub(crate) fn apps(&self) -> Vec<usize> {
        let mut constructions = self.constructions();
        constructions.retain(|it| {
            matches!(it.call, Call::Plain { .. }) && self.owner(it) == Owner::ActixWeb
        });
        constructions.iter().map(|it| self.line(it.at)).collect()
    }

    /// The number of the line that `at` is in.
    pub(super) fn line(&self, at: usize) -> usize {
        text::line_number(self.text.as_bytes(), at)
    }

    /// Where the only `App::new()` ends.
    fn found(&self) -> Result<usize, Place> {
        if let Some(configure) = self.code.configures.iter().find(|it| self.is_wiring(it)) {
            return Err(Place::Wired {
                line: self.line(configure.dot),
            });
        }
        let app_names = self.code.scopes.app_names();
        let in_macros = self.in_tokens(&|kind| match kind {
            TokenKind::Construction(name) => app_names.contains(&name.as_str()),
            TokenKind::Configure => true,
        });
        if !in_macros.is_empty() {
            return Err(Place::unclear(Why::InMacro, in_macros));
        }
        let constructions = self.constructions();
        let lines = |wanted: &dyn Fn(&Construction) -> bool| -> Vec<usize> {
            let wanted = constructions.iter().filter(|it| wanted(it));
            wanted.map(|it| self.line(it.at)).collect()
        };
        let not_called = lines(&|it| {
            self.owner(it) == Owner::ActixWeb && !matches!(it.call, Call::Plain { .. })
        });
        if !not_called.is_empty() {
            return Err(Place::unclear(Why::NotCalled, not_called));
        }
        let doubtful =
            lines(&|it| self.owner(it) == Owner::Unknown && it.call != Call::WithArguments);
        if !doubtful.is_empty() {
            return Err(Place::unclear(Why::OtherApp, doubtful));
        }
        let ours = constructions.iter().filter_map(|it| match it.call {
            Call::Plain { end } if self.owner(it) == Owner::ActixWeb => Some(end),
            _ => None,
        });
        match ours.collect::<Vec<_>>()[..] {
            [end] => Ok(end),
            [] => {
                let others = lines(&|_| true);
                let why = if others.is_empty() {
                    Why::NotFound
                } else {
                    Why::OtherApp
                };
                Err(Place::unclear(why, others))
            }
            ref ends => {
                let lines = ends.iter().map(|end| self.line(*end)).collect();
                Err(Place::unclear(Why::Several, lines))
            }
        }
    }

    /// The file with the call put in at `end`, if reading it again proves that it is
    /// wired, and that the call comes out again to the byte.
    fn planned(&self, end: usize) -> Option<Vec<u8>> {
        let (before, after) = self.text.split_at_checked(end)?;
        let wired = [before, &splice::insertion(after), after].concat();
        let read = Self::parse(wired.as_bytes()).ok()?;
        let is_wired = matches!(read.found(), Err(Place::Wired { .. }));
        let comes_out = read.unwire() == Unwire::Removed(self.text.clone().into_bytes());
        (is_wired && comes_out).then(|| wired.into_bytes())
    }

    /// Whether this call puts the library's routes in, on whatever it is called.
    fn is_wiring(&self, configure: &Configure) -> bool {
        let meaning = || self.meaning_at(configure, &configure.argument);
        !configure.is_test && meaning().is_routes()
    }

    fn meaning_at(&self, configure: &Configure, path: &Path) -> Meaning {
        self.code.scopes.meaning(configure.scope, path)
    }

    /// What is constructed in the app's own code and is called `App`, or is one.
    fn constructions(&self) -> Vec<&Construction> {
        let all = self.code.constructions.iter();
        all.filter(|it| !it.is_test)
            .filter(|it| is_called_app(it) || self.owner(it) == Owner::ActixWeb)
            .collect()
    }

    fn owner(&self, construction: &Construction) -> Owner {
        match self
            .code
            .scopes
            .meaning(construction.scope, &construction.of)
        {
            meaning if meaning.is_app() => Owner::ActixWeb,
            Meaning::Local => Owner::Other,
            // Another crate's or another file's `App` may be actix-web's by another way.
            _ if is_called_app(construction) => Owner::Unknown,
            _ => Owner::Other,
        }
    }

    /// The lines of what is wanted from tokens outside of tests.
    fn in_tokens(&self, wanted: &dyn Fn(&TokenKind) -> bool) -> Vec<usize> {
        let all = self.code.in_tokens.iter();
        all.filter(|InTokens { what, is_test, .. }| !is_test && wanted(what))
            .map(|it| self.line(it.at))
            .collect()
    }
}

fn read(text: &str) -> Result<Code, Unclear> {
    let without_bom = text.strip_prefix('\u{feff}').unwrap_or(text);
    let file = syn::parse_file(without_bom)
        .map_err(|error| Unclear::invalid(error.span().start().line, error.to_string()))?;
    // The parser leaves a first line for the shell out, but for its newline.
    let shebang = file.shebang.as_ref().map_or(0, String::len);
    Ok(Code::read(&file, text.len() - without_bom.len() + shebang))
}

/// Whose `App` it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Owner {
    ActixWeb,
    Unknown,
    Other,
}

fn is_called_app(construction: &Construction) -> bool {
    construction
        .of
        .segments
        .last()
        .is_some_and(|it| it == "App")
}
