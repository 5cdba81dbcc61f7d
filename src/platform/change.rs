//! Changes in a folder, as a watcher reports them.

/// The kinds of changes in a folder that are notified.
#[derive(Clone, Copy)]
pub(crate) enum ChangeKinds {
    /// A file or folder got its name by a rename.
    Renames,
    /// A program closed a file that it had open for writing.
    Writes,
    /// Both, and a file or folder was removed.
    RenamesWritesAndRemovals,
}

/// `Id` identifies a watched folder.
pub(crate) struct Notification<'a, Id> {
    pub(crate) watch: Id,
    /// The file in the watched folder, if its name is valid UTF-8.
    pub(crate) name: Option<&'a str>,
    /// The file was removed, not renamed to another place.
    pub(crate) is_removal: bool,
    /// The folder was removed, and its watch with it.
    pub(crate) is_watch_removed: bool,
}
