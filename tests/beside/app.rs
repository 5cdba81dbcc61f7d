//! An app in another language.

use std::{
    fs::{self, OpenOptions},
    io::Write,
    path::{Path, PathBuf},
};

use support::{PhpFpm, block_of_document, workspace};

use crate::{express::Node, site::PHP_USER};

pub(crate) struct App {
    /// Writes its code into a folder that has a `.env` and `writable/cache`.
    pub(crate) write: fn(&Path, &Settings),
    pub(crate) language: Language,
    /// The program of its command line.
    pub(crate) command: Option<&'static str>,
    /// The folder with the files of its sessions.
    pub(crate) sessions: Option<&'static str>,
    /// What `sse install` needs to know, unless it recognises the app.
    pub(crate) install_options: &'static [&'static str],
}

/// For an app that `sse install` does not recognise.
pub(crate) const INSTALL_OPTIONS: &[&str] = &["--public", "public", "--cache", "writable/cache"];

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Language {
    Php,
    JavaScript,
}

/// What an app needs to know of its surroundings.
pub(crate) struct Settings {
    #[cfg_attr(
        not(feature = "codeigniter"),
        expect(dead_code, reason = "only CodeIgniter is told its address")
    )]
    pub(crate) url: String,
    /// What its cache puts in front of each key in the names of its files.
    pub(crate) prefix: &'static str,
    /// The address of `sse serve`.
    pub(crate) server: String,
    pub(crate) token_file: PathBuf,
}

impl Settings {
    /// Code of docs/guides/authorize-streams.md, as a user adapts it.
    pub(crate) fn adapt(&self, code: &str) -> String {
        code.replace("127.0.0.1:8090", &self.server)
            .replace("/etc/sse/token", self.token_file.to_str().unwrap())
    }

    /// The code block in this language below this heading of docs/guides/authorize-streams.md that contains a text.
    pub(crate) fn block(&self, heading: &str, language: &str, part: &str) -> String {
        let blocks = support::blocks_of_document(GUIDE, heading, language);
        let mut found = blocks.iter().filter(|block| block.contains(part));
        let block = found
            .next()
            .unwrap_or_else(|| panic!("{part} in {heading}"));
        assert_eq!(found.next(), None, "{part} in {heading}");
        self.adapt(block)
    }

    /// The guide's functions that call `sse serve`.
    pub(crate) fn php_functions(&self) -> String {
        self.adapt(&block_of_document(GUIDE, "Save and log out", "php"))
    }
}

pub(crate) const GUIDE: &str = "guides/authorize-streams.md";

/// The processes of an app. They end when this is dropped.
pub(crate) enum Processes {
    Php(PhpFpm),
    JavaScript(Node),
}

impl Processes {
    /// `port` is that of an app which listens itself.
    pub(crate) fn start(language: Language, dir: &Path, port: u16) -> Self {
        match language {
            Language::Php => Self::Php(PhpFpm::start(dir, PHP_USER)),
            Language::JavaScript => Self::JavaScript(Node::start(dir, port)),
        }
    }

    /// What nginx needs for the app's pages, in a `server` block.
    pub(crate) fn nginx_lines(&self, dir: &Path) -> String {
        match self {
            Self::Php(php) => php.nginx_lines(dir),
            Self::JavaScript(node) => format!(
                "root {}/public; types {{ text/javascript js; }}
                location / {{ proxy_pass http://{}; }} location /js/ {{ }}",
                dir.display(),
                node.address()
            ),
        }
    }

    /// nginx's `server` block that answers the questions of `sse serve`, if the app does not listen itself.
    pub(crate) fn nginx_server(&self, dir: &Path, address: &str) -> String {
        let Self::Php(php) = self else {
            return String::new();
        };
        block_of_document(GUIDE, "Set it up", "nginx")
            .replace("127.0.0.1:8092", address)
            .replace("/var/www/shop", dir.to_str().unwrap())
            .replace("unix:/run/php/php-fpm.sock", &php.address())
    }

    pub(crate) fn log(&self) -> String {
        match self {
            Self::Php(php) => php.log(),
            Self::JavaScript(node) => node.log(),
        }
    }
}

/// Copies a file of this folder, and creates the folder for it.
pub(crate) fn copy_source(file: &str, to: &Path) {
    write_file(to, &read_source(file));
}

/// A file of this folder.
pub(crate) fn read_source(file: &str) -> String {
    fs::read_to_string(workspace().join("tests/beside").join(file)).unwrap()
}

/// Writes a file, and creates the folder for it.
pub(crate) fn write_file(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

pub(crate) fn append(path: &Path, text: &str) {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).open(path).unwrap();
    file.write_all(text.as_bytes()).unwrap();
}

/// Replaces a text that the file contains once.
pub(crate) fn edit(path: &Path, from: &str, to: &str) {
    let text = fs::read_to_string(path).unwrap();
    assert_eq!(
        text.matches(from).count(),
        1,
        "{from} in {}",
        path.display()
    );
    fs::write(path, text.replace(from, to)).unwrap();
}
