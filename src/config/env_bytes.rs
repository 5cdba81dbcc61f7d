//! Reads the bytes of `.env`, which may be a named pipe: a password manager is at its other end.

use std::{
    collections::BTreeMap,
    fs::{self, File},
    io::{self, ErrorKind, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
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

/// How long the program behind a named pipe may take: long enough for a person to confirm the access. Without
/// a limit, a pipe that nobody writes to would hold up its readers for ever.
const PIPE_TIMEOUT: Duration = Duration::from_secs(30);

/// Short beside the time that another program takes to write.
const PIPE_POLL_INTERVAL: Duration = Duration::from_millis(10);

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
    let read = || match fs::metadata(path)?.is_file() {
        true => read_to_limit(open_without_waiting(path)?),
        false => read_other(),
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
            empty.insert(read_within(file, PIPE_TIMEOUT).map_err(|error| error.kind()))
        }
    };
    content.clone().map_err(io::Error::from)
}

fn cannot_read(path: &Path, error: io::Error) -> Error {
    let help = match error.kind() {
        ErrorKind::FileTooLarge => "keep .env below 1 MiB",
        _ => {
            "make .env a file that the app's user can read; if it is a named pipe or a device, restart the \
             app after each change"
        }
    };
    Error::new(
        error::ErrorKind::Config,
        format!("cannot read .env: {error}"),
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

fn read_to_limit(file: File) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
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

fn read_within(pipe: File, timeout: Duration) -> io::Result<Vec<u8>> {
    let mut file = limited(pipe);
    let (start, mut bytes) = (Instant::now(), Vec::new());
    loop {
        match file.read_to_end(&mut bytes) {
            // A pipe without a writer is empty. It is complete when its writer has closed it.
            Ok(_) if !bytes.is_empty() => return check_size(bytes),
            Err(error) if error.kind() != ErrorKind::WouldBlock => return Err(error),
            _ if start.elapsed() >= timeout => return Err(ErrorKind::TimedOut.into()),
            _ => thread::sleep(PIPE_POLL_INTERVAL),
        }
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
        let nobody_writes = read_within(
            open_without_waiting(&pipe).unwrap(),
            Duration::from_millis(50),
        );
        assert_eq!(nobody_writes.unwrap_err().kind(), ErrorKind::TimedOut);
        let writer = thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "A=1\n").unwrap()
        });
        assert_eq!(read(&pipe).unwrap().unwrap(), b"A=1\n");
        writer.join().unwrap();
        let start = Instant::now();
        let again = read(&pipe).unwrap().unwrap();
        assert_eq!(again, b"A=1\n", "it is not read again");
        assert!(start.elapsed() < PIPE_TIMEOUT / 2);
        let error = read_regular(&pipe).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert!(error.help().unwrap().contains("restart the app"));
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
