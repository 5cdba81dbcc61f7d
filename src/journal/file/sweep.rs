//! Rule 3: the oldest folder is removed as a whole.

use super::{file_journal::FileJournal, layout::folder_name, open_folder::OpenFolder, trash};
use crate::error::Error;

impl FileJournal {
    /// Removes the oldest folder if at least `keep` entries remain, and empties the trash. The newest
    /// folder is never removed, because the next one is created in it.
    ///
    /// One folder at a time: before each, the whole trash is searched for unfinished files.
    pub(super) fn sweep_keeping(&self, keep: u64) -> Result<bool, Error> {
        let trash_folder = self.cache_folder.trash_folder()?;
        // Usually there is one folder, and nothing to remove.
        let is_more_left = self.folder_numbers()?.len() > 1 && {
            let last_number = self.find_newest_number()?.saturating_sub(keep);
            self.sweep_oldest(&trash_folder, last_number)?
        };
        let emptied = trash::delete_contents(&trash_folder);
        // What cannot be deleted is reported with the last folder, and does not hold up the others.
        if is_more_left {
            return Ok(true);
        }
        emptied.map(|()| false)
    }

    /// Moves the oldest folder into the trash if its entries all have numbers up to `last_number` and it
    /// is not the newest. Returns whether this applies to another folder.
    ///
    /// A writer may be in the middle of the system call that renames an unfinished folder in the
    /// oldest folder to the next folder's name, with both already looked up: the call still succeeds
    /// after the oldest folder was moved. While the next folder exists, its name is taken and the call
    /// fails. So the next folder must not be removed before the unfinished files of the oldest are.
    pub(super) fn sweep_oldest(
        &self,
        trash_folder: &OpenFolder,
        last_number: u64,
    ) -> Result<bool, Error> {
        let newest_folder = self.newest_folder()?.number();
        let numbers = self.folder_numbers()?;
        let mut old = numbers.into_iter().take_while(|number| {
            *number < newest_folder && self.layout.last_number(*number) <= last_number
        });
        let Some(oldest) = old.next() else {
            return Ok(false);
        };
        // Another process may have discarded the folder before, without having emptied it.
        trash::remove_unfinished(trash_folder)?;
        let name = folder_name(oldest);
        trash::discard(&self.folder, &name, trash_folder)
            .map_err(|error| Error::io("sweep the journal", &self.folder.path_of(&name), error))?;
        Ok(old.next().is_some())
    }
}
