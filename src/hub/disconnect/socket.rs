//! The system calls: finding the descriptor of a connection, and ending the connection.

use std::{
    fs,
    net::Shutdown,
    os::fd::{BorrowedFd, RawFd},
};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use socket2::SockRef;

use crate::{hub::connections::Endpoints, platform::tcp};

/// The folders in which the system lists the descriptors of a process. Reading them touches no disk.
const DESCRIPTOR_FOLDERS: [&str; 2] = ["/proc/self/fd", "/dev/fd"];

/// Where neither folder exists, the descriptors below this number are tried: a usual upper limit
/// for open files, and few enough to try in milliseconds.
const MAX_TRIED_DESCRIPTORS: RawFd = 65_536;

/// The number of a descriptor. It may be closed at any time, unless it belongs to a connection of
/// this thread.
pub(super) struct Descriptor(RawFd);

/// A connection of this thread.
pub(super) struct Socket<'a>(BorrowedFd<'a>);

impl Descriptor {
    pub(super) fn all() -> Vec<Self> {
        let mut folders = DESCRIPTOR_FOLDERS.iter();
        match folders.find_map(|folder| fs::read_dir(folder).ok()) {
            Some(folder) => folder
                .flatten()
                .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
                .map(Self)
                .collect(),
            None => (0..MAX_TRIED_DESCRIPTORS).map(Self).collect(),
        }
    }

    /// Both ends, if it is a TCP connection.
    pub(super) fn endpoints(&self) -> Option<Endpoints> {
        let descriptor = self.borrow();
        let socket = SockRef::from(&descriptor);
        let client = socket.peer_addr().ok()?.as_socket()?;
        let server = socket.local_addr().ok()?.as_socket()?;
        Some(Endpoints::new(client, server.port()))
    }

    /// The connection with these ends, if this is still its descriptor.
    pub(super) fn socket(&self, endpoints: &Endpoints) -> Option<Socket<'_>> {
        (self.endpoints().as_ref() == Some(endpoints)).then(|| Socket(self.borrow()))
    }

    #[allow(
        unsafe_code,
        reason = "actix-web gives no access to the sockets of its connections"
    )]
    fn borrow(&self) -> BorrowedFd<'_> {
        // SAFETY: the number is not -1. If another thread closes the descriptor meanwhile, asking
        // for its ends fails or returns those of another socket, and it is not used any further. A
        // descriptor whose ends are those of a connection of this thread stays open for as long as
        // this borrow lasts, because only this thread closes it.
        unsafe { BorrowedFd::borrow_raw(self.0) }
    }
}

impl Socket<'_> {
    /// Whether the socket takes more bytes, or has failed, which actix-web notices.
    pub(super) fn has_room(&self) -> bool {
        let mut descriptors = [PollFd::new(&self.0, PollFlags::OUT)];
        let no_wait = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        // A poll that fails proves nothing about the client, so it counts as room.
        poll(&mut descriptors, Some(&no_wait)) != Ok(0)
    }

    /// How many bytes the client has not acknowledged; `None` where the system does not tell.
    pub(super) fn unacknowledged_bytes(&self) -> Option<u64> {
        tcp::unacknowledged_bytes(self.0)
    }

    /// Ends the connection. The system still sends what it has buffered, if the client starts to
    /// read.
    pub(super) fn shut_down(&self) {
        // An error means that the connection has ended meanwhile, which is as good.
        let _ = SockRef::from(&self.0).shutdown(Shutdown::Both);
    }
}
