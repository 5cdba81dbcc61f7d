//! Whether and where the app's code serves the stream.

use std::path::{Component, Path, PathBuf};

use super::binaries::binary_sources;
use super::call_site::CallSite;
use super::rust_file::{RustFile, Unwiring};
use super::uses::{self, Uses};
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::PACKAGE;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::plan::{self, OriginalFile};
use crate::editing::receipt::Receipt;
use crate::exit::Failure;

/// The sources that `install` may insert the call into, or has inserted it into.
pub(crate) struct AppCode {
    app: PathBuf,
    files: Vec<BinarySource>,
    uses: Uses,
    /// Whether the manifest gives the library another name.
    is_renamed: bool,
}

struct BinarySource {
    file: OriginalFile,
    /// Whether `install` inserted the call, if the file has one.
    is_ours: bool,
}

/// Whether and how the app serves the stream.
pub(crate) enum Wiring<'a> {
    /// It does not, and the call site is certain.
    Possible {
        file: &'a OriginalFile,
        contents: Vec<u8>,
    },
    /// By the call that `install` inserted into this file.
    Installed(String),
    /// By the owner's code, in this line or file.
    Yours(String),
    /// It does not, and the call site is uncertain.
    Unclear(String),
}

impl AppCode {
    /// Reads the sources of the package's binaries, and those that the receipt names.
    /// `is_ours` means that a call in them is ours even without a receipt.
    pub(crate) fn read(
        app: &Path,
        manifest: &Manifest<'_>,
        receipt: &Receipt,
        dependency: &LibraryEntry,
        is_ours: bool,
    ) -> Result<Self, Failure> {
        let names = Self::source_names(app, manifest, receipt)?;
        let files = names.into_iter().map(|name| {
            Ok(BinarySource {
                is_ours: is_ours || receipt.has(&name),
                file: OriginalFile::read(app, &name)?,
            })
        });
        Ok(Self {
            app: app.to_owned(),
            files: files.collect::<Result<_, Failure>>()?,
            uses: uses::uses_in(app),
            is_renamed: matches!(dependency, LibraryEntry::Yours(key) if key != PACKAGE),
        })
    }

    /// The paths, below the app's folder, of the binaries' sources and of those that the
    /// receipt names.
    pub(crate) fn source_names(
        app: &Path,
        manifest: &Manifest<'_>,
        receipt: &Receipt,
    ) -> Result<Vec<String>, Failure> {
        let mut names: Vec<String> = binary_sources(app, manifest)?
            .iter()
            .filter(|path| is_below(path))
            .filter_map(|path| path.to_str().map(str::to_owned))
            .collect();
        for name in receipt.source_files() {
            if !names.iter().any(|other| other == name) && plan::is_file(&app.join(name))? {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    pub(crate) fn wiring(&self) -> Wiring<'_> {
        let mut insertable = Vec::new();
        let mut reasons = Vec::new();
        let mut wired = None;
        for BinarySource { file, is_ours } in &self.files {
            let name = file.name();
            match RustFile::parse(file.contents().unwrap_or_default()) {
                Err(why) => reasons.push(format!("{name}: {why}")),
                Ok(source) => match source.call_site() {
                    CallSite::Wired { .. } if *is_ours => {
                        return Wiring::Installed(name.to_owned());
                    }
                    CallSite::Wired { .. } => wired = Some(name.to_owned()),
                    CallSite::Insertable { .. } => {
                        insertable.extend(source.wire().map(|code| (file, code)));
                    }
                    CallSite::Unclear(why) => reasons.push(format!("{name}: {why}")),
                },
            }
        }
        match self.uses.stream_route().or(wired) {
            Some(location) => Wiring::Yours(location),
            None => self.possible_wiring(insertable, &reasons),
        }
    }

    fn possible_wiring<'a>(
        &self,
        mut insertable: Vec<(&'a OriginalFile, Vec<u8>)>,
        reasons: &[String],
    ) -> Wiring<'a> {
        if self.is_renamed {
            let why = "your manifest gives the library another name";
            return Wiring::Unclear(why.to_owned());
        }
        match insertable.len() {
            0 => Wiring::Unclear(self.other_locations(reasons)),
            1 => {
                let (file, contents) = insertable.remove(0);
                Wiring::Possible { file, contents }
            }
            _ => {
                let names: Vec<&str> = insertable.iter().map(|(file, _)| file.name()).collect();
                Wiring::Unclear(format!("several binaries have one: {}", names.join(", ")))
            }
        }
    }

    /// Each file that may have our call, and what taking it out results in.
    pub(crate) fn unwired(self) -> impl Iterator<Item = (OriginalFile, Unwiring)> {
        let ours = self.files.into_iter().filter(|file| file.is_ours);
        ours.map(|BinarySource { file, .. }| {
            let parsed = RustFile::parse(file.contents().unwrap_or_default());
            // Uses of the library in a file that does not parse are reported elsewhere.
            let unwiring = parsed.map_or(Unwiring::Nothing, |source| source.unwire());
            (file, unwiring)
        })
    }

    pub(crate) fn into_files(self) -> impl Iterator<Item = OriginalFile> {
        self.files.into_iter().map(|file| file.file)
    }

    /// Whether the app's code serves the scripts.
    pub(crate) fn serves_scripts(&self) -> bool {
        self.uses.serves_scripts()
    }

    /// Where else the call may belong, or why no binary can take it.
    fn other_locations(&self, reasons: &[String]) -> String {
        let locations: Vec<String> = uses::app_constructions(&self.app)
            .into_iter()
            .map(|(path, line)| format!("{}:{line}", path.display()))
            .collect();
        if locations.is_empty() && reasons.is_empty() {
            "this package has no binary, and its code no `App::new()`".to_owned()
        } else if locations.is_empty() {
            reasons.join("; ")
        } else {
            locations.join(", ")
        }
    }
}

/// A manifest may name a source outside of the app's folder, which `install` must not touch.
fn is_below(path: &Path) -> bool {
    let mut parts = path.components();
    parts.all(|part| matches!(part, Component::Normal(_)))
}
