//! The app on disk: its folder, its workspace, and its files as they are before a change.

pub(crate) mod app_files;
pub(crate) mod cache_location;
pub(crate) mod folder;
mod git_origin;
pub(crate) mod library;
pub(crate) mod workspace;
