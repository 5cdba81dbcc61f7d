//! Rule 3: the oldest folder is removed as a whole.

use super::{file_journal::FileJournal, layout::folder_name, open_folder::OpenFolder, trash};
use crate::error::Error;

impl FileJournal {
    /// Removes the oldest folders while at least `keep` entries remain. The newest folder is never
    /// removed, because the next one is created in it.
    pub(super) fn sweep_keeping(&self, keep: u64) -> Result<(), Error> {
        let trash_folder = self.cache_folder.trash_folder()?;
        // Usually there is one folder, and nothing to remove.
        if self.folder_numbers()?.len() > 1 {
            self.sweep_through(
                &trash_folder,
                self.find_newest_number()?.saturating_sub(keep),
            )?;
        }
        trash::delete_contents(&trash_folder)
    }

    /// Removes the folders whose entries all have numbers up to `last_number`, except the newest folder.
    ///
    /// A writer may be in the middle of the system call that renames an unfinished folder in the
    /// oldest folder to the next folder's name, with both already looked up: the call still succeeds
    /// after the oldest folder was moved. While the next folder exists, its name is taken and the call
    /// fails. So the next folder must not be removed before the unfinished files of the oldest are.
    pub(super) fn sweep_through(
        &self,
        trash_folder: &OpenFolder,
        last_number: u64,
    ) -> Result<(), Error> {
        let newest_folder = self.newest_folder()?.number();
        let numbers = self.folder_numbers()?;
        for number in numbers.into_iter().take_while(|number| {
            *number < newest_folder && self.layout.last_number(*number) <= last_number
        }) {
            // Another process may have discarded the folder before, without having emptied it.
            trash::remove_unfinished(trash_folder)?;
            let name = folder_name(number);
            trash::discard(&self.folder, &name, trash_folder).map_err(|error| {
                Error::io("sweep the journal", &self.folder.path_of(&name), error)
            })?;
        }
        Ok(())
    }
}
