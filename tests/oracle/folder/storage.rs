//! Journals in a cache folder.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    thread::JoinHandle,
};

use support::oracle::At;

use super::{archive::ArchiveFollower, plan::FolderFault, stray_files::Outside};
use crate::{archive::Archive, clock::Clock, figures::Figures, journal::Journal, storage::Storage};

pub(crate) struct FolderStorage {
    pub(super) archive: ArchiveFollower,
    pub(super) clock: Arc<Clock>,
    /// The app's folder.
    pub(super) app: PathBuf,
    pub(super) cache: PathBuf,
    pub(super) outside: Outside,
    /// Programs that clear the cache.
    pub(super) clears: Vec<JoinHandle<()>>,
}

impl FolderStorage {
    pub(crate) fn start(app: &Path, clock: &Arc<Clock>) -> Self {
        let cache = app.join("writable/cache");
        Self {
            archive: ArchiveFollower::start(app, cache.clone(), Arc::clone(clock)),
            clock: Arc::clone(clock),
            app: app.to_owned(),
            cache,
            outside: Outside::new(app),
            clears: Vec::new(),
        }
    }
}

impl Storage for FolderStorage {
    fn address(&self, _: usize) -> Option<String> {
        None
    }

    fn inject(&mut self, fault: FolderFault, figures: &mut Figures) {
        self.inject_fault(fault, figures);
    }

    fn check(&self) -> Result<(), String> {
        match &self.archive.lock().broken {
            Some(why) => Err(why.clone()),
            None => Ok(()),
        }
    }

    fn calm(&mut self, _: &mut Figures) -> Result<(), String> {
        for clear in self.clears.drain(..) {
            clear.join().map_err(|_| "clearing the cache has failed")?;
        }
        Ok(())
    }

    fn with_current(&self, work: &mut dyn FnMut(Option<&Journal>)) {
        let archive = self.archive.up_to_date(&self.cache, &self.clock);
        work(archive.current());
    }

    fn disturbances(&self) -> Vec<(At, At)> {
        Vec::new()
    }

    fn end(self: Box<Self>) -> (Archive, Result<(), String>) {
        // Followed links explain all other failures.
        let result = self.outside.check();
        (self.archive.end(), result)
    }
}
