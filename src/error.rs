//! The library's error type: what is wrong, where, and what to do about it.

use std::{
    error::Error as StdError,
    fmt::{self, Display},
    path::{Path, PathBuf},
    sync::Arc,
};

use rustix::io::Errno;

/// The kind of an [`Error`], for code that reacts to some kinds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The configuration cannot be used.
    Config,
    /// A cache key is not valid.
    Key,
    /// A value cannot be saved, because it cannot be written as JSON or is too large, or its trace context is not valid;
    /// or a saved value does not have the requested type.
    Value,
    /// The name of an audience is not valid, a list of audiences is empty or too long, or a private key is saved
    /// without an audience.
    Audience,
    /// The cache cannot be read or written: the folder, or Redis.
    Cache,
    /// The query of a request for a stream cannot be parsed, its list of events is empty or contains an
    /// unknown event, or it asks for an audience whose name is not valid; or the request's `Host` is
    /// invalid; or a text is not an [`EventId`](crate::EventId).
    Request,
    /// The limit of open streams is reached: of the configuration, of one address, or of open files.
    Busy,
    /// A request is for a host that this server does not answer for.
    Host,
    /// A client may not have the stream: it asks for audiences that the app has not granted, its
    /// authorization has expired, or a page of another site made the request.
    Forbidden,
}

/// An error of this library.
///
/// Its text says what is wrong, [`location`](Error::location) where, and [`help`](Error::help) what to
/// do about it. `{error}` shows the text with the location, and `{error:?}` adds the help: a `main` that
/// returns the error prints all of it.
///
/// It is cheap to clone, so that one failed start can answer many requests. With the feature `actix`,
/// it implements `ResponseError`, so `?` works in handlers.
#[derive(Clone)]
pub struct Error {
    inner: Arc<Inner>,
}

#[derive(Clone)]
struct Inner {
    kind: ErrorKind,
    message: String,
    location: Option<Location>,
    help: Option<String>,
    source: Option<Arc<dyn StdError + Send + Sync>>,
    repetition: Repetition,
}

/// What a repetition of the operation that has failed would do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Repetition {
    /// Fail again, as long as the cause is there.
    FailsAgain,
    /// It may succeed soon: a server is away for a moment.
    #[cfg(feature = "redis")]
    MaySucceed,
    /// It may have been done, and would be done twice.
    #[cfg(feature = "redis")]
    MayDouble,
}

/// The file that an [`Error`] is about, and the line if it is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    path: PathBuf,
    line: Option<usize>,
}

impl Location {
    pub(crate) fn file(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            line: None,
        }
    }

    pub(crate) fn line(path: impl Into<PathBuf>, line: usize) -> Self {
        Self {
            path: path.into(),
            line: Some(line),
        }
    }

    /// Without the folders before the file, for visitors of the app.
    pub(crate) fn without_folders(&self) -> Self {
        Self {
            path: self.path.file_name().unwrap_or_default().into(),
            line: self.line,
        }
    }

    /// Returns the path of the file or folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the number of the line, counted from 1; `None` if it is not known.
    #[must_use]
    pub fn line_number(&self) -> Option<usize> {
        self.line
    }
}

impl Display for Location {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&one_line(&self.path.to_string_lossy()))?;
        match self.line {
            Some(line) => write!(f, ":{line}"),
            None => Ok(()),
        }
    }
}

/// What names the folder, where an error does not tell whether it has the journal or only drop-ins.
pub(crate) const FOLDER_SETTING: &str = "SSE_CACHE (SSE_DROP_INS beside a cache in Redis)";

