//! The configuration of CodeIgniter's cache, as far as its files show it.

use std::fs;
use std::path::{Component, Path, PathBuf};

use actix_web_sse::cli_support::EnvFile;

use super::php::{self, PhpCode, Token};
use crate::editing::source_reader;

const CONFIG_FOLDER: &str = "app/Config";
/// Below the app's folder.
pub(crate) const CACHE_FILE: &str = "app/Config/Cache.php";
const PATHS_FILE: &str = "app/Config/Paths.php";

/// The handler whose values are files.
pub(super) const FILE_HANDLER: &str = "file";

/// CodeIgniter's own default.
const DEFAULT_FOLDER: &str = "writable/cache";

/// One value of the configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found<T> {
    /// `None` if PHP computes it.
    pub(crate) value: Option<T>,
    /// The file that sets it, possibly with the line, to continue a sentence.
    pub(crate) source: String,
}

/// What matters for the drop-ins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CacheConfig {
    pub(crate) handler: Found<String>,
    /// Begins the name of each file.
    pub(crate) prefix: Found<String>,
    /// The folder of the files; relative if it is below the app's folder.
    pub(crate) folder: Found<PathBuf>,
}

impl CacheConfig {
    /// The configuration of the app in `app`, whose `.env` overrides its code.
    pub(crate) fn read(app: &Path, env: &EnvFile) -> Self {
        let reader = Reader {
            app,
            env,
            code: read_code(&app.join(CACHE_FILE)),
        };
        Self {
            handler: reader.text("handler", FILE_HANDLER),
            prefix: reader.text("prefix", ""),
            folder: reader.folder(),
        }
    }
}

struct Reader<'a> {
    app: &'a Path,
    env: &'a EnvFile,
    code: PhpCode,
}

impl Reader<'_> {
    fn text(&self, property: &str, default: &str) -> Found<String> {
        if let Some(found) = self.in_env(property) {
            return found;
        }
        Found {
            value: match self.code.property(property) {
                Some(value) => php::text(value, &|_| None),
                None => Some(default.to_owned()),
            },
            source: CACHE_FILE.to_owned(),
        }
    }

    /// As CodeIgniter looks a property up in the environment.
    fn in_env(&self, property: &str) -> Option<Found<String>> {
        let names = [
            format!("cache.{property}"),
            format!("cache_{}", property.replace('.', "_")),
        ];
        let (line, value) = names.iter().find_map(|name| self.env.get(name))?;
        Some(Found {
            value: Some(value.trim_matches(['\'', '"']).to_owned()),
            source: format!(".env line {line}"),
        })
    }

    fn folder(&self) -> Found<PathBuf> {
        let options = self.code.property("file");
        // Only versions without `$file` have `$storePath`.
        let (name, value) = match options {
            Some(options @ [Token::Computed]) => ("file.storePath", Some(options)),
            Some(options) => ("file.storePath", php::element(options, "storePath")),
            None => ("storePath", self.code.property("storePath")),
        };
        let (text, source) = match self.in_env(name) {
            Some(found) => (found.value, found.source),
            None => (self.path_text(value), CACHE_FILE.to_owned()),
        };
        // A relative path depends on the folder in which PHP runs.
        let path = text.map(|text| match text.is_empty() {
            true => self.writable_folder().map(|folder| folder.join("cache")),
            false => Some(PathBuf::from(text)).filter(|path| path.is_absolute()),
        });
        Found {
            value: path.flatten().map(|path| self.below_app(&normalize(&path))),
            source,
        }
    }

    /// The path in the code. Empty for CodeIgniter's default.
    fn path_text(&self, value: Option<&[Token]>) -> Option<String> {
        let Some(value) = value else {
            return Some(String::new());
        };
        php::text(value, &|name| self.constant(name))
    }

    fn constant(&self, name: &str) -> Option<String> {
        let folder = match name {
            "WRITEPATH" => self.writable_folder()?,
            "ROOTPATH" => self.root(),
            "APPPATH" => self.root().join("app"),
            "__DIR__" => return path_text(self.root().join(CONFIG_FOLDER)),
            "DIRECTORY_SEPARATOR" => return Some("/".to_owned()),
            _ => return None,
        };
        path_text(folder).map(|path| path + "/")
    }

    /// CodeIgniter's `WRITEPATH`.
    fn writable_folder(&self) -> Option<PathBuf> {
        let code = read_code(&self.app.join(PATHS_FILE));
        let Some(value) = code.property("writableDirectory") else {
            return Some(self.root().join("writable"));
        };
        let directory = path_text(self.root().join(CONFIG_FOLDER))?;
        let path = php::text(value, &|name| {
            (name == "__DIR__").then(|| directory.clone())
        })?;
        let path = normalize(Path::new(&path));
        // As `realpath` in CodeIgniter.
        path.is_absolute()
            .then(|| fs::canonicalize(&path).unwrap_or(path))
    }

    /// As PHP sees it, which resolves links.
    fn root(&self) -> PathBuf {
        fs::canonicalize(self.app).unwrap_or_else(|_| self.app.to_owned())
    }

    fn below_app(&self, path: &Path) -> PathBuf {
        let below = path
            .strip_prefix(self.root())
            .or_else(|_| path.strip_prefix(self.app));
        below.unwrap_or(path).to_owned()
    }
}

/// No code if the file cannot be read: then the defaults count.
fn read_code(path: &Path) -> PhpCode {
    let bytes = source_reader::read(path).unwrap_or_default();
    PhpCode::parse(&String::from_utf8_lossy(&bytes))
}

