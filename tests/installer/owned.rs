//! Apps with files of their owner: everything that an installer could damage, and exact snapshots of
//! it.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt, symlink},
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use crate::hello::sse_in;

/// What a run says that has failed and taken everything back.
pub(crate) const AS_BEFORE: &str = "all changes were undone";

/// A file, folder or link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Item {
    contents: Contents,
    mode: u32,
    owner: (u32, u32),
    /// The first path of the same file: this one, unless the file has several names.
    file: PathBuf,
}

#[derive(Clone, PartialEq, Eq)]
enum Contents {
    Folder,
    File(Vec<u8>),
    Link(PathBuf),
    Other,
}

/// Everything below a folder, by relative path.
#[derive(Clone, Default, PartialEq, Eq)]
pub(crate) struct Snapshot(BTreeMap<PathBuf, Item>);

/// An app in a temporary folder.
pub(crate) struct Owned {
    dir: TempDir,
}

/// Adds the owner's files to a minimal app.
pub(crate) type Make = fn(&Path);

/// Apps in which `install` and `uninstall` take different steps, each with its name.
pub(crate) const APPS: [(&str, Make); 6] = [
    ("no .env", |_| {}),
    (
        "a secret .env with CRLF and without a final newline",
        |dir| {
            write(dir, ".env", "SECRET=1\r\nSSE_EVENTS=order:orders\r\nB=2");
            set_mode(dir, ".env", 0o600);
            write(dir, "Cargo.toml", &CARGO_TOML.replace('\n', "\r\n"));
        },
    ),
    ("listeners of its own", |dir| {
        write(dir, ".env", "");
        write(dir, "public/js/sse-client.js", "// mine\n");
        write(dir, "public/index.html", "<p>");
        set_mode(dir, "public/js", 0o750);
    }),
    (".env behind a relative symbolic link", |dir| {
        write(dir, "config/app.env", "A=1\n");
        set_mode(dir, "config/app.env", 0o640);
        symlink("config/app.env", dir.join(".env")).unwrap();
        write(dir, "public/logo.svg", "<svg/>");
    }),
    ("hard-linked files", |dir| {
        fs::create_dir(dir.join("shared")).unwrap();
        write(dir, ".env", "A=1\n");
        for name in [".env", "Cargo.toml", "src/main.rs"] {
            let twin = name.replace('/', "-");
            fs::hard_link(dir.join(name), dir.join("shared").join(twin)).unwrap();
        }
    }),
    ("an .env that is installed and an app that is not", |dir| {
        write(dir, ".env", ALL_KEYS);
        write(dir, "Cargo.toml", DEPENDS);
    }),
];

const CARGO_TOML: &str = "[package]
name = \"owned\"
version = \"0.1.0\"
edition = \"2024\"

[dependencies]
actix-web = \"4\" # the web

[profile.release]
lto = true
";

const DEPENDS: &str = "[package]
name = \"owned\"
version = \"0.1.0\"

[dependencies]
actix-web-sse = \"0.1\"
";

const ALL_KEYS: &str = "SSE_STREAM_DURATION=300\nSSE_POLL_INTERVAL=1\nSSE_EVENTS=a:b\n";

const MAIN_RS: &str = "use actix_web::{App, HttpServer};

