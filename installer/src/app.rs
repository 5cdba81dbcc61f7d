//! The app on disk: its folder, its workspace, and its files as they are before a change.

pub(crate) mod cache_folder;
pub(crate) mod folder;
mod git_origin;
pub(crate) mod installation;
pub(crate) mod library;
pub(crate) mod workspace;
