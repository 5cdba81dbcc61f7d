//! Lists a journal's folders of entries.

use std::io;

use super::{
    entry_folder::EntryFolder,
    layout::{Layout, parse_folder_name},
    open_folder::OpenFolder,
};

/// A listing is repeated if all of its folders were swept meanwhile. A writer must fill a thousand
/// numbers for each repetition, so this limit is never reached unless another program creates and
/// removes folders.
const MAX_LISTING_ATTEMPTS: u32 = 1_000;

/// The numbers in ascending order of all folders that have such a name, including folders that the
/// library did not create.
pub(super) fn folder_numbers(journal: &OpenFolder) -> io::Result<Vec<u64>> {
    let names = journal.names()?;
    let mut numbers: Vec<u64> = names
        .iter()
        .filter_map(|name| parse_folder_name(name))
        .collect();
    numbers.sort_unstable();
    Ok(numbers)
}

/// The first listed folder that can be opened. If none can, and another listing differs, the folders
/// of the first were swept meanwhile.
pub(super) fn open_first(
    journal: &OpenFolder,
    layout: Layout,
    list: impl Fn(&OpenFolder) -> io::Result<Vec<u64>>,
) -> io::Result<Option<EntryFolder>> {
    let mut listed = list(journal)?;
    for _ in 0..MAX_LISTING_ATTEMPTS {
        for number in &listed {
            if let Some(folder) = EntryFolder::open(journal, layout, *number)? {
                return Ok(Some(folder));
            }
        }
        let again = list(journal)?;
        if again == listed {
            break;
        }
        listed = again;
    }
    Ok(None)
}
