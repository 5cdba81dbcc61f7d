//! Files and folders that get their name only when they are finished.

use std::{fs::File, io};

use super::{open_folder::OpenFolder, permissions::Permissions, random::unfinished_name};

/// A random name is taken with a probability near 0, so more attempts than this mean another fault.
const MAX_NAME_ATTEMPTS: u32 = 16;

/// A file or folder under a random name with a leading dot. Dropping it removes the file or folder,
/// unless it was renamed to its final name.
#[derive(Debug)]
pub(crate) struct UnfinishedItem<'a> {
    parent: &'a OpenFolder,
    /// `None` once the item has its final name.
    name: Option<String>,
}

impl Permissions {
    pub(super) fn create_unfinished_folder<'a>(
        &self,
        parent: &'a OpenFolder,
    ) -> io::Result<(OpenFolder, UnfinishedItem<'a>)> {
        create_with_random_name(parent, |name| self.create_folder(parent, name))
    }

    pub(crate) fn create_unfinished_file<'a>(
        &self,
        parent: &'a OpenFolder,
    ) -> io::Result<(File, UnfinishedItem<'a>)> {
        create_with_random_name(parent, |name| self.create_file(parent, name))
    }
}

impl<'a> UnfinishedItem<'a> {
    /// The unfinished file with this name, which exists.
    pub(super) fn new(parent: &'a OpenFolder, name: String) -> Self {
        Self {
            parent,
            name: Some(name),
        }
    }

    /// Keeps it under its unfinished name, and returns this name. `None` if it has its final name.
    pub(super) fn into_name(mut self) -> Option<String> {
        self.name.take()
    }

    /// Renames it to its final name; fails with `AlreadyExists` if the name is taken.
    pub(crate) fn rename_new(mut self, to: &OpenFolder, name: &str) -> io::Result<()> {
        self.try_rename_new(to, name)
    }

    /// The same, but another name can be tried after a failure.
    pub(super) fn try_rename_new(&mut self, to: &OpenFolder, name: &str) -> io::Result<()> {
        if let Some(unfinished_name) = &self.name {
            self.parent.rename_new(unfinished_name, to, name)?;
            self.name = None;
        }
        Ok(())
    }

    /// The name that it was renamed to is not final, so another can be tried.
    pub(super) fn return_name(&mut self, name: String) {
        self.name = Some(name);
    }

    /// Renames it to its final name and replaces the file that has it.
    pub(crate) fn replace(mut self, name: &str) -> io::Result<()> {
        if let Some(unfinished_name) = &self.name {
            self.parent.rename(unfinished_name, self.parent, name)?;
            self.name = None;
        }
        Ok(())
    }
}

impl Drop for UnfinishedItem<'_> {
    /// The server later removes what cannot be removed now.
    fn drop(&mut self) {
        let Some(name) = &self.name else { return };
        if self.parent.remove_file(name).is_ok() {
            return;
        }
        if let Ok(folder) = self.parent.open_folder(name) {
            for item in folder.names().unwrap_or_default() {
                let _ = folder
                    .remove_file(&item)
                    .or_else(|_| folder.remove_folder(&item));
            }
            let _ = self.parent.remove_folder(name);
        }
    }
}

fn create_with_random_name<'a, T>(
    parent: &'a OpenFolder,
    create: impl Fn(&str) -> io::Result<T>,
) -> io::Result<(T, UnfinishedItem<'a>)> {
    let mut attempts = 0..MAX_NAME_ATTEMPTS;
    loop {
        let name = unfinished_name()?;
        match create(&name) {
            Ok(created) => {
                let name = Some(name);
                return Ok((created, UnfinishedItem { parent, name }));
            }
            Err(error)
                if error.kind() == io::ErrorKind::AlreadyExists && attempts.next().is_some() => {}
            Err(error) => return Err(error),
        }
    }
}
