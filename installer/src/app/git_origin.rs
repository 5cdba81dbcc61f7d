//! The git repository that this command was installed from.

use std::env;
use std::fs;

use toml_edit::Document;

use crate::editing::manifest::dependency::{Git, Reference};
use crate::exit::Failure;

/// Cargo writes beside the folder `bin` what it installed into it, and where that came from.
const INSTALLED: &str = ".crates.toml";

/// What cargo remembers of this command.
pub(super) fn git() -> Result<Git, Failure> {
    let remembered = || {
        let program = env::current_exe().ok()?;
        let root = program.parent()?.parent()?;
        let text = fs::read_to_string(root.join(INSTALLED)).ok()?;
        read(&text)
    };
    remembered().ok_or_else(|| {
        Failure::error("this `sse` was installed from a git repository, and cargo does not say which")
            .help("name it: --dep-git URL, or say where else the library is: --dep-path DIR or --dep-version REQ")
    })
}

/// The keys look like `sse-cli 0.1.0 (git+https://host/repository?tag=v1#commit)`.
fn read(text: &str) -> Option<Git> {
    let document = Document::parse(text).ok()?;
    let installed = document.get("v1")?.as_table_like()?;
    let prefix = concat!(env!("CARGO_PKG_NAME"), " ");
    let source = installed.iter().find_map(|(key, _)| {
        let (_, source) = key.strip_prefix(prefix)?.split_once("(git+")?;
        source.strip_suffix(')')
    })?;
    let (address, commit) = source.split_once('#').unwrap_or((source, ""));
    let Some((url, query)) = address.split_once('?') else {
        return Some(Git {
            url: address.to_owned(),
            reference: None,
        });
    };
    // A name that cargo had to encode is left at the commit that it stood for.
    let reference = match query.split_once('=') {
        Some((kind, name)) if !name.contains('%') => {
            Some((Reference::of_name(kind)?, name.to_owned()))
        }
        _ => Some((Reference::Rev, commit.to_owned())),
    };
    Some(Git {
        url: url.to_owned(),
        reference,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_repository_is_read_from_what_cargo_remembers() {
        let remembered = |source: &str| {
            read(&format!(
                "[v1]\n\"other 1.0.0 (registry+https://x)\" = [\"o\"]\n\"sse-cli 0.1.0 ({source})\" = [\"sse\"]\n"
            ))
        };
        let git = remembered("git+https://a.example/b#0123abc").expect("it is a git source");
        assert_eq!(git.url, "https://a.example/b");
        assert_eq!(git.reference, None);
        let git = remembered("git+file:///a%20b?branch=next#0123abc").expect("it is one, too");
        assert_eq!(git.url, "file:///a%20b");
        assert_eq!(git.reference, Some((Reference::Branch, "next".to_owned())));
        let git = remembered("git+https://x?branch=a%2Fb#0123abc").expect("it is one, too");
        assert_eq!(git.reference, Some((Reference::Rev, "0123abc".to_owned())));
        assert_eq!(remembered("path+file:///x"), None);
        assert_eq!(read(""), None);
    }
}
