//! The app on disk: its kind, its folder, its workspace, and its files as they are before a change.

pub(crate) mod app_files;
pub(crate) mod cache_location;
pub(crate) mod codeigniter;
pub(crate) mod folder;
mod git_origin;
pub(crate) mod kind;
pub(crate) mod layout;
pub(crate) mod library;
pub(crate) mod public_folder;
pub(crate) mod rust_app;
pub(crate) mod script_files;
pub(crate) mod workspace;
