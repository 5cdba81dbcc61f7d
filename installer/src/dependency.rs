//! What `install` writes into `[dependencies]`: the library, and where it comes from.

/// The library's package.
pub(crate) const PACKAGE: &str = "actix-web-sse";

/// Where the dependency comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Path(String),
    Version(String),
    /// The workspace's own entry, by its key; some need the HTTP side switched on.
    Workspace {
        key: String,
        needs_feature: bool,
    },
}

impl Source {
    /// The name that the app's manifest knows the library by.
    pub(crate) fn key(&self) -> &str {
        match self {
            Self::Workspace { key, .. } => key,
            Self::Path(_) | Self::Version(_) => PACKAGE,
        }
    }

    /// The entry's fields, for a table of its own.
    pub(crate) fn fields(&self) -> Vec<String> {
        match self {
            Self::Path(path) => vec![format!("path = {}", quoted(path))],
            Self::Version(version) => vec![format!("version = {}", quoted(version))],
            Self::Workspace {
                needs_feature: false,
                ..
            } => vec!["workspace = true".to_owned()],
            Self::Workspace {
                needs_feature: true,
                ..
            } => {
                vec![
                    "workspace = true".to_owned(),
                    "features = [\"actix\"]".to_owned(),
                ]
            }
        }
    }

    /// The entry as one line of `[dependencies]`.
    pub(crate) fn line(&self) -> String {
        let key = self.key();
        match self {
            Self::Version(version) => format!("{key} = {}", quoted(version)),
            Self::Path(_) | Self::Workspace { .. } => {
                format!("{key} = {{ {} }}", self.fields().join(", "))
            }
        }
    }
}

fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            c if c.is_control() => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
            c => quoted.push(c),
        }
    }
    quoted.push('"');
    quoted
}