#[actix_web::main]
async fn main() -> std::io::Result<()> {
    HttpServer::new(|| App::new()).bind((\"127.0.0.1\", 8080))?.run().await
}
";

impl Owned {
    pub(crate) fn new(make: Make) -> Self {
        Self::new_in(&std::env::temp_dir(), make)
    }

    /// The app in a new folder inside this one.
    pub(crate) fn new_in(folder: &Path, make: Make) -> Self {
        let dir = tempfile::tempdir_in(folder).unwrap();
        write(dir.path(), "Cargo.toml", CARGO_TOML);
        write(dir.path(), "src/main.rs", MAIN_RS);
        make(dir.path());
        Self { dir }
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Lets every user read and write every file.
    pub(crate) fn make_world_writable(&self) {
        let mut paths: Vec<_> = self.snapshot().0.into_keys().collect();
        paths.push(PathBuf::new());
        for path in paths {
            let path = self.path().join(path);
            let mode = if path.is_dir() { 0o777 } else { 0o666 };
            fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
        }
    }

    pub(crate) fn snapshot(&self) -> Snapshot {
        let mut snapshot = Snapshot::default();
        let mut files = BTreeMap::new();
        snapshot.take(self.path(), Path::new(""), &mut files);
        snapshot
    }
}

impl Snapshot {
    fn take(&mut self, root: &Path, below: &Path, files: &mut BTreeMap<(u64, u64), PathBuf>) {
        let mut names: Vec<_> = fs::read_dir(root.join(below))
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        names.sort();
        for name in names {
            let path = below.join(name);
            let full = root.join(&path);
            let metadata = fs::symlink_metadata(&full).unwrap();
            let contents = if metadata.is_symlink() {
                Contents::Link(fs::read_link(&full).unwrap())
            } else if metadata.is_dir() {
                Contents::Folder
            } else if metadata.is_file() {
                Contents::File(fs::read(&full).unwrap())
            } else {
                Contents::Other
            };
            let file = files
                .entry((metadata.dev(), metadata.ino()))
                .or_insert_with(|| path.clone());
            let item = Item {
                contents,
                mode: metadata.mode(),
                owner: (metadata.uid(), metadata.gid()),
                file: file.clone(),
            };
            self.0.insert(path.clone(), item);
            if metadata.is_dir() {
                self.take(root, &path, files);
            }
        }
    }

    /// Without temporary files that `sse` could not remove.
    pub(crate) fn without_leftovers(mut self) -> Self {
        self.0.retain(|path, _| {
            let name = path.file_name().unwrap().to_str().unwrap();
            !(name.starts_with(".sse-") && name.ends_with(".tmp"))
        });
        self
    }

    /// The differences from `other`, one line for each path.
    pub(crate) fn differences(&self, other: &Self) -> Vec<String> {
        let paths = self.0.keys().chain(other.0.keys());
        let mut paths: Vec<_> = paths
            .filter(|path| self.0.get(*path) != other.0.get(*path))
            .collect();
        paths.sort();
        paths.dedup();
        let shown = |snapshot: &Self, path| {
            let item = snapshot.0.get(path);
            let shown = item.map_or_else(|| "nothing".to_owned(), |item| format!("{item:?}"));
            shown.chars().take(400).collect::<String>()
        };
        paths
            .into_iter()
            .map(|path| {
                format!(
                    "{}: {} instead of {}",
                    path.display(),
                    shown(self, path),
                    shown(other, path)
                )
            })
            .collect()
    }
}

impl std::fmt::Debug for Contents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder => f.write_str("a folder"),
            Self::File(bytes) => write!(f, "{:?}", String::from_utf8_lossy(bytes)),
            Self::Other => f.write_str("something else"),
            Self::Link(target) => write!(f, "a link to {}", target.display()),
        }
    }
}

/// The app before and after an installation.
pub(crate) fn snapshots(make: Make) -> (Snapshot, Snapshot) {
    let app = Owned::new(make);
    let before = app.snapshot();
    run(&app, "install").unwrap();
    let installed = app.snapshot();
    assert_ne!(installed.differences(&before), [""; 0]);
    run(&app, "uninstall").unwrap();
    assert_eq!(app.snapshot().differences(&before), [""; 0]);
    (before, installed)
}

/// Runs `sse` in the app.
pub(crate) fn run(app: &Owned, command: &str) -> Result<(), String> {
    let ran = sse_in(app.path(), &[command]);
    if ran.code == 0 {
        Ok(())
    } else {
        Err(format!("{command} exits with {}: {}", ran.code, ran.err))
    }
}

/// Compares the app with a snapshot.
pub(crate) fn compare(app: &Owned, expected: &Snapshot) -> Result<(), String> {
    let differences = app.snapshot().differences(expected);
    if differences.is_empty() {
        Ok(())
    } else {
        Err(differences.join("\n    "))
    }
}

fn write(dir: &Path, name: &str, contents: &str) {
    let path = dir.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, contents).unwrap();
}

fn set_mode(dir: &Path, name: &str, mode: u32) {
    fs::set_permissions(dir.join(name), fs::Permissions::from_mode(mode)).unwrap();
}
