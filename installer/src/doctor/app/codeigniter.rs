//! A CodeIgniter app: whether its cache writes the files that the server reads, and what is left of the original
//! module.

use actix_web_sse::Config;
use actix_web_sse::cli_support::EnvFile;

use super::drop_in_folder::DropInFolder;
use crate::app::codeigniter::cache_config::CacheConfig;
use crate::app::codeigniter::module::{Leftovers, PACKAGE};
use crate::app::codeigniter::problems::Problem;
use crate::app::layout::AppLayout;
use crate::doctor::finding::{Check, Finding};
use crate::sources::source_files::SourceFile;

const CHECK: Check = Check("codeigniter");

pub(super) fn check(
    layout: &AppLayout,
    env: &EnvFile,
    config: Option<&Config>,
    sources: &[SourceFile],
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = leftovers(&Leftovers::find(layout, sources))
        .into_iter()
        .collect();
    if let Some(config) = config {
        findings.extend(check_cache(layout, env, config));
    }
    findings
}

/// The prefix is a check of its own, which knows the files in the folder, too.
fn check_cache(layout: &AppLayout, env: &EnvFile, config: &Config) -> Vec<Finding> {
    let cache = CacheConfig::read(&layout.app, env);
    // Without drop-ins, the app saves in another way.
    let Some(folder) = DropInFolder::of(config) else {
        return Vec::new();
    };
    let problems = [
        cache.handler_problem(),
        cache.folder_problem(&layout.app, Some(folder.path), folder.setting()),
    ];
    let problems: Vec<Finding> = problems
        .into_iter()
        .flatten()
        .map(|Problem { message, help }| CHECK.warning(message, help))
        .collect();
    if !problems.is_empty() {
        return problems;
    }
    let folder = folder.path.display();
    vec![CHECK.ok(format!(
        "CodeIgniter's cache()->save() writes into {folder}"
    ))]
}

fn leftovers(leftovers: &Leftovers) -> Option<Finding> {
    let lines = leftovers.lines.join(", ");
    let (message, help) = match (leftovers.is_required, leftovers.lines.is_empty()) {
        (false, true) => return None,
        (true, true) => (
            format!(
                "the original module {PACKAGE} is still installed, and has a route for the stream, too"
            ),
            format!(
                "composer remove {PACKAGE} (not `php spark sse:uninstall`, which would also remove these settings)"
            ),
        ),
        (true, false) => (
            format!("the original module {PACKAGE} is still installed and used: {lines}"),
            format!(
                "remove these lines, then composer remove {PACKAGE} (not `php spark sse:uninstall`, which would also remove these settings)"
            ),
        ),
        (false, false) => (
            format!(
                "these lines use the original module or its route, which `sse serve` replaces: {lines}"
            ),
            "remove them".to_owned(),
        ),
    };
    Some(CHECK.warning(message, help))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_of_the_module_is_a_warning_that_says_what_to_remove() {
        let found = |is_required, lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            leftovers(&Leftovers { is_required, lines })
        };
        assert_eq!(found(false, &[]), None);
        for (is_required, lines, what, help) in [
            (true, &[][..], "still installed", "composer remove"),
            (true, &["a.php:1"], "a.php:1", "composer remove"),
            (
                false,
                &["a.php:1", "b.php:2"],
                "a.php:1, b.php:2",
                "remove them",
            ),
        ] {
            let finding = found(is_required, lines).expect("something is left");
            assert!(
                finding.is_problem() && finding.message.contains(what),
                "{finding:?}"
            );
            assert!(finding.help.unwrap_or_default().contains(help), "{help}");
        }
    }
}
