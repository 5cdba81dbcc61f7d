//! Reads the bytes of `.env`, which may be a named pipe: a password manager is at its other end.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Read},
    os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::{fs::OFlags, io::Errno};

use crate::{
    error::{self, Error, Location},
    runtime::lock,
};

/// Far more than settings need. It bounds the time of a thread that notices an edit, which may be in the
/// middle of a save, and the memory, except for what dotenvy adds where a value repeats others by `${NAME}`.
const MAX_FILE_BYTES: usize = 1024 * 1024;

const PIPE_TIMEOUTS: PipeTimeouts = PipeTimeouts {
    writer: Duration::from_secs(3),
    content: Duration::from_secs(30),
};

/// Short beside the time that another program takes to write.
const PIPE_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// The error for a named pipe that no program opens for writing. The system never returns this error to a reader.
const NO_WRITER: ErrorKind = ErrorKind::BrokenPipe;

/// What an `.env` that is a named pipe may take. Without limits, a pipe that nobody writes to would hold up its
/// readers for ever.
#[derive(Clone, Copy)]
struct PipeTimeouts {
    /// Until a program has opened the pipe for writing, which it usually has tried before.
    writer: Duration,
    /// Until that program has written everything: long enough for a person to confirm the access.
    content: Duration,
}

/// What was read from a named pipe; `None` before.
type PipeContent = Arc<Mutex<Option<Result<Vec<u8>, ErrorKind>>>>;

/// Reads the file, whatever kind it has; `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    read_or_else(path, || read_once(path))
}

/// Reads the file if that can be done again and again: a named pipe gives its content to one reader only.
pub(super) fn read_regular(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    read_or_else(path, || Err(io::Error::other("it is not a regular file")))
}

/// `read_other` reads a file that is not a regular one.
fn read_or_else(
    path: &Path,
    read_other: impl FnOnce() -> io::Result<Vec<u8>>,
) -> Result<Option<Vec<u8>>, Error> {
    let read = || {
        let metadata = fs::metadata(path)?;
        match metadata.is_file() {
            true => read_to_limit(open_without_waiting(path)?, metadata.len()),
            false => read_other(),
        }
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_read(path, error)),
    }
}

/// Reads a named pipe once in the life of the process, also if its content cannot be read: the program behind
/// it may ask its user each time.
fn read_once(path: &Path) -> io::Result<Vec<u8>> {
    static PIPES: Mutex<BTreeMap<PathBuf, PipeContent>> = Mutex::new(BTreeMap::new());
    let pipe = Arc::clone(lock(&PIPES).entry(path.to_owned()).or_default());
    let mut content = lock(&pipe);
    let content = match &mut *content {
        Some(content) => content,
        empty => {
            // Not kept: that it cannot be opened may be a lack of descriptors.
            let file = open_without_waiting(path)?;
            let read = match file.metadata()?.file_type().is_fifo() {
                true => read_pipe(file, PIPE_TIMEOUTS),
                // A device such as `/dev/null` is complete where it ends: no program writes to it later.
                false => read_to_limit(file, 0),
            };
            empty.insert(read.map_err(|error| error.kind()))
        }
    };
    content.clone().map_err(io::Error::from)
}

fn cannot_read(path: &Path, error: io::Error) -> Error {
    let problem = match error.kind() {
        NO_WRITER => "no program writes to this named pipe".to_owned(),
        _ => error.to_string(),
    };
    let help = match error.kind() {
        NO_WRITER => {
            "start the program that provides .env, for example the password manager, then restart the app; or \
             make .env a regular file"
        }
        ErrorKind::FileTooLarge => "keep .env below 1 MiB",
        _ => {
            "make .env a file that the app's user can read; if it is a named pipe or a device, restart the \
             app after each change"
        }
    };
    Error::new(
        error::ErrorKind::Config,
        format!("cannot read .env: {problem}"),
    )
    .with_location(Location::file(path))
    .with_help(help)
    .caused_by(error)
}

/// How long the file has stayed the same; zero if that is not known.
///
/// The time of the last change counts (`ctime`), not that of the last write: a file that is renamed to
/// `.env` may have been written long before.
pub(super) fn unchanged_for(path: &Path) -> Duration {
    let Ok(metadata) = fs::metadata(path) else {
        return Duration::ZERO;
    };
    let seconds = u64::try_from(metadata.ctime()).unwrap_or_default();
    let nanos = u32::try_from(metadata.ctime_nsec()).unwrap_or_default();
    let changed_at = SystemTime::UNIX_EPOCH.checked_add(Duration::new(seconds, nanos));
    // A time in the future, after a clock change, says nothing.
    let age = changed_at.and_then(|time| SystemTime::now().duration_since(time).ok());
    age.unwrap_or_default()
}

