//! Reads the bytes of `.env`, which may be a named pipe: a password manager is at its other end.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    os::unix::fs::{MetadataExt, OpenOptionsExt},
    path::Path,
    thread,
    time::{Duration, Instant, SystemTime},
};

use rustix::fs::OFlags;

use crate::error::{self, Error, Location};

/// How long the program behind a named pipe may take: long enough for a person to confirm the access. Without
/// a limit, a pipe that nobody writes to would hold up its readers for ever.
const PIPE_TIMEOUT: Duration = Duration::from_secs(30);

/// Short beside the time that another program takes to write.
const PIPE_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Reads the file, whatever kind it has; `None` if it does not exist.
pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    read_or_else(path, || read_within(path, PIPE_TIMEOUT))
}

/// Reads the file if that can be done again and again: a named pipe gives its content to one reader only, and
/// the program behind it may ask its user each time.
pub(super) fn read_regular(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    read_or_else(path, || Err(io::Error::other("it is not a regular file")))
}

/// `read_other` reads a file that is not a regular one.
fn read_or_else(
    path: &Path,
    read_other: impl FnOnce() -> io::Result<Vec<u8>>,
) -> Result<Option<Vec<u8>>, Error> {
    let read = || match fs::metadata(path)?.is_file() {
        true => fs::read(path),
        false => read_other(),
    };
    match read() {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(cannot_read(path, error)),
    }
}

fn cannot_read(path: &Path, error: io::Error) -> Error {
    Error::new(error::ErrorKind::Config, format!("cannot read .env: {error}"))
        .with_location(Location::file(path))
        .with_help(
            "make .env a file that the app's user can read; if it is a named pipe or a device, restart the \
             app after each change",
        )
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

fn read_within(path: &Path, timeout: Duration) -> io::Result<Vec<u8>> {
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut file = File::options().read(true).custom_flags(flags).open(path)?;
    let (start, mut bytes) = (Instant::now(), Vec::new());
    loop {
        match file.read_to_end(&mut bytes) {
            // A pipe without a writer is empty. It is complete when its writer has closed it.
            Ok(_) if !bytes.is_empty() => return Ok(bytes),
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
        let nobody_writes = read_within(&pipe, Duration::from_millis(50));
        assert_eq!(nobody_writes.unwrap_err().kind(), ErrorKind::TimedOut);
        let writer = thread::spawn({
            let pipe = pipe.clone();
            move || fs::write(pipe, "A=1\n").unwrap()
        });
        assert_eq!(read(&pipe).unwrap().unwrap(), b"A=1\n");
        writer.join().unwrap();
        let error = read_regular(&pipe).unwrap_err();
        assert!(error.to_string().contains("not a regular file"), "{error}");
        assert!(error.help().unwrap().contains("restart the app"));
    }

    #[test]
    fn an_error_of_the_system_is_named_and_a_missing_file_is_none() {
        let dir = tempfile::tempdir().unwrap();
        assert!(read(&dir.path().join(".env")).unwrap().is_none());
        let refused = Err(rustix::io::Errno::ACCESS.into());
        let error = read_or_else(dir.path(), || refused).unwrap_err();
        let text = error.to_string();
        assert!(
            text.contains("cannot read .env: Permission denied"),
            "{text}"
        );
        assert!(error.shortage_of_descriptors().is_none());
        let shortage = Err(rustix::io::Errno::MFILE.into());
        let error = read_or_else(dir.path(), || shortage).unwrap_err();
        assert!(error.shortage_of_descriptors().is_some());
    }
}
