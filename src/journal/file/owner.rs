//! Root works in another user's cache folder as that user.
//!
//! A folder's owner can put anything into it, at any moment. With root's rights, a mistake of ours
//! there could create, read or remove files that are none of the owner's business; with the owner's
//! own rights it cannot. Files that are created also belong to the owner without being given away.

use std::{io, marker::PhantomData};

use rustix::fs::{Gid, Stat, Uid};

use crate::platform::file_user;

/// The user and group that root acts as.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// The owner of this folder, if this process runs as root and the owner is somebody else.
    pub(crate) fn to_act_as(folder: &Stat) -> Option<Self> {
        let is_root = rustix::process::geteuid().is_root();
        (is_root && folder.st_uid != 0).then_some(Self {
            user: folder.st_uid,
            group: folder.st_gid,
        })
    }

    /// Gives this thread the owner's rights on files until the returned value is dropped.
    pub(crate) fn act(self) -> io::Result<Impersonation> {
        let acting = Impersonation {
            before: (file_user::set_user(None), file_user::set_group(None)),
            _stays_on_its_thread: PhantomData,
        };
        // The group first: afterwards the thread may no longer be allowed to change it.
        file_user::set_group(Some(Gid::from_raw(self.group)));
        file_user::set_user(Some(Uid::from_raw(self.user)));
        if (file_user::set_user(None), file_user::set_group(None)) == (self.user, self.group) {
            return Ok(acting);
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "root is not allowed to act as user {}, who owns the folder",
                self.user
            ),
        ))
    }
}

/// While this lives, the thread accesses files as another user.
#[must_use]
pub(crate) struct Impersonation {
    before: (u32, u32),
    _stays_on_its_thread: PhantomData<*const ()>,
}

impl Drop for Impersonation {
    fn drop(&mut self) {
        file_user::set_user(Some(Uid::from_raw(self.before.0)));
        file_user::set_group(Some(Gid::from_raw(self.before.1)));
    }
}
