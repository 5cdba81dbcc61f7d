//! Which number is in which folder, and under which name.
//!
//! The names of all files have a leading dot: CodeIgniter's `cache()->clean()` deletes every other
//! file below its cache folder, and the journal may be in that folder.

/// Numbers per folder. Part of the format on disk. With more, a sweep would remove entries in larger
/// steps; with fewer, listing the journal would take longer.
const NUMBERS_PER_FOLDER: u64 = 1_000;

/// Part of the format on disk. Enough for [`MAX_FOLDER_NUMBER`].
const FOLDER_NAME_DIGITS: usize = 12;

/// Part of the format on disk. Enough for every `u64`.
const ENTRY_NAME_DIGITS: usize = 20;

/// The highest number that fits into [`FOLDER_NAME_DIGITS`].
const MAX_FOLDER_NUMBER: u64 = 999_999_999_999;

/// How numbers are divided among folders.
#[derive(Debug, Clone, Copy)]
pub(super) struct Layout {
    numbers_per_folder: u64,
}

impl Default for Layout {
    fn default() -> Self {
        Self {
            numbers_per_folder: NUMBERS_PER_FOLDER,
        }
    }
}

impl Layout {
    /// Small folders, so that tests fill and sweep many.
    #[cfg(test)]
    pub(super) fn with_numbers_per_folder(numbers_per_folder: u64) -> Self {
        Self { numbers_per_folder }
    }

    pub(super) fn folder_of(self, number: u64) -> u64 {
        number / self.numbers_per_folder
    }

    /// The folder's first number. No entry has the number 0, which means "before the first entry".
    pub(super) fn first_number(self, folder: u64) -> u64 {
        (folder * self.numbers_per_folder).max(1)
    }

    pub(super) fn last_number(self, folder: u64) -> u64 {
        folder * self.numbers_per_folder + (self.numbers_per_folder - 1)
    }

    /// How many numbers of the folder are lower than this one.
    pub(super) fn position_in_folder(self, number: u64) -> u64 {
        number % self.numbers_per_folder
    }

    /// The highest of the folder's first `count` numbers. If `count` is 0, the number before the
    /// folder's first.
    pub(super) fn highest_taken(self, folder: u64, count: u64) -> u64 {
        let count = count.min(self.numbers_per_folder);
        (folder * self.numbers_per_folder + count).saturating_sub(1)
    }
}

pub(super) fn folder_name(folder: u64) -> String {
    format!("{folder:0FOLDER_NAME_DIGITS$}")
}

/// The number of the folder with this name. Other programs may create names that only look similar,
/// such as `5`, `+7` or `20261128`.
pub(super) fn parse_folder_name(name: &str) -> Option<u64> {
    let is_canonical =
        name.len() == FOLDER_NAME_DIGITS && name.bytes().all(|byte| byte.is_ascii_digit());
    is_canonical.then(|| name.parse().ok()).flatten()
}

/// The number of the next folder; `None` after the last one that has a name.
pub(super) fn next_folder(folder: u64) -> Option<u64> {
    (folder < MAX_FOLDER_NUMBER).then(|| folder + 1)
}

pub(super) fn entry_name(number: u64) -> String {
    format!(".{number:0ENTRY_NAME_DIGITS$}")
}

/// The number of the entry with this name. `None` if no entry has it.
pub(super) fn parse_entry_name(name: &str) -> Option<u64> {
    let digits = name.strip_prefix('.')?;
    let is_canonical =
        digits.len() == ENTRY_NAME_DIGITS && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_canonical.then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_canonical_names_are_folders_of_entries() {
        assert_eq!(parse_folder_name("000000000005"), Some(5));
        assert_eq!(
            parse_folder_name(&folder_name(MAX_FOLDER_NUMBER)),
            Some(MAX_FOLDER_NUMBER)
        );
        for name in ["5", "+7", "20261128", "+00000000005", "0000000000005", ""] {
            assert_eq!(parse_folder_name(name), None, "{name}");
        }
    }

    #[test]
    fn names_of_entries_differ_from_those_of_unfinished_files() {
        assert_eq!(parse_entry_name(&entry_name(42)), Some(42));
        for name in ["00000000000000000042", ".high-water", ".abcdef123456"] {
            assert_eq!(parse_entry_name(name), None, "{name}");
        }
    }

    #[test]
    fn the_highest_claimed_number_follows_from_the_count() {
        let layout = Layout::default();
        for number in [1, 2, 999, 1_000, 1_001, 1_999, 2_000] {
            let folder = layout.folder_of(number);
            let count = layout.position_in_folder(number) + 1;
            assert_eq!(layout.highest_taken(folder, count), number);
        }
        assert_eq!(layout.highest_taken(0, 0), 0);
        assert_eq!(layout.highest_taken(1, 0), 999);
        assert_eq!(layout.highest_taken(1, u64::MAX), 1_999);
    }
}
