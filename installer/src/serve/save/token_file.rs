//! The token that writers send, in a file that may be replaced while the server runs.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use actix_web::web;
use subtle::ConstantTimeEq;

use crate::exit::Failure;

/// A random token of this length cannot be guessed, whatever its alphabet is: in hexadecimal digits, it has 128 bits.
const MIN_TOKEN_CHARS: usize = 32;

/// Longer than any token, and short enough to be read for each.
const MAX_FILE_BYTES: u64 = 4096;

/// The file is read again this often at most, when a request needs it.
const CHECK_INTERVAL: Duration = Duration::from_secs(1);

/// Reading and writing for users who are neither the owner nor in the group.
const ACCESS_OF_OTHERS: u32 = 0o006;

pub(super) struct TokenFile {
    path: Arc<Path>,
    state: Mutex<State>,
}

struct State {
    checked_at: Instant,
    /// `Err` has the text of the failure that was logged.
    token: Result<Token, String>,
}

#[derive(Clone)]
struct Token(Arc<str>);

/// Why a request may not save.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Denial {
    /// It has another token.
    Wrong,
    /// The file has no usable token now.
    NoToken,
}

impl TokenFile {
    /// Reads the file. Fails if it has no usable token.
    pub(super) fn open(path: PathBuf) -> Result<Self, Failure> {
        let token = read(&path)?;
        Ok(Self {
            path: path.into(),
            state: Mutex::new(State {
                checked_at: Instant::now(),
                token: Ok(token),
            }),
        })
    }

    /// Compares the token of a request with that in the file, which is read again if it was read more than a second ago.
    pub(super) async fn check(&self, presented: &[u8]) -> Result<(), Denial> {
        if self.is_due() {
            let path = Arc::clone(&self.path);
            // A file system may be slow.
            if let Ok(read) = web::block(move || read(&path)).await {
                self.replace(read);
            }
        }
        match &self.lock().token {
            Ok(Token(token)) if bool::from(token.as_bytes().ct_eq(presented)) => Ok(()),
            Ok(_) => Err(Denial::Wrong),
            Err(_) => Err(Denial::NoToken),
        }
    }

    /// `true` for one of the requests that arrive together.
    fn is_due(&self) -> bool {
        let mut state = self.lock();
        let is_due = state.checked_at.elapsed() >= CHECK_INTERVAL;
        if is_due {
            state.checked_at = Instant::now();
        }
        is_due
    }

    fn replace(&self, read: Result<Token, Failure>) {
        let read = read.map_err(|failure| one_line(&failure));
        let mut state = self.lock();
        match (&read, &state.token) {
            (Err(text), former) if former.as_ref().err() != Some(text) => {
                log::error!("saves and revocations over HTTP are refused (503): {text}");
            }
            (Ok(_), Err(_)) => {
                log::info!("resolved: saves and revocations over HTTP are accepted again");
            }
            _ => {}
        }
        state.token = read;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Each change is a single step, so the state is valid even if another thread has panicked.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn one_line(failure: &Failure) -> String {
    let help = failure.help().unwrap_or_default();
    format!("{}; help: {help}", failure.message())
}

fn read(path: &Path) -> Result<Token, Failure> {
    let file = open(path)?;
    let found = file.metadata();
    let found = found.map_err(|error| Failure::io("read", path, &error))?;
    if !found.is_file() {
        return Err(unusable(path, "is not a regular file").with_help(how_to_create(path)));
    }
    check_access(path, &found)?;
    let mut text = Vec::new();
    let read = file.take(MAX_FILE_BYTES + 1).read_to_end(&mut text);
    read.map_err(|error| Failure::io("read", path, &error))?;
    parse(&text).map_err(|problem| unusable(path, &problem).with_help(how_to_create(path)))
}

/// A named pipe would have the server wait for a writer.
fn open(path: &Path) -> Result<File, Failure> {
    let flags = rustix::fs::OFlags::NONBLOCK | rustix::fs::OFlags::NOCTTY;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path);
    opened.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => unusable(path, "does not exist").with_help(how_to_create(path)),
        io::ErrorKind::PermissionDenied => {
            unusable(path, "cannot be read by the user of the server").with_help(format!(
                "make this user the owner of the file: chown USER '{}'",
                path.display()
            ))
        }
        _ => Failure::io("read", path, &error),
    })
}

fn check_access(path: &Path, found: &Metadata) -> Result<(), Failure> {
    if found.mode() & ACCESS_OF_OTHERS == 0 {
        return Ok(());
    }
    let mode = found.permissions().mode() & 0o7777;
    let problem = format!("can be used by every user of this machine (mode {mode:04o})");
    Err(unusable(path, &problem).with_help(format!("chmod 600 '{}'", path.display())))
}

/// The token in the first line, or what is wrong with the file.
fn parse(text: &[u8]) -> Result<Token, String> {
    if text.len() as u64 > MAX_FILE_BYTES {
        return Err(format!("has more than {MAX_FILE_BYTES} bytes"));
    }
    let line = text.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let token = line.trim_ascii();
    if text.trim_ascii().is_empty() {
        return Err("is empty".to_owned());
    }
    // The token must not be shown.
    let token = std::str::from_utf8(token)
        .ok()
        .filter(|token| token.bytes().all(|byte| byte.is_ascii_graphic()))
        .ok_or("has other characters in its first line than visible ASCII characters")?;
    if token.len() < MIN_TOKEN_CHARS {
        return Err(format!(
            "has {} characters in its first line, and a token needs {MIN_TOKEN_CHARS}",
            token.len()
        ));
    }
    Ok(Token(token.into()))
}

