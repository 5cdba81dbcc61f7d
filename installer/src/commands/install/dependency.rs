//! The dependency that `install` adds to `Cargo.toml`.

use super::super::change::Change;
use crate::app::installation::Installation;
use crate::app::library;
use crate::cli::{DependencyArgs, InstallArgs};
use crate::editing::manifest::cargo_toml::Manifest;
use crate::editing::manifest::dependency::DependencySource;
use crate::editing::manifest::edits::LibraryEntry;
use crate::exit::Failure;

/// The dependency to add; `None` if the app has one. One that an earlier run added stays, so
/// it is a conflict if the arguments choose another. The owner's is reported as kept.
pub(super) fn chosen_source(
    installation: &Installation,
    args: &InstallArgs,
) -> Result<Option<DependencySource>, Failure> {
    let is_absent = installation.dependency == LibraryEntry::Absent;
    let DependencyArgs {
        dep_path,
        dep_version,
        dep_git,
        ..
    } = &args.dependency;
    let chooses = dep_path.is_some() || dep_version.is_some() || dep_git.is_some();
    if args.no_dep || !(is_absent || installation.dependency == LibraryEntry::Ours && chooses) {
        return Ok(None);
    }
    let source = library::dependency_source(&args.dependency, installation)?;
    if is_absent {
        return Ok(Some(source));
    }
    let contents = installation.manifest.contents().unwrap_or_default();
    if Manifest::parse(contents)?.has_source(&source) {
        return Ok(None);
    }
    Err(
        Failure::conflict("Cargo.toml already has the dependency, from another source").help(
            format!(
                "run `sse uninstall` first, or replace the line with: {}",
                source.line()
            ),
        ),
    )
}

pub(super) fn planned_manifest(
    installation: &Installation,
    source: &DependencySource,
) -> Result<Vec<u8>, Failure> {
    Manifest::parse(installation.manifest.contents().unwrap_or_default())?.add(source)
}

pub(super) fn report(
    installation: &Installation,
    added: Option<&DependencySource>,
    args: &InstallArgs,
    change: &mut Change,
) {
    match (added, &installation.dependency) {
        (Some(source), _) => {
            change.will_report("Updated", format!("Cargo.toml (with `{}`)", source.line()));
        }
        (None, _) if args.no_dep => {}
        (None, LibraryEntry::Yours(key)) => {
            change.will_report("Kept", format!("Cargo.toml (your dependency `{key}`)"));
        }
        (None, LibraryEntry::Ours | LibraryEntry::Absent) => {
            change.will_report("Unchanged", "Cargo.toml");
        }
    }
}
