//! Where a run has its journals.

use support::oracle::At;

use crate::{archive::Archive, figures::Figures, folder::FolderFault, journal::Journal};

/// The place of the journals, and what happens to it.
pub(crate) trait Storage {
    /// The value of `SSE_CACHE` for a process; `None` for the folder below the app's folder.
    fn address(&self, process: usize) -> Option<String>;

    fn inject(&mut self, fault: FolderFault, figures: &mut Figures);

    /// An error if the copy of the journals is broken.
    fn check(&self) -> Result<(), String>;

    /// Lets all faults end.
    fn calm(&mut self, figures: &mut Figures) -> Result<(), String>;

    /// Calls this with the journal that is in place, with everything that was saved.
    fn with_current(&self, work: &mut dyn FnMut(Option<&Journal>));

    /// When each fault began and ended.
    fn disturbances(&self) -> Vec<(At, At)>;

    /// Hands out the journals, or says what is wrong beside them.
    fn end(self: Box<Self>) -> (Archive, Result<(), String>);
}