impl Error {
    pub(crate) fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Self {
            inner: Arc::new(Inner {
                kind,
                message: one_line(&message.into()),
                location: None,
                help: None,
                source: None,
                repetition: Repetition::FailsAgain,
            }),
        }
    }

    /// A failed operation on the cache's files. `operation` continues "cannot", as in "read the entry".
    pub(crate) fn io(operation: &str, path: &Path, source: std::io::Error) -> Self {
        let help = match source.kind() {
            std::io::ErrorKind::PermissionDenied => Some(format!(
                "give this program's user read and write permission (chown or chmod), or set {FOLDER_SETTING} to another folder"
            )),
            std::io::ErrorKind::ReadOnlyFilesystem => Some(format!(
                "set {FOLDER_SETTING} to a folder on a writable file system"
            )),
            std::io::ErrorKind::NotADirectory | std::io::ErrorKind::AlreadyExists => Some(format!(
                "a file or a symbolic link is in the way: move it, or set {FOLDER_SETTING} to another folder"
            )),
            std::io::ErrorKind::StorageFull => Some("free some space on that file system".into()),
            _ if is_out_of_descriptors(&source) => Some(
                "raise the limit of open files (`ulimit -n`), or lower SSE_MAX_CONNECTIONS".into(),
            ),
            _ => None,
        };
        let error = Self::new(ErrorKind::Cache, format!("cannot {operation}: {source}"))
            .with_location(Location::file(path))
            .caused_by(source);
        match help {
            Some(help) => error.with_help(help),
            None => error,
        }
    }

    pub(crate) fn with_location(mut self, location: Location) -> Self {
        Arc::make_mut(&mut self.inner).location = Some(location);
        self
    }

    pub(crate) fn with_help(mut self, help: impl Into<String>) -> Self {
        Arc::make_mut(&mut self.inner).help = Some(one_line(&help.into()));
        self
    }

    pub(crate) fn caused_by(mut self, source: impl StdError + Send + Sync + 'static) -> Self {
        Arc::make_mut(&mut self.inner).source = Some(Arc::new(source));
        self
    }

    /// Marks the error of an operation that may have been done, so that nothing repeats it.
    #[cfg(feature = "redis")]
    pub(crate) fn may_be_done(mut self) -> Self {
        Arc::make_mut(&mut self.inner).repetition = Repetition::MayDouble;
        self
    }

    /// Marks the error of an operation that may succeed soon.
    #[cfg(feature = "redis")]
    pub(crate) fn temporary(mut self) -> Self {
        Arc::make_mut(&mut self.inner).repetition = Repetition::MaySucceed;
        self
    }

    /// Whether a repetition could do it twice.
    pub(crate) fn must_not_be_repeated(&self) -> bool {
        match self.inner.repetition {
            Repetition::FailsAgain => false,
            #[cfg(feature = "redis")]
            repetition => repetition == Repetition::MayDouble,
        }
    }

    /// Whether a repetition may succeed soon.
    pub(crate) fn is_temporary(&self) -> bool {
        match self.inner.repetition {
            Repetition::FailsAgain => false,
            #[cfg(feature = "redis")]
            repetition => repetition == Repetition::MaySucceed,
        }
    }

    /// Whether a file or folder does not exist.
    pub(crate) fn is_not_found(&self) -> bool {
        self.io_kind() == Some(std::io::ErrorKind::NotFound)
    }

    /// Whether the system denied permission.
    pub(crate) fn is_permission_denied(&self) -> bool {
        self.io_kind() == Some(std::io::ErrorKind::PermissionDenied)
    }

    /// What the system answered, if the process or the machine has no free file descriptor.
    pub(crate) fn shortage_of_descriptors(&self) -> Option<std::io::Error> {
        let shortage = self
            .io_source()
            .filter(|source| is_out_of_descriptors(source))?;
        shortage
            .raw_os_error()
            .map(std::io::Error::from_raw_os_error)
    }

    fn io_kind(&self) -> Option<std::io::ErrorKind> {
        self.io_source().map(std::io::Error::kind)
    }

    fn io_source(&self) -> Option<&std::io::Error> {
        self.inner.source.as_deref()?.downcast_ref()
    }

    /// Returns the kind of the error.
    #[must_use]
    pub fn kind(&self) -> ErrorKind {
        self.inner.kind
    }

    /// Returns the file and line that the error is about, if there is one.
    #[must_use]
    pub fn location(&self) -> Option<&Location> {
        self.inner.location.as_ref()
    }

    /// Returns what to do about the error, if that is known.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.inner.help.as_deref()
    }

    /// What is wrong, without the location.
    pub(crate) fn message(&self) -> &str {
        &self.inner.message
    }
}

