//! The entry that `install` writes into `[dependencies]`.

use std::iter;

use serde_json::Value;

/// The name of the library as a package, as in `Cargo.toml`.
pub(crate) const LIBRARY_PACKAGE: &str = "actix-web-sse";

/// The source of the dependency.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum DependencySource {
    Path(String),
    Version(String),
    Git(GitSource),
    /// The workspace's entry, by its key. If it lacks the feature `actix`, the member adds it.
    Workspace {
        key: String,
        needs_feature: bool,
    },
}

/// A git repository. Without a reference, cargo takes its default branch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct GitSource {
    pub(crate) url: String,
    /// One of `GIT_REFERENCES`, and its name.
    pub(crate) reference: Option<(&'static str, String)>,
}

/// What cargo calls the kinds of references.
pub(crate) const GIT_REFERENCES: [&str; 3] = ["branch", "tag", "rev"];

impl DependencySource {
    /// The entry's key in the app's manifest.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Workspace { key, .. } => key,
            Self::Path(_) | Self::Version(_) | Self::Git(_) => LIBRARY_PACKAGE,
        }
    }

    /// The entry's fields, one per line of a table `[dependencies.KEY]`.
    pub(crate) fn fields(&self) -> Vec<String> {
        match self {
            Self::Path(path) => vec![format!("path = {}", quote_for_toml(path))],
            Self::Version(version) => vec![format!("version = {}", quote_for_toml(version))],
            Self::Git(git) => {
                let address = format!("git = {}", quote_for_toml(&git.url));
                let reference = git
                    .reference
                    .iter()
                    .map(|(kind, name)| format!("{kind} = {}", quote_for_toml(name)));
                iter::once(address).chain(reference).collect()
            }
            Self::Workspace { needs_feature, .. } => {
                let feature = needs_feature.then(|| "features = [\"actix\"]".to_owned());
                iter::once("workspace = true".to_owned())
                    .chain(feature)
                    .collect()
            }
        }
    }

    /// The entry as one line of `[dependencies]`.
    pub(crate) fn line(&self) -> String {
        let key = self.key();
        match self {
            Self::Version(version) => format!("{key} = {}", quote_for_toml(version)),
            Self::Path(_) | Self::Git(_) | Self::Workspace { .. } => {
                format!("{key} = {{ {} }}", self.fields().join(", "))
            }
        }
    }
}

/// Parses a version requirement. It is only a rough check; cargo does the exact one.
pub(crate) fn parse_version_requirement(text: &str) -> Result<String, String> {
    let is_known = |c: char| c.is_ascii_alphanumeric() || " .*^~<>=,+-".contains(c);
    if text.chars().any(|c| c.is_ascii_digit() || c == '*') && text.chars().all(is_known) {
        Ok(text.to_owned())
    } else {
        Err("a version requirement looks like 0.1, =0.1.0 or >=0.1, <0.3".to_owned())
    }
}

/// Parses a git address. Cargo takes URLs only, not git's short form `git@host:path`.
pub(crate) fn parse_git_address(text: &str) -> Result<String, String> {
    match text.split_once("://") {
        Some((scheme, path))
            if ["https", "http", "ssh", "git", "file"].contains(&scheme)
                && !path.is_empty()
                && !text.contains(char::is_whitespace) =>
        {
            Ok(text.to_owned())
        }
        _ => Err("cargo takes a URL: https://…, ssh://git@host/…, or file:///…".to_owned()),
    }
}

/// The text as a TOML string: JSON's strings are TOML's, too.
fn quote_for_toml(text: &str) -> String {
    Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_git_repository_is_written_in_cargos_syntax() {
        let source = |reference| {
            DependencySource::Git(GitSource {
                url: "https://a.example/b".to_owned(),
                reference,
            })
        };
        assert_eq!(
            source(None).line(),
            "actix-web-sse = { git = \"https://a.example/b\" }"
        );
        assert_eq!(
            source(Some(("tag", "v1".to_owned()))).line(),
            "actix-web-sse = { git = \"https://a.example/b\", tag = \"v1\" }"
        );
        assert!(parse_git_address("ssh://git@a.example/b").is_ok());
        for bad in ["", "git@a.example:b", "https://", "ftp://a/b", "file:// a"] {
            assert!(parse_git_address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn only_version_requirements_are_accepted_as_versions() {
        for good in ["0.1", "=0.1.0", ">=0.1, <0.3", "*", "1.0.0-rc.1+x"] {
            assert!(parse_version_requirement(good).is_ok(), "{good}");
        }
        for bad in ["", "latest", "1\"", "1\n2"] {
            assert!(parse_version_requirement(bad).is_err(), "{bad}");
        }
    }
}
