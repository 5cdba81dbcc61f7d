//! The faults of a plan.

use std::sync::Arc;

use fastrand::Rng;
use support::oracle::WriterRole;

use crate::{
    overflow,
    plan::Fault,
    remover::Remover,
    run::{Run, cache},
    stray_files,
};

impl Run {
    pub(crate) fn inject(&mut self, fault: Fault) {
        match fault {
            Fault::KillServer(index, duration) => {
                self.servers[index].kill();
                self.figures.kills += 1;
                self.due.push((self.clock.now() + duration, index));
            }
            Fault::StopServer(index) => {
                self.servers[index].process.stop();
                self.disturb(index);
                self.figures.stops += 1;
            }
            Fault::ContinueServer(index) => {
                self.servers[index].process.resume();
                self.disturb(index);
            }
            Fault::KillWriter(index) => {
                self.writers[index].process.child().kill().unwrap();
                self.figures.kills += 1;
                let writer = self.new_writer(WriterRole::Random);
                let mut former = std::mem::replace(&mut self.writers[index], writer);
                former.process.child().wait().unwrap();
                self.former_writers.push(former);
            }
            Fault::Flood => {
                let writer = self.new_writer(WriterRole::Flood);
                self.floods.push(writer);
            }
            Fault::StopWriter(index) => {
                self.writers[index].process.stop();
                self.figures.stops += 1;
            }
            Fault::ContinueWriter(index) => self.writers[index].process.resume(),
            Fault::Overflow => {
                self.figures.overflows += u64::from(overflow::fill_queues(&cache(self.app.path())));
            }
            Fault::MoveCache => {
                self.figures.moves += 1;
                let to = self
                    .app
                    .path()
                    .join(format!("former-{}", self.figures.moves));
                let cache = cache(self.app.path());
                if cache.exists() {
                    self.archive.move_cache(&cache, &to, &self.clock);
                }
            }
            Fault::Clock(seconds) => {
                self.clock.jump(seconds);
                self.figures.jumps += 1;
            }
            Fault::Truncate(back) => {
                self.figures.truncated += self.archive.truncate_entries(&back, &self.clock) as u64;
            }
            Fault::Remove(back) => {
                self.figures.removed += self.remover().remove_entries(&back) as u64;
            }
            Fault::Clear(how, seed) => {
                self.figures.clears += 1;
                self.clears.push(self.remover().clear(how, seed));
            }
            Fault::LoseNewest(leaves) => {
                let to = self.app.path().join("lost-folder");
                let lost = self.remover().lose_newest_folder(leaves, &to);
                self.figures.lost_folders += u64::from(lost);
            }
            Fault::StrayNames(seed) => {
                stray_files::put_names(&cache(self.app.path()), &mut Rng::with_seed(seed));
            }
            Fault::Links(seed) => {
                let mut rng = Rng::with_seed(seed);
                self.outside.put_links(&cache(self.app.path()), &mut rng);
            }
        }
    }

    fn disturb(&mut self, index: usize) {
        let now = self.clock.now();
        self.server_runs[self.numbers[index]].disturbed.push(now);
    }

    fn remover(&self) -> Remover {
        Remover {
            archive: self.archive.share(),
            clock: Arc::clone(&self.clock),
            cache: cache(self.app.path()),
        }
    }
}