impl Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())?;
        match &self.inner.location {
            Some(location) => write!(f, " ({location})"),
            None => Ok(()),
        }
    }
}

/// For people, because Rust prints an error in this way if `main` returns it.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")?;
        match self.help() {
            Some(help) => write!(f, "\nhelp: {help}"),
            None => Ok(()),
        }
    }
}

impl StdError for Error {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.inner
            .source
            .as_ref()
            .map(|source| &**source as &(dyn StdError + 'static))
    }
}

/// Escapes control characters in text from outside. A line end could forge a line in the log, and an
/// escape character could control the terminal.
#[must_use]
pub fn one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        if is_control(c) {
            line.extend(c.escape_default());
        } else {
            line.push(c);
        }
    }
    line
}

/// Whether a terminal or an editor may obey the character: a control character, or one that ends a line or
/// shows the text after it from right to left.
#[must_use]
pub fn is_control(c: char) -> bool {
    c.is_control() || matches!(c, '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The beginning of a text from outside, for a message. Clients can send 100 KB in a URL.
pub(crate) fn excerpt(text: &str) -> String {
    /// Longer than the names of an app, and short enough for a line of a log.
    const MAX_EXCERPT_CHARS: usize = 200;
    match text.char_indices().nth(MAX_EXCERPT_CHARS) {
        Some((end, _)) => format!("{}\u{2026}", &text[..end]),
        None => text.to_owned(),
    }
}

pub(crate) fn is_out_of_descriptors(error: &std::io::Error) -> bool {
    matches!(
        Errno::from_io_error(error),
        Some(Errno::MFILE | Errno::NFILE)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_excerpt_is_short_and_keeps_short_text() {
        assert_eq!(excerpt("caf\u{e9}"), "caf\u{e9}");
        let long = excerpt(&"\u{e9}".repeat(60_000));
        assert_eq!(long, "\u{e9}".repeat(200) + "\u{2026}");
    }

    #[test]
    fn help_for_one_clone_is_not_lost_and_does_not_change_the_other() {
        let error = Error::new(ErrorKind::Cache, "full");
        let helped = error.clone().with_help("free some space");
        assert_eq!(helped.help(), Some("free some space"));
        assert_eq!(error.help(), None);
    }

    /// `main` shows the error that it returns in this way, and `unwrap` the one that it meets.
    #[test]
    fn the_debug_text_is_the_message_with_the_location_and_the_help() {
        let error = Error::new(ErrorKind::Config, "SSE_TTL is empty");
        assert_eq!(format!("{error:?}"), "SSE_TTL is empty");
        let error = error
            .with_location(Location::line("/app/.env", 3))
            .with_help("remove the line");
        let text = "SSE_TTL is empty (/app/.env:3)\nhelp: remove the line";
        assert_eq!(format!("{error:?}"), text);
        assert_eq!(format!("{error:#?}"), text);
    }

    #[test]
    fn control_characters_from_outside_are_escaped() {
        let error = Error::new(ErrorKind::Config, "has `a\r\n[ERROR] \u{1b}[31m\u{85}`")
            .with_location(Location::line("/app\n/.env", 3))
            .with_help("not\0so");
        assert_eq!(
            error.to_string(),
            "has `a\\r\\n[ERROR] \\u{1b}[31m\\u{85}` (/app\\n/.env:3)"
        );
        assert_eq!(error.help(), Some("not\\u{0}so"));
        assert_eq!(one_line("a\u{202e}b\u{2028}"), "a\\u{202e}b\\u{2028}");
        assert_eq!(one_line("caf\u{e9} \\ \u{1f600}"), "caf\u{e9} \\ \u{1f600}");
    }
}
