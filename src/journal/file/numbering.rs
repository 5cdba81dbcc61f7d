//! Which number lies in which directory, and under which name.
//!
//! All names of files have a leading dot. CodeIgniter's `cache()->clean()` deletes every file below
//! its cache folder but those, and our folder may be that one.

/// Numbers in a directory. Part of the on-disk format.
const PER_FOLDER: u64 = 1_000;

/// Digits of a directory's name.
const FOLDER_DIGITS: usize = 12;

/// Digits of an entry's name, behind its dot.
const ENTRY_DIGITS: usize = 20;

/// The highest number of a directory whose name has no more digits.
const MAX_FOLDER: u64 = 999_999_999_999;

/// How numbers are divided among directories.
#[derive(Debug, Clone, Copy)]
pub(super) struct Numbering {
    per_folder: u64,
}

impl Default for Numbering {
    fn default() -> Self {
        Self {
            per_folder: PER_FOLDER,
        }
    }
}

impl Numbering {
    /// Directories that fill sooner, for tests of what happens then.
    #[cfg(test)]
    pub(super) fn with_per_folder(per_folder: u64) -> Self {
        Self { per_folder }
    }

    pub(super) fn folder_of(self, number: u64) -> u64 {
        number / self.per_folder
    }

    /// The directory's first number. Number 0 stands for "before the first entry", and is never an
    /// entry's.
    pub(super) fn first(self, folder: u64) -> u64 {
        (folder * self.per_folder).max(1)
    }

    pub(super) fn last(self, folder: u64) -> u64 {
        folder * self.per_folder + (self.per_folder - 1)
    }

    /// How many numbers of the directory come before this one.
    pub(super) fn position(self, number: u64) -> u64 {
        number % self.per_folder
    }

    /// The highest of the directory's first `count` numbers; of none, the number before them.
    pub(super) fn highest_of(self, folder: u64, count: u64) -> u64 {
        (folder * self.per_folder + count.min(self.per_folder)).saturating_sub(1)
    }
}

pub(super) fn folder_name(folder: u64) -> String {
    format!("{folder:0FOLDER_DIGITS$}")
}

/// The number of a directory with this name. Other programs may put names there that only look
/// like one, such as `5`, `+7` or `20261128`.
pub(super) fn parse_folder_name(name: &str) -> Option<u64> {
    let is_canonical =
        name.len() == FOLDER_DIGITS && name.bytes().all(|byte| byte.is_ascii_digit());
    is_canonical.then(|| name.parse().ok()).flatten()
}

/// The directory that comes after this one; `None` after the last that has a name.
pub(super) fn next_folder(folder: u64) -> Option<u64> {
    (folder < MAX_FOLDER).then(|| folder + 1)
}

pub(super) fn entry_name(number: u64) -> String {
    format!(".{number:0ENTRY_DIGITS$}")
}

pub(super) fn is_entry_name(name: &str) -> bool {
    name.strip_prefix('.').is_some_and(|digits| {
        digits.len() == ENTRY_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_names_are_directories_of_entries() {
        assert_eq!(parse_folder_name("000000000005"), Some(5));
        assert_eq!(
            parse_folder_name(&folder_name(MAX_FOLDER)),
            Some(MAX_FOLDER)
        );
        for name in ["5", "+7", "20261128", "+00000000005", "0000000000005", ""] {
            assert_eq!(parse_folder_name(name), None, "{name}");
        }
    }

    #[test]
    fn entries_and_unfinished_files_are_told_apart() {
        assert!(is_entry_name(&entry_name(42)));
        for name in ["00000000000000000042", ".high-water", ".abcdef123456"] {
            assert!(!is_entry_name(name), "{name}");
        }
    }

    #[test]
    fn a_count_of_numbers_and_the_highest_of_them_say_the_same() {
        let numbering = Numbering::default();
        for number in [1, 2, 999, 1_000, 1_001, 1_999, 2_000] {
            let folder = numbering.folder_of(number);
            let count = numbering.position(number) + 1;
            assert_eq!(numbering.highest_of(folder, count), number);
        }
        assert_eq!(numbering.highest_of(0, 0), 0);
        assert_eq!(numbering.highest_of(1, 0), 999);
        assert_eq!(numbering.highest_of(1, u64::MAX), 1_999);
    }
}
