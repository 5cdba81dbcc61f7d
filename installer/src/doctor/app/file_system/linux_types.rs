//! The types of file systems on Linux.

use std::io;
use std::path::Path;

/// File systems on which other machines may change files without a notification here. The numbers
/// are Linux's, from statfs(2).
const SHARED_FILE_SYSTEMS: [(u32, &str); 11] = [
    (0x6969, "NFS"),
    (0xFF53_4D42, "CIFS"),
    (0xFE53_4D42, "SMB"),
    (0x517B, "SMB"),
    (0x0102_1997, "9p"),
    (0x6573_5546, "FUSE"),
    (0x00C3_6400, "Ceph"),
    (0x5346_414F, "AFS"),
    (0x0BD0_0BD0, "Lustre"),
    (0x0116_1970, "GFS2"),
    (0x786F_4256, "VirtualBox"),
];

/// The name of the folder's file system, if other machines may also use it.
pub(super) fn shared_file_system(folder: &Path) -> io::Result<Option<&'static str>> {
    let stats = rustix::fs::statfs(folder)?;
    // The type has 32 bits. The width and the sign of the field depend on the architecture.
    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::unnecessary_cast,
        reason = "only the lower 32 bits are used"
    )]
    let type_number = stats.f_type as u32;
    Ok(shared_name(type_number))
}

fn shared_name(type_number: u32) -> Option<&'static str> {
    let mut shared = SHARED_FILE_SYSTEMS.iter();
    let (_, name) = shared.find(|(number, _)| *number == type_number)?;
    Some(*name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn network_file_systems_are_shared() {
        for (type_number, name) in [
            (0x6969, Some("NFS")),
            (0xFF53_4D42, Some("CIFS")),
            (0x6573_5546, Some("FUSE")),
            (0xEF53, None),      // ext4
            (0x794C_7630, None), // overlay
            (0x0102_1994, None), // tmpfs
        ] {
            assert_eq!(shared_name(type_number), name, "{type_number:x}");
        }
    }

    #[test]
    fn a_file_system_of_the_kernel_is_not_shared() {
        assert!(matches!(shared_file_system(Path::new("/proc")), Ok(None)));
    }
}
