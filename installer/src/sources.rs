//! The app's pages, scripts and code, as `install`, `uninstall` and `doctor` search them.

pub(crate) mod script_tags;
pub(crate) mod source_files;
pub(crate) mod source_folders;
pub(crate) mod tag_place;
