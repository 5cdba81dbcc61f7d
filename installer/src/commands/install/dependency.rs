//! The dependency that `install` adds to `Cargo.toml`.

use super::super::planned_change::PlannedChange;
use super::steps::NewFile;
use crate::app::app_files::AppFiles;
use crate::app::library;
use crate::app::rust_app::RustApp;
use crate::cli::{DependencyArgs, InstallArgs};
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::DependencySource;
use crate::editing::manifest::edits::LibraryEntry;
use crate::exit::Failure;

/// The dependency to add; `None` if the app has one. One that an earlier run added stays, so
/// it is a conflict if the arguments choose another. The owner's is reported as kept.
pub(super) fn choose_source(
    app_files: &AppFiles,
    rust: &RustApp,
    args: &InstallArgs,
) -> Result<Option<DependencySource>, Failure> {
    let is_absent = rust.dependency == LibraryEntry::Absent;
    let DependencyArgs {
        dep_path,
        dep_version,
        dep_git,
        ..
    } = &args.dependency;
    let chooses = dep_path.is_some() || dep_version.is_some() || dep_git.is_some();
    if args.no_dep || !(is_absent || rust.dependency == LibraryEntry::ByInstall && chooses) {
        return Ok(None);
    }
    let source = library::dependency_source(&args.dependency, app_files.app(), rust)?;
    if is_absent {
        return Ok(Some(source));
    }
    let contents = rust.manifest.contents().unwrap_or_default();
    if Manifest::parse(contents)?.has_source(&source) {
        return Ok(None);
    }
    Err(
        Failure::conflict("Cargo.toml already has the dependency, from another source").with_help(
            format!(
                "run `sse uninstall` first, or replace the line with: {}",
                source.line()
            ),
        ),
    )
}

pub(super) fn plan_manifest(rust: &RustApp, source: &DependencySource) -> Result<NewFile, Failure> {
    let file = rust.manifest.clone();
    let manifest = Manifest::parse(file.contents().unwrap_or_default())?;
    let contents = manifest.with_dependency(source)?;
    Ok(NewFile { file, contents })
}

pub(super) fn report(
    rust: &RustApp,
    added: Option<&DependencySource>,
    args: &InstallArgs,
    change: &mut PlannedChange,
) {
    match (added, &rust.dependency) {
        (Some(source), _) => {
            change.will_report("Updated", format!("Cargo.toml (with `{}`)", source.line()));
        }
        (None, _) if args.no_dep => {}
        (None, LibraryEntry::ByOwner(key)) => {
            change.will_report("Kept", format!("Cargo.toml (your dependency `{key}`)"));
        }
        (None, LibraryEntry::ByInstall | LibraryEntry::Absent) => {
            change.will_report("Unchanged", "Cargo.toml");
        }
    }
}
