//! Sockets to listen on, and the errors of those that cannot be used.

use std::fs::{self, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use rustix::net::{AddressFamily, SocketAddrUnix, SocketFlags, SocketType, socket_with};

use super::settings::ListenAddress;
use crate::exit::Failure;

/// A proxy whose user is in the server's group may connect, as for the sockets of PHP-FPM.
const SOCKET_MODE: u32 = 0o660;

/// Others may write, and anyone may remove the files of others.
const WRITABLE_BY_ALL: u32 = 0o002;
const STICKY: u32 = 0o1000;

/// A Unix socket, whose file is removed when this is dropped.
pub(super) struct UnixSocket {
    path: PathBuf,
    /// `None` if the file is gone already.
    file: Option<FileIdentity>,
}

/// Distinguishes a file from later ones with the same path. The number alone is used again when a file is removed.
#[derive(PartialEq, Eq)]
struct FileIdentity {
    device: u64,
    number: u64,
    changed_at: (i64, i64),
}

impl FileIdentity {
    fn of(path: &Path) -> Option<Self> {
        let found = fs::symlink_metadata(path).ok()?;
        Some(Self {
            device: found.dev(),
            number: found.ino(),
            changed_at: (found.ctime(), found.ctime_nsec()),
        })
    }
}

impl UnixSocket {
    /// Listens on this path. A file that a killed server has left there is replaced.
    pub(super) fn listen(path: &Path) -> Result<(UnixListener, Self), Failure> {
        let address = ListenAddress::Unix(path.to_owned());
        refuse_shared_folder(path)?;
        remove_unused(path).map_err(|error| bind_failure(&address, &error))?;
        let bound = UnixListener::bind(path).and_then(|listener| {
            fs::set_permissions(path, Permissions::from_mode(SOCKET_MODE))?;
            Ok(listener)
        });
        let listener = bound.map_err(|error| bind_failure(&address, &error))?;
        let socket = Self {
            path: path.to_owned(),
            file: FileIdentity::of(path),
        };
        Ok((listener, socket))
    }
}

impl Drop for UnixSocket {
    fn drop(&mut self) {
        // Another server may listen there since this one does not.
        if self.file.is_some() && FileIdentity::of(&self.path) == self.file {
            // Without it, the next start removes the file.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Whoever can replace the socket receives the cookies of the clients, and can have a link changed instead of it.
fn refuse_shared_folder(path: &Path) -> Result<(), Failure> {
    let parent = path
        .parent()
        .filter(|parent| !parent.as_os_str().is_empty());
    let folder = parent.unwrap_or(Path::new("."));
    // A folder that is missing is an error of `bind`.
    let mode = fs::metadata(folder).map_or(0, |folder| folder.permissions().mode());
    if mode & (WRITABLE_BY_ALL | STICKY) != WRITABLE_BY_ALL {
        return Ok(());
    }
    let folder = folder.display();
    Err(Failure::error(format!(
        "every user can replace a socket in {folder}, and so receive what clients send"
    ))
    .with_help(format!(
        "choose a folder that only the server's user and group can write to, or protect this one: chmod o-w {folder}"
    )))
}

/// Connects at once or fails: a server that is stopped accepts no connections.
pub(super) fn connect(path: &Path) -> io::Result<UnixStream> {
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    let socket = socket_with(AddressFamily::UNIX, SocketType::STREAM, flags, None)?;
    rustix::net::connect(&socket, &SocketAddrUnix::new(path)?)?;
    let stream = UnixStream::from(socket);
    stream.set_nonblocking(false)?;
    Ok(stream)
}

/// Removes a socket on which nobody listens.
fn remove_unused(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(ErrorKind::AlreadyExists.into());
        }
        Ok(_) => {}
    }
    match connect(path) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::WouldBlock => Err(ErrorKind::AddrInUse.into()),
        Err(error) => Err(error),
        Ok(_) => Err(ErrorKind::AddrInUse.into()),
    }
}

/// Why the server cannot listen there, and what to do.
pub(super) fn bind_failure(address: &ListenAddress, error: &io::Error) -> Failure {
    let option = "choose another address with --listen or --admin-listen, or with SSE_LISTEN or SSE_ADMIN_LISTEN in .env";
    let (message, help) = match error.kind() {
        ErrorKind::AddrInUse => (
            format!(
                "{address} is in use: another program listens there, perhaps another `sse serve`"
            ),
            format!("end that program, or {option}"),
        ),
        ErrorKind::AlreadyExists => (
            format!("cannot listen on {address}: a file that is not a socket is there"),
            option.to_owned(),
        ),
        ErrorKind::PermissionDenied => (
            format!("this user may not listen on {address}"),
            match address {
                ListenAddress::Tcp { .. } => {
                    format!(
                        "{option}; ports below 1024 need a privilege, and a proxy can forward them"
                    )
                }
                ListenAddress::Unix(_) => {
                    "let the server's user write to the folder of the socket".to_owned()
                }
            },
        ),
        _ => (
            format!("cannot listen on {address}: {error}"),
            option.to_owned(),
        ),
    };
    Failure::error(message).with_help(help)
}

/// Prints a line for each address: programs read the port from it, which may be any.
pub(super) fn print_addresses(words: &str, addresses: impl IntoIterator<Item = String>) {
    let mut out = io::stdout().lock();
    for address in addresses {
        // The output may be closed, which is no reason to exit.
        let _ = writeln!(out, "{words} {address}");
    }
    let _ = out.flush();
}

pub(super) fn tls_on_a_socket() -> Failure {
    Failure::error("TLS on a Unix socket is not supported").with_help(
        "listen on HOST:PORT for HTTPS, or let the proxy that uses the socket speak HTTPS with the clients",
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_that_a_killed_server_left_is_replaced() {
        let dir = tempfile::tempdir().expect("can create a temporary folder");
        let path = dir.path().join("sse.sock");
        drop(UnixListener::bind(&path).expect("can listen"));
        let (_listener, socket) = UnixSocket::listen(&path).expect("the old socket is unused");
        let failure = UnixSocket::listen(&path).err().expect("it is in use");
        assert!(
            failure.message().contains("is in use"),
            "{}",
            failure.message()
        );
        drop(socket);
        assert!(!path.exists());
    }

    #[test]
    fn the_socket_of_a_later_server_is_kept() {
        let dir = tempfile::tempdir().expect("can create a temporary folder");
        let path = dir.path().join("sse.sock");
        let (listener, socket) = UnixSocket::listen(&path).expect("it is free");
        // A server that ends no longer listens, but has not removed its socket yet.
        drop(listener);
        let (_listener, _later_socket) = UnixSocket::listen(&path).expect("it is unused");
        drop(socket);
        assert!(UnixStream::connect(&path).is_ok());
    }

    #[test]
    fn a_server_that_accepts_no_connections_is_not_waited_for() {
        let dir = tempfile::tempdir().expect("can create a temporary folder");
        let path = dir.path().join("sse.sock");
        let _listener = UnixListener::bind(&path).expect("can listen");
        let mut connections = Vec::new();
        let error = loop {
            match connect(&path) {
                Ok(connection) => connections.push(connection),
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind(), ErrorKind::WouldBlock);
        let failure = UnixSocket::listen(&path).err().expect("it is in use");
        assert!(
            failure.message().contains("is in use"),
            "{}",
            failure.message()
        );
    }

    #[test]
    fn a_folder_in_which_everybody_can_replace_the_socket_is_refused() {
        let dir = tempfile::tempdir().expect("can create a temporary folder");
        let path = dir.path().join("sse.sock");
        let set_mode = |mode| {
            fs::set_permissions(dir.path(), Permissions::from_mode(mode)).expect("it is ours");
        };
        set_mode(0o777);
        let failure = UnixSocket::listen(&path).err().expect("it is not safe");
        assert!(
            failure.message().contains("every user can replace"),
            "{}",
            failure.message()
        );
        assert!(!path.exists());
        // As /tmp has: only the owner of a file can remove it.
        set_mode(0o1777);
        assert!(UnixSocket::listen(&path).is_ok());
    }

    #[test]
    fn a_file_that_is_not_a_socket_is_kept() {
        let dir = tempfile::tempdir().expect("can create a temporary folder");
        let path = dir.path().join("sse.sock");
        fs::write(&path, "mine").expect("can write the file");
        let failure = UnixSocket::listen(&path).err().expect("it is a file");
        assert!(
            failure.message().contains("not a socket"),
            "{}",
            failure.message()
        );
        assert_eq!(fs::read(&path).expect("it is there"), b"mine");
    }
}
