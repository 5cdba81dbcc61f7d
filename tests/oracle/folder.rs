//! Journals in a cache folder.

mod archive;
mod faults;
mod journal;
mod overflow;
mod plan;
mod remover;
mod storage;
mod stray_files;

pub(crate) use self::{
    plan::{FolderFault, of_other_programs, random},
    storage::FolderStorage,
};
