//! Root works in another user's cache folder with that user's rights.
//!
//! The owner of a folder can put anything into it at any moment. With root's rights, a mistake in
//! this library could there create, read or remove files that the owner may not. With the owner's
//! rights it cannot. New files also belong to the owner without a `chown`.

use std::{io, marker::PhantomData};

use rustix::fs::{Gid, Stat, Uid};

use crate::platform::file_user;

/// The user and group that root impersonates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Owner {
    user: u32,
    group: u32,
}

impl Owner {
    /// The owner of this folder, if this process runs as root and root is not the owner.
    pub(crate) fn needing_impersonation(folder: &Stat) -> Option<Self> {
        let is_root = rustix::process::geteuid().is_root();
        (is_root && folder.st_uid != 0).then_some(Self {
            user: folder.st_uid,
            group: folder.st_gid,
        })
    }

    /// Gives this thread the owner's rights on files until the returned value is dropped.
    pub(crate) fn impersonate(self) -> io::Result<Impersonation> {
        let impersonation = Impersonation {
            previous: Owner::impersonated(),
            _stays_on_its_thread: PhantomData,
        };
        // The group first: as another user, the thread may not be allowed to change it.
        file_user::set_group(Gid::from_raw(self.group));
        file_user::set_user(Uid::from_raw(self.user));
        if Self::impersonated() == self {
            return Ok(impersonation);
        }
        Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!(
                "root is not allowed to act as user {}, who owns the folder; run the program as that \
                 user, or (on Linux) give it the capabilities CAP_SETUID and CAP_SETGID",
                self.user
            ),
        ))
    }

    /// The user and group whose rights on files this thread has now.
    fn impersonated() -> Self {
        Self {
            user: file_user::user(),
            group: file_user::group(),
        }
    }
}

/// While this exists, its thread accesses files as another user.
#[must_use]
pub(crate) struct Impersonation {
    previous: Owner,
    _stays_on_its_thread: PhantomData<*const ()>,
}

impl Drop for Impersonation {
    fn drop(&mut self) {
        // The user first: only root may change the group back.
        file_user::set_user(Uid::from_raw(self.previous.user));
        file_user::set_group(Gid::from_raw(self.previous.group));
    }
}
