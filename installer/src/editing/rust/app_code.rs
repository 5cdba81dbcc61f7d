//! Whether and where the app's code serves the stream.

use std::path::Path;

use super::binaries::binary_sources;
use super::call_site::CallSite;
use super::rust_file::RouteCallRemoval;
use super::source_code::SourceCode;
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::LIBRARY_PACKAGE;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::plan::{self, OriginalFile};
use crate::editing::receipt::Receipt;
use crate::exit::Failure;

/// The app's code, and the sources that `install` may insert the call into, or has inserted it into.
pub(crate) struct AppCode {
    code: SourceCode,
    files: Vec<BinarySource>,
    /// Whether the manifest gives the library another name.
    is_renamed: bool,
}

struct BinarySource {
    file: OriginalFile,
    /// Whether `install` inserted the call, if the file has one.
    is_by_install: bool,
}

/// Whether and how the app serves the stream.
pub(crate) enum RouteCall<'a> {
    /// It does not, and the call site is certain: the file, and its contents with the call.
    Possible(&'a OriginalFile, Vec<u8>),
    /// By the call that `install` inserted into this file.
    Installed(String),
    /// By the owner's code, in this line or file.
    ByOwner(String),
    /// It does not, and the call site is uncertain.
    Uncertain(String),
}

impl AppCode {
    /// Reads the app's code, the package's binaries, and the sources that the receipt names.
    /// `is_by_install` means that `install` inserted a call in them, even if no receipt lists the file.
    pub(crate) fn read(
        app: &Path,
        manifest: &Manifest<'_>,
        receipt: &Receipt,
        dependency: &LibraryEntry,
        is_by_install: bool,
    ) -> Result<Self, Failure> {
        let names = Self::source_names(app, manifest, receipt)?;
        let files = names.into_iter().map(|name| {
            Ok(BinarySource {
                is_by_install: is_by_install || receipt.has(&name),
                file: OriginalFile::read(app, &name)?,
            })
        });
        let files = files.collect::<Result<Vec<_>, Failure>>()?;
        Ok(Self {
            code: SourceCode::read(app, files.iter().map(|source| &source.file)),
            files,
            is_renamed: matches!(dependency, LibraryEntry::ByOwner(key) if key != LIBRARY_PACKAGE),
        })
    }

    /// The paths, below the app's folder, of the binaries' sources and of those that the
    /// receipt names.
    pub(crate) fn source_names(
        app: &Path,
        manifest: &Manifest<'_>,
        receipt: &Receipt,
    ) -> Result<Vec<String>, Failure> {
        let mut names = binary_sources(app, manifest)?;
        for name in receipt.source_files() {
            if !names.iter().any(|other| other == name) && plan::is_file(&app.join(name))? {
                names.push(name.to_owned());
            }
        }
        Ok(names)
    }

    pub(crate) fn route_call(&self) -> RouteCall<'_> {
        let mut insertable = Vec::new();
        let mut reasons = Vec::new();
        let mut present = None;
        for BinarySource {
            file,
            is_by_install,
        } in &self.files
        {
            let name = file.name();
            match self.code.file(name) {
                None => {}
                Some(Err(why)) => reasons.push(format!("{name}: {why}")),
                Some(Ok(source)) => match source.call_site() {
                    CallSite::Present(_) if *is_by_install => {
                        return RouteCall::Installed(name.to_owned());
                    }
                    CallSite::Present(_) => present = Some(name.to_owned()),
                    CallSite::Insertable(contents) => insertable.push((file, contents)),
                    CallSite::Doubtful(why) => reasons.push(format!("{name}: {why}")),
                },
            }
        }
        match self.code.stream_route().or(present) {
            Some(location) => RouteCall::ByOwner(location),
            None => self.possible_call(&insertable, &reasons),
        }
    }

    fn possible_call<'a>(
        &self,
        insertable: &[(&'a OriginalFile, Vec<u8>)],
        reasons: &[String],
    ) -> RouteCall<'a> {
        if self.is_renamed {
            let why = "your manifest gives the library another name";
            return RouteCall::Uncertain(why.to_owned());
        }
        match insertable {
            [] => RouteCall::Uncertain(self.other_location(reasons)),
            // The binary may serve metrics only, and a module the pages.
            [(file, _)] if self.code.has_app_besides(file.name()) => {
                RouteCall::Uncertain(self.other_location(reasons))
            }
            [(file, contents)] => RouteCall::Possible(file, contents.clone()),
            several => {
                let names: Vec<&str> = several.iter().map(|(file, _)| file.name()).collect();
                RouteCall::Uncertain(format!("several binaries have one: {}", names.join(", ")))
            }
        }
    }

    /// Each file that may have the call that `install` inserted, and the result of removing it.
    pub(crate) fn without_call(self) -> impl Iterator<Item = (OriginalFile, RouteCallRemoval)> {
        let edited = self.files.into_iter().filter(|file| file.is_by_install);
        edited.map(move |BinarySource { file, .. }| {
            // Uses of the library in a file that does not parse are reported elsewhere.
            let removal = match self.code.file(file.name()) {
                Some(Ok(source)) => source.without_call(),
                Some(Err(_)) | None => RouteCallRemoval::Nothing,
            };
            (file, removal)
        })
    }

    /// Whether the app's code serves the scripts.
    pub(crate) fn serves_scripts(&self) -> bool {
        self.code.serves_scripts()
    }

    /// Where else the call may belong, or why no binary can take it.
    fn other_location(&self, reasons: &[String]) -> String {
        self.code.app_location().unwrap_or_else(|| {
            if reasons.is_empty() {
                "this package has no binary, and its code does not contain `App::new()`".to_owned()
            } else {
                reasons.join("; ")
            }
        })
    }
}
