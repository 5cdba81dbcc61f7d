//! The git repository that this command was installed from.

use std::env;
use std::fs;

use toml_edit::Document;

use crate::editing::manifest::dependency::{GIT_REFERENCES, GitSource};
use crate::exit::Failure;

/// Beside its folder `bin`, cargo keeps this list of what it installed and from where.
const INSTALL_LIST: &str = ".crates.toml";

/// The repository that cargo recorded for this command.
pub(super) fn recorded_git_source() -> Result<GitSource, Failure> {
    let recorded = || {
        let program = env::current_exe().ok()?;
        let root = program.parent()?.parent()?;
        let text = fs::read_to_string(root.join(INSTALL_LIST)).ok()?;
        parse_install_list(&text)
    };
    recorded().ok_or_else(|| {
        Failure::error("this `sse` was installed from a git repository, but cargo has no record of which one")
            .with_help("pass the repository with --dep-git URL, or another source with --dep-path DIR or --dep-version REQ")
    })
}

/// The keys look like `sse-cli 0.1.0 (git+https://host/repository?tag=v1#commit)`.
fn parse_install_list(text: &str) -> Option<GitSource> {
    let document = Document::parse(text).ok()?;
    let installed = document.get("v1")?.as_table_like()?;
    let prefix = concat!(env!("CARGO_PKG_NAME"), " ");
    let source = installed.iter().find_map(|(key, _)| {
        let (_, source) = key.strip_prefix(prefix)?.split_once("(git+")?;
        source.strip_suffix(')')
    })?;
    let (address, commit) = source.split_once('#').unwrap_or((source, ""));
    let Some((url, query)) = address.split_once('?') else {
        return Some(GitSource {
            url: address.to_owned(),
            reference: None,
        });
    };
    // Instead of decoding a percent-encoded name, take the commit that it named.
    let reference = match query.split_once('=') {
        Some((kind, name)) if !name.contains('%') => {
            let kind = GIT_REFERENCES.into_iter().find(|known| *known == kind)?;
            Some((kind, name.to_owned()))
        }
        _ => Some(("rev", commit.to_owned())),
    };
    Some(GitSource {
        url: url.to_owned(),
        reference,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_read_from_cargos_install_list() {
        let recorded = |source: &str| {
            parse_install_list(&format!(
                "[v1]\n\"other 1.0.0 (registry+https://x)\" = [\"o\"]\n\"sse-cli 0.1.0 ({source})\" = [\"sse\"]\n"
            ))
        };
        let git = recorded("git+https://a.example/b#0123abc").expect("a git source");
        assert_eq!(git.url, "https://a.example/b");
        assert_eq!(git.reference, None);
        let git = recorded("git+file:///a%20b?branch=next#0123abc").expect("a git source");
        assert_eq!(git.url, "file:///a%20b");
        assert_eq!(git.reference, Some(("branch", "next".to_owned())));
        let git = recorded("git+https://x?branch=a%2Fb#0123abc").expect("a git source");
        assert_eq!(git.reference, Some(("rev", "0123abc".to_owned())));
        assert_eq!(recorded("path+file:///x"), None);
        assert_eq!(parse_install_list(""), None);
    }
}
