//! Reads the bytes of `.env`, which may be a named pipe: a password manager is at its other end.

use std::{
    fs::{self, File},
    io::{self, ErrorKind, Read},
    os::unix::fs::OpenOptionsExt,
    path::Path,
    thread,
    time::{Duration, Instant},
};

use rustix::fs::OFlags;

/// How long the program behind a named pipe may take: long enough for a person to confirm the access. Without
/// a limit, a pipe that nobody writes to would hold up its readers for ever.
const PIPE_TIMEOUT: Duration = Duration::from_secs(30);

/// Short beside the time that another program takes to write.
const PIPE_POLL_INTERVAL: Duration = Duration::from_millis(10);

/// Reads the file, whatever kind it has.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    if is_regular(path)? {
        fs::read(path)
    } else {
        read_within(path, PIPE_TIMEOUT)
    }
}

/// Reads the file if that can be done again and again: a named pipe gives its content to one reader only, and
/// the program behind it may ask its user each time.
pub(super) fn read_regular(path: &Path) -> io::Result<Vec<u8>> {
    if is_regular(path)? {
        fs::read(path)
    } else {
        Err(ErrorKind::InvalidInput.into())
    }
}

fn is_regular(path: &Path) -> io::Result<bool> {
    Ok(fs::metadata(path)?.is_file())
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
        assert_eq!(read(&pipe).unwrap(), b"A=1\n");
        writer.join().unwrap();
        assert_eq!(
            read_regular(&pipe).unwrap_err().kind(),
            ErrorKind::InvalidInput
        );
    }
}
