//! The app's code, as far as it serves the stream.

use std::path::{Component, Path, PathBuf};

use crate::dependency::PACKAGE;
use crate::exit::Failure;
use crate::manifest::{Found, Manifest};
use crate::plan::{self, Original};
use crate::record::Record;
use crate::wiring::{self, Place, Source, Unwire, Uses};

/// What an app's `App::new()` needs behind it.
pub(crate) const CALL: &str = ".configure(actix_web_sse::routes)";

/// The sources that `install` may put the call into, or has put it into.
pub(crate) struct Code {
    app: PathBuf,
    files: Vec<CodeFile>,
    uses: Uses,
    /// Whether the manifest gives the library another name than its own.
    is_renamed: bool,
}

struct CodeFile {
    file: Original,
    /// Whether the call in it is ours, if there is one.
    is_ours: bool,
}

/// Whether and how the stream is served.
pub(crate) enum Wiring<'a> {
    /// It is clear where the call belongs.
    Possible {
        file: &'a Original,
        contents: Vec<u8>,
    },
    /// By the call that `install` put into this file.
    Installed(String),
    /// By code of the owner, here.
    Yours(String),
    /// Not at all, and where the call belongs is not clear.
    Unclear(String),
}

/// What taking our call out of a file comes to.
pub(crate) enum Unwiring {
    Nothing,
    Removed(Vec<u8>),
    /// It may stand on these lines, and a person has to look.
    Unclear(Vec<usize>),
}

impl Code {
    /// Reads the sources of the package's programs, and those that the record names.
    /// `is_ours` says that a call in them is ours even if no record says so.
    pub(crate) fn read(
        app: &Path,
        manifest: &Manifest<'_>,
        record: &Record,
        dependency: &Found,
        is_ours: bool,
    ) -> Result<Self, Failure> {
        let names = Self::names(app, manifest, record)?;
        let files = names.into_iter().map(|name| {
            Ok(CodeFile {
                is_ours: is_ours || record.has(&name),
                file: Original::read(app, &name)?,
            })
        });
        Ok(Self {
            app: app.to_owned(),
            files: files.collect::<Result<_, Failure>>()?,
            uses: wiring::uses_in(app),
            is_renamed: matches!(dependency, Found::Yours(key) if key != PACKAGE),
        })
    }

    /// The sources of the package's programs, and those that the record names, below the app's
    /// folder.
    pub(crate) fn names(
        app: &Path,
        manifest: &Manifest<'_>,
        record: &Record,
    ) -> Result<Vec<String>, Failure> {
        let mut names: Vec<String> = wiring::binary_sources(app, manifest)?
            .iter()
            .filter(|path| is_below(path))
            .filter_map(|path| path.to_str().map(str::to_owned))
            .collect();
        for name in record.code() {
            if !names.iter().any(|other| other == name) && plan::is_file(&app.join(name))? {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    pub(crate) fn wiring(&self) -> Wiring<'_> {
        let mut possible = Vec::new();
        let mut reasons = Vec::new();
        let mut wired = None;
        for CodeFile { file, is_ours } in &self.files {
            let source = match Source::parse(file.contents().unwrap_or_default()) {
                Ok(source) => source,
                Err(why) => {
                    reasons.push(format!("{}: {why}", file.name()));
                    continue;
                }
            };
            match source.place() {
                Place::Wired { .. } if *is_ours => {
                    return Wiring::Installed(file.name().to_owned());
                }
                Place::Wired { .. } => wired = Some(file.name().to_owned()),
                Place::One { .. } => possible.extend(source.wire().map(|code| (file, code))),
                Place::Unclear(why) => reasons.push(format!("{}: {why}", file.name())),
            }
        }
        if let Some(place) = self.uses.stream().or(wired) {
            return Wiring::Yours(place);
        }
        if self.is_renamed {
            let why = "your manifest gives the library another name";
            return Wiring::Unclear(why.to_owned());
        }
        match possible.len() {
            0 => Wiring::Unclear(self.elsewhere(&reasons)),
            1 => {
                let (file, contents) = possible.remove(0);
                Wiring::Possible { file, contents }
            }
            _ => {
                let names: Vec<&str> = possible.iter().map(|(file, _)| file.name()).collect();
                Wiring::Unclear(format!("several programs have one: {}", names.join(", ")))
            }
        }
    }

    /// What becomes of each file when our call is taken out of it.
    pub(crate) fn unwired(self) -> impl Iterator<Item = (Original, Unwiring)> {
        let ours = self.files.into_iter().filter(|file| file.is_ours);
        ours.map(|CodeFile { file, .. }| {
            let source = Source::parse(file.contents().unwrap_or_default());
            let unwiring = match source.map(|source| source.unwire()) {
                Ok(Unwire::Nothing) => Unwiring::Nothing,
                Ok(Unwire::Removed(contents)) => Unwiring::Removed(contents),
                Ok(Unwire::Unclear(lines)) => Unwiring::Unclear(lines),
                // What does not parse is not ours to judge; the uses in it are named anyway.
                Err(_) => Unwiring::Nothing,
            };
            (file, unwiring)
        })
    }

    pub(crate) fn into_files(self) -> impl Iterator<Item = Original> {
        self.files.into_iter().map(|file| file.file)
    }

    /// Whether the app's code serves the scripts.
    pub(crate) fn serves_scripts(&self) -> bool {
        self.uses.serves_scripts()
    }

    /// Why no program's code is the place, and where else the call may belong.
    fn elsewhere(&self, reasons: &[String]) -> String {
        let places: Vec<String> = wiring::places(&self.app)
            .into_iter()
            .map(|(path, line)| format!("{}:{line}", path.display()))
            .collect();
        if places.is_empty() && reasons.is_empty() {
            "this package has no program, and no code with one".to_owned()
        } else if places.is_empty() {
            reasons.join("; ")
        } else {
            places.join(", ")
        }
    }
}

/// A manifest may name a program's source outside of the app's folder, which is not ours to touch.
fn is_below(path: &Path) -> bool {
    let mut parts = path.components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}
