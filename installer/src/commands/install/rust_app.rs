//! What `install` changes only in a Rust app: the manifest and the code.

use super::super::planned_change::PlannedChange;
use super::dependency;
use super::steps::NewFile;
use crate::app::app_files::AppFiles;
use crate::app::rust_app::RustApp;
use crate::cli::InstallArgs;
use crate::editing::plan::OriginalFile;
use crate::editing::rust::app_code::RouteCall;
use crate::editing::rust::splice::ROUTES_CALL;
use crate::exit::Failure;

pub(super) struct PlannedRustParts<'a> {
    pub(super) app: &'a RustApp,
    pub(super) route_call: RouteCall<'a>,
    pub(super) manifest: Option<Result<NewFile, Failure>>,
    pub(super) code: Option<NewFile>,
}

pub(super) fn plan<'a>(
    app_files: &AppFiles,
    rust: &'a RustApp,
    args: &InstallArgs,
    change: &mut PlannedChange,
) -> Result<PlannedRustParts<'a>, Failure> {
    let source = dependency::choose_source(app_files, rust, args)?;
    dependency::report(rust, source.as_ref(), args, change);
    let manifest = source.map(|source| dependency::plan_manifest(rust, &source));
    let route_call = rust.code.route_call();
    let code = plan_route_call(&route_call, args, change);
    Ok(PlannedRustParts {
        app: rust,
        route_call,
        manifest,
        code,
    })
}

impl PlannedRustParts<'_> {
    /// The source file that has the call of `install`, or will have it.
    pub(super) fn file_with_call(&self) -> Option<&str> {
        match (&self.code, &self.route_call) {
            (Some(code), _) => Some(code.file.name()),
            (None, RouteCall::Installed(name)) => Some(name.as_str()),
            (None, _) => None,
        }
    }
}

/// The source file with the call inserted, if the call site is certain.
fn plan_route_call(
    route_call: &RouteCall<'_>,
    args: &InstallArgs,
    change: &mut PlannedChange,
) -> Option<NewFile> {
    if args.no_wire {
        return None;
    }
    match route_call {
        RouteCall::Possible(file, contents) => {
            change.will_report("Updated", format!("{} (with `{ROUTES_CALL}`)", file.name()));
            Some(NewFile {
                file: OriginalFile::clone(file),
                contents: contents.clone(),
            })
        }
        RouteCall::Installed(name) => {
            change.will_report("Unchanged", name);
            None
        }
        RouteCall::ByOwner(location) => {
            change.will_report("Kept", format!("{location} (serves the stream)"));
            None
        }
        RouteCall::Uncertain(_) => None,
    }
}

pub(super) fn warnings(rust: &RustApp) -> Vec<String> {
    let mut warnings = Vec::new();
    if !rust.has_actix_web {
        warnings
            .push("Cargo.toml has no dependency actix-web; `cargo add actix-web` adds it".into());
    }
    if rust.lacks_feature {
        warnings.push(
            "your dependency in Cargo.toml lacks the feature `actix`, and `actix_web_sse::routes` does not compile without it".into(),
        );
    }
    warnings
}

/// Fails if arguments choose a source of the library, which only a Rust app depends on.
pub(super) fn refuse_source(args: &InstallArgs) -> Result<(), Failure> {
    let dependency = &args.dependency;
    let options = [
        ("--dep-path", dependency.dep_path.is_some()),
        ("--dep-version", dependency.dep_version.is_some()),
        ("--dep-git", dependency.dep_git.is_some()),
    ];
    match options.into_iter().find(|(_, is_given)| *is_given) {
        None => Ok(()),
        Some((option, _)) => Err(Failure::usage(format!(
            "{option} is for Rust apps, and this is an app in another language"
        ))
        .with_help("leave the option out: `sse serve` serves the stream of this app")),
    }
}