fn path_text(path: PathBuf) -> Option<String> {
    path.into_os_string().into_string().ok()
}

/// The path without `.` and `..`, as its text says.
fn normalize(path: &Path) -> PathBuf {
    let mut normal = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => {
                normal.pop();
            }
            other => normal.push(other),
        }
    }
    normal
}

impl Found<PathBuf> {
    /// Whether it is where the library looks without `SSE_CACHE`.
    pub(crate) fn is_default(&self) -> bool {
        self.value.as_deref() == Some(Path::new(DEFAULT_FOLDER))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(files: &[(&str, &str)], env: &str) -> (CacheConfig, PathBuf) {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let app = app.path().canonicalize().expect("it exists");
        for (name, contents) in files {
            let path = app.join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("can create the folder");
            fs::write(path, format!("<?php\nclass A {{\n{contents}\n}}"))
                .expect("can write the file");
        }
        (CacheConfig::read(&app, &EnvFile::new(env.into())), app)
    }

    fn prefix(code: &str, env: &str) -> (Option<String>, String) {
        let prefix = read(&[(CACHE_FILE, code)], env).0.prefix;
        (prefix.value, prefix.source)
    }

    fn folder(code: &str, env: &str) -> Option<PathBuf> {
        read(&[(CACHE_FILE, code)], env).0.folder.value
    }

    #[test]
    fn without_files_the_defaults_count() {
        let (config, _) = read(&[], "");
        assert_eq!(config.handler.value.as_deref(), Some("file"));
        assert_eq!(config.prefix.value.as_deref(), Some(""));
        assert!(config.folder.is_default());
    }

    #[test]
    fn the_environment_overrides_the_code() {
        let code = "public string $prefix = 'code_';";
        let found = |value: &str, source: &str| (Some(value.to_owned()), source.to_owned());
        assert_eq!(prefix(code, ""), found("code_", CACHE_FILE));
        for (env, value) in [
            ("A=1\ncache.prefix = env_\n", "env_"),
            ("A=1\ncache.prefix = 'env_'\n", "env_"),
            ("A=1\ncache.prefix=\"\"\n", ""),
            ("A=1\ncache_prefix=env_\n", "env_"),
            ("A=1\ncache.prefix = env_ # mine\n", "env_"),
        ] {
            assert_eq!(prefix(code, env), found(value, ".env line 2"), "{env}");
        }
        assert_eq!(
            prefix(code, "# cache.prefix = no\n"),
            found("code_", CACHE_FILE)
        );
        assert_eq!(
            prefix("public $prefix = PREFIX;", ""),
            (None, CACHE_FILE.to_owned())
        );
        let (config, _) = read(&[(CACHE_FILE, code)], "cache.handler = redis\n");
        assert_eq!(config.handler.value.as_deref(), Some("redis"));
    }

    #[test]
    fn the_folder_is_that_of_the_file_handler() {
        for (code, env, expected) in [
            (
                "public array $file = ['storePath' => WRITEPATH . 'cache/', 'mode' => 0640];",
                "",
                "writable/cache",
            ),
            (
                "public array $file = ['mode' => 0640];",
                "",
                "writable/cache",
            ),
            (
                "public array $file = ['storePath' => ''];",
                "",
                "writable/cache",
            ),
            (
                "public array $file = ['storePath' => ROOTPATH . 'var//data/'];",
                "",
                "var/data",
            ),
            (
                "public array $file = ['storePath' => __DIR__ . '/../../tmp'];",
                "",
                "tmp",
            ),
            (
                "public array $file = ['storePath' => '/srv/cache/'];",
                "",
                "/srv/cache",
            ),
            (
                "public array $file = ['storePath' => '/a'];",
                "cache.file.storePath = /b/c\n",
                "/b/c",
            ),
            (
                "public $storePath = WRITEPATH . 'old/';",
                "",
                "writable/old",
            ),
            (
                "public $storePath = '/a';",
                "cache.storePath = '/b'\n",
                "/b",
            ),
            (
                "public array $file = ['storePath' => '/a']; public $storePath = '/b';",
                "cache.storePath = /c\n",
                "/a",
            ),
        ] {
            assert_eq!(
                folder(code, env).as_deref(),
                Some(Path::new(expected)),
                "{code} {env}"
            );
        }
        for code in [
            "public array $file = ['storePath' => 'cache/'];",
            "public array $file = ['storePath' => FCPATH . 'cache/'];",
            "public array $file = ['storePath' => env('X')];",
        ] {
            assert_eq!(folder(code, ""), None, "{code}");
        }
    }

    #[test]
    fn the_writable_folder_can_be_elsewhere() {
        let with_paths = |code: &str| {
            let (config, app) = read(&[(PATHS_FILE, code)], "");
            let folder = config
                .folder
                .value
                .map(|folder| app.parent().expect("one").join(folder));
            folder.map(|folder| {
                folder
                    .strip_prefix(app.parent().expect("one"))
                    .map_or(folder.clone(), Path::to_owned)
            })
        };
        let writable =
            |value: &str| with_paths(&format!("public string $writableDirectory = {value};"));
        assert_eq!(
            writable("__DIR__ . '/../../data'"),
            Some("data/cache".into())
        );
        assert_eq!(
            writable("'/srv/writable/'"),
            Some("/srv/writable/cache".into())
        );
        assert_eq!(
            writable("__DIR__ . '/../../../shared'"),
            Some("shared/cache".into())
        );
        assert_eq!(writable("getenv('X')"), None);
        assert_eq!(writable("'writable'"), None);
    }
}
