//! Injects the faults of a cache folder.

use std::sync::Arc;

use fastrand::Rng;

use super::{overflow, plan::FolderFault, remover::Remover, storage::FolderStorage, stray_files};
use crate::figures::Figures;

impl FolderStorage {
    pub(super) fn inject_fault(&mut self, fault: FolderFault, figures: &mut Figures) {
        match fault {
            FolderFault::Overflow => {
                figures.overflows += u64::from(overflow::fill_queues(&self.cache));
            }
            FolderFault::MoveCache => {
                figures.moves += 1;
                let to = self.app.join(format!("former-{}", figures.moves));
                if self.cache.exists() {
                    self.archive.move_cache(&self.cache, &to, &self.clock);
                }
            }
            FolderFault::Truncate(back) => {
                figures.truncated += self.archive.truncate_entries(&back, &self.clock) as u64;
            }
            FolderFault::Remove(back) => {
                figures.removed += self.remover().remove_entries(&back) as u64;
            }
            FolderFault::Clear(how, seed) => {
                figures.clears += 1;
                self.clears.push(self.remover().clear(how, seed));
            }
            FolderFault::LoseNewest(leaves) => {
                let to = self.app.join("lost-folder");
                let lost = self.remover().lose_newest_folder(leaves, &to);
                figures.lost_folders += u64::from(lost);
            }
            FolderFault::LoseDropIn => stray_files::lose_drop_in(&self.cache),
            FolderFault::StrayNames(seed) => {
                stray_files::put_names(&self.cache, &mut Rng::with_seed(seed));
            }
            FolderFault::Links(seed) => {
                let mut rng = Rng::with_seed(seed);
                self.outside.put_links(&self.cache, &mut rng);
            }
        }
    }

    fn remover(&self) -> Remover {
        Remover {
            archive: self.archive.share(),
            clock: Arc::clone(&self.clock),
            cache: self.cache.clone(),
        }
    }
}