/// Reads the file to its end. Two reads suffice if it has the expected size: the second one finds the end.
fn read_to_limit(file: File, expected_bytes: u64) -> io::Result<Vec<u8>> {
    let expected_bytes = usize::try_from(expected_bytes).unwrap_or(MAX_FILE_BYTES);
    let mut bytes = Vec::with_capacity(expected_bytes.min(MAX_FILE_BYTES) + 1);
    limited(file).read_to_end(&mut bytes)?;
    check_size(bytes)
}

/// One byte more than allowed, which tells that there are too many.
fn limited(file: File) -> io::Take<File> {
    file.take(MAX_FILE_BYTES as u64 + 1)
}

fn check_size(bytes: Vec<u8>) -> io::Result<Vec<u8>> {
    if bytes.len() > MAX_FILE_BYTES {
        return Err(Errno::FBIG.into());
    }
    Ok(bytes)
}

/// Opening a named pipe would otherwise wait for its writer. A regular file may be replaced by one just now.
fn open_without_waiting(path: &Path) -> io::Result<File> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    File::options().read(true).custom_flags(flags).open(path)
}

fn read_pipe(pipe: File, timeouts: PipeTimeouts) -> io::Result<Vec<u8>> {
    let mut file = limited(pipe);
    let (start, mut bytes) = (Instant::now(), Vec::new());
    let mut last_writer = start;
    loop {
        match file.read_to_end(&mut bytes) {
            // A pipe without a writer is empty. It is complete when its writer has closed it.
            Ok(_) if !bytes.is_empty() => return check_size(bytes),
            Ok(_) if last_writer.elapsed() >= timeouts.writer => return Err(NO_WRITER.into()),
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => last_writer = Instant::now(),
            Err(error) => return Err(error),
        }
        if start.elapsed() >= timeouts.content {
            return Err(ErrorKind::TimedOut.into());
        }
        thread::sleep(PIPE_POLL_INTERVAL);
    }
}

#[cfg(test)]
pub(super) fn make_pipe(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).unwrap();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_named_pipe_is_read_to_its_end_and_not_waited_for_without_limit() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join(".env");
        make_pipe(&pipe);
        let timeouts = PipeTimeouts {
            writer: Duration::from_millis(50),
            content: Duration::from_millis(200),
        };
        let error = || {
            let pipe = open_without_waiting(&pipe).unwrap();
            read_pipe(pipe, timeouts).unwrap_err().kind()
        };
        assert_eq!(error(), NO_WRITER);
        let silent_writer = File::options().read(true).write(true).open(&pipe).unwrap();
        assert_eq!(error(), ErrorKind::TimedOut);
        drop(silent_writer);
        let writer = thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "A=1\n").unwrap()
        });
        assert_eq!(read(&pipe).unwrap().unwrap(), b"A=1\n");
        writer.join().unwrap();
        let start = Instant::now();
        let again = read(&pipe).unwrap().unwrap();
        assert_eq!(again, b"A=1\n", "it is not read again");
        assert!(start.elapsed() < PIPE_TIMEOUTS.writer);
        let error = read_regular(&pipe).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert!(error.help().unwrap().contains("restart the app"));
    }

    #[test]
    fn a_pipe_without_a_writer_is_soon_an_error_and_an_empty_device_is_an_empty_file() {
        let dir = tempfile::tempdir().unwrap();
        let pipe = dir.path().join(".env");
        make_pipe(&pipe);
        let start = Instant::now();
        let error = read(&pipe).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("no program writes to this named pipe"),
            "{text}"
        );
        assert_eq!(error.location().unwrap().path(), pipe);
        assert!(error.help().unwrap().contains("password manager"));
        assert_eq!(read(Path::new("/dev/null")).unwrap().unwrap(), b"");
        assert!(start.elapsed() < PIPE_TIMEOUTS.content / 2);
    }

    #[test]
    fn an_error_of_the_system_is_named_and_a_missing_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(&dir.path().join(".env")).unwrap().is_none());
        let refused = Err(Errno::ACCESS.into());
        let error = read_or_else(dir.path(), || refused).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("cannot read .env: Permission denied"),
            "{text}"
        );
        assert!(error.shortage_of_descriptors().is_none());
        let shortage = Err(Errno::MFILE.into());
        let error = read_or_else(dir.path(), || shortage).unwrap_err();
        assert!(error.shortage_of_descriptors().is_some());
    }

    #[test]
    fn a_file_that_is_too_large_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let env = dir.path().join(".env");
        let line = "A=1\n";
        fs::write(&env, line.repeat(MAX_FILE_BYTES / line.len())).unwrap();
        assert_eq!(read(&env).unwrap().unwrap().len(), MAX_FILE_BYTES);
        fs::write(&env, line.repeat(MAX_FILE_BYTES / line.len() + 1)).unwrap();
        let endless = Path::new("/dev/zero");
        for (path, result) in [
            (&*env, read(&env)),
            (&*env, read_regular(&env)),
            (endless, read(endless)),
        ] {
            let error = result.unwrap_err();
            assert_eq!(error.location().unwrap().path(), path);
            assert!(error.help().unwrap().contains("1 MiB"), "{error}");
        }
    }
}