/// `problem` continues a sentence that starts with the file.
fn unusable(path: &Path, problem: &str) -> Failure {
    Failure::error(format!(
        "the token file {} (SSE_SAVE_TOKEN_FILE) {problem}",
        path.display()
    ))
}

fn how_to_create(path: &Path) -> String {
    format!(
        "create it with a random token: (umask 077; openssl rand -hex 32 > '{}')",
        path.display()
    )
}

#[cfg(test)]
mod tests {
    use std::fs::{self, Permissions};
    use std::process::Command;

    use super::*;

    const TOKEN: &str = "0123456789abcdef0123456789abcdef";

    struct Folder(tempfile::TempDir);

    impl Folder {
        fn new() -> Self {
            Self(tempfile::tempdir().expect("can create a temporary folder"))
        }

        fn path(&self) -> PathBuf {
            self.0.path().join("token")
        }

        fn write(&self, text: &[u8]) {
            let path = self.path();
            fs::write(&path, text).expect("can write the file");
            fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("can change the mode");
        }

        fn problem(&self) -> String {
            let failure = read(&self.path()).err().expect("it cannot be used");
            assert!(failure.help().is_some());
            assert!(!failure.to_string().contains(TOKEN), "{failure}");
            failure.to_string()
        }
    }

    #[test]
    fn the_first_line_is_the_token() {
        let folder = Folder::new();
        for text in [
            TOKEN.to_owned(),
            format!("{TOKEN}\n"),
            format!(" {TOKEN}\r\n# of the shop\n"),
        ] {
            folder.write(text.as_bytes());
            let Token(token) = read(&folder.path()).expect("it is a token");
            assert_eq!(&*token, TOKEN);
        }
    }

    #[test]
    fn a_file_without_a_usable_token_is_an_error_with_help() {
        let folder = Folder::new();
        assert!(folder.problem().contains("does not exist"));
        let long = "a".repeat(5_000);
        for (text, problem) in [
            ("", "is empty"),
            ("\n \n", "is empty"),
            (&TOKEN[1..], "has 31 characters"),
            ("\n0123456789abcdef0123456789abcdef", "has 0 characters"),
            ("0123456789abcdef 0123456789abcdef", "visible ASCII"),
            ("0123456789abcdef\u{e9}0123456789abcdef", "visible ASCII"),
            (&long, "more than 4096 bytes"),
        ] {
            folder.write(text.as_bytes());
            let found = folder.problem();
            assert!(found.contains(problem), "{text:?}: {found}");
            assert!(found.contains("openssl rand"), "{found}");
        }
        folder.write(TOKEN.as_bytes());
        for mode in [0o644, 0o602] {
            let mode = Permissions::from_mode(mode);
            fs::set_permissions(folder.path(), mode).expect("can change the mode");
            assert!(folder.problem().contains("chmod 600"));
        }
    }

    #[test]
    fn folders_and_named_pipes_are_errors_at_once() {
        let folder = Folder::new();
        fs::create_dir(folder.path()).expect("can create the folder");
        assert!(folder.problem().contains("not a regular file"));
        fs::remove_dir(folder.path()).expect("can remove the folder");
        let created = Command::new("mkfifo").arg(folder.path()).status();
        assert!(created.expect("mkfifo runs").success());
        assert!(folder.problem().contains("not a regular file"));
    }

    #[actix_web::test]
    async fn another_token_counts_after_the_interval() {
        let folder = Folder::new();
        folder.write(TOKEN.as_bytes());
        let file = TokenFile::open(folder.path()).expect("it is a token");
        let other = TOKEN.replace('0', "f");
        let let_the_interval_pass = || {
            let mut state = file.lock();
            state.checked_at = state
                .checked_at
                .checked_sub(CHECK_INTERVAL)
                .expect("it is later");
        };
        for wrong in ["", "0", &other, &format!("{TOKEN}0"), &TOKEN[1..]] {
            let denial = file.check(wrong.as_bytes()).await;
            assert_eq!(denial, Err(Denial::Wrong), "{wrong}");
        }
        folder.write(other.as_bytes());
        let_the_interval_pass();
        assert_eq!(file.check(other.as_bytes()).await, Ok(()));
        assert_eq!(file.check(TOKEN.as_bytes()).await, Err(Denial::Wrong));

        for unusable in [&b""[..], b"short"] {
            folder.write(unusable);
            let_the_interval_pass();
            let denial = file.check(other.as_bytes()).await;
            assert_eq!(denial, Err(Denial::NoToken));
            // It is not the token.
            let denial = file.check(unusable).await;
            assert_eq!(denial, Err(Denial::NoToken));
        }
        fs::remove_file(folder.path()).expect("can remove the file");
        let_the_interval_pass();
        let denial = file.check(other.as_bytes()).await;
        assert_eq!(denial, Err(Denial::NoToken));

        folder.write(TOKEN.as_bytes());
        let_the_interval_pass();
        assert_eq!(file.check(TOKEN.as_bytes()).await, Ok(()));
    }
}
