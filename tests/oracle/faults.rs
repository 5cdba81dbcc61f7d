//! What each fault of the plan does.

use std::sync::Arc;

use fastrand::Rng;
use support::oracle::WriterRole;

use crate::{
    noise,
    plan::Fault,
    remover::Remover,
    strays,
    world::{World, cache},
};

impl World {
    pub(crate) fn befall(&mut self, fault: Fault) {
        match fault {
            Fault::KillServer(place, for_a_while) => {
                self.servers[place].kill();
                self.figures.kills += 1;
                self.due.push((self.clock.now() + for_a_while, place));
            }
            Fault::StopServer(place) => {
                self.servers[place].process.stop();
                self.disturb(place);
                self.figures.stops += 1;
            }
            Fault::ContinueServer(place) => {
                self.servers[place].process.go_on();
                self.disturb(place);
            }
            Fault::KillWriter(place) => {
                self.writers[place].process.child().kill().unwrap();
                self.figures.kills += 1;
                let writer = self.new_writer(WriterRole::Random);
                let mut former = std::mem::replace(&mut self.writers[place], writer);
                former.process.child().wait().unwrap();
                self.former_writers.push(former);
            }
            Fault::Flood => {
                let writer = self.new_writer(WriterRole::Flood);
                self.floods.push(writer);
            }
            Fault::StopWriter(place) => {
                self.writers[place].process.stop();
                self.figures.stops += 1;
            }
            Fault::ContinueWriter(place) => self.writers[place].process.go_on(),
            Fault::Overflow => {
                self.figures.overflows += u64::from(noise::make(&cache(self.app.path())));
            }
            Fault::Swap => {
                self.figures.swaps += 1;
                let to = self
                    .app
                    .path()
                    .join(format!("former-{}", self.figures.swaps));
                let cache = cache(self.app.path());
                if cache.exists() {
                    self.truth.swap(&cache, &to, &self.clock);
                }
            }
            Fault::Clock(seconds) => {
                self.clock.jump(seconds);
                self.figures.jumps += 1;
            }
            Fault::Spoil(back) => {
                self.figures.spoilt += self.truth.spoil(&back, &self.clock) as u64;
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
                strays::put_names(&cache(self.app.path()), &mut Rng::with_seed(seed));
            }
            Fault::Links(seed) => {
                let mut rng = Rng::with_seed(seed);
                self.outside.put_links(&cache(self.app.path()), &mut rng);
            }
        }
    }

    fn disturb(&mut self, place: usize) {
        let now = self.clock.now();
        self.lives[self.numbers[place]].disturbed.push(now);
    }

    fn remover(&self) -> Remover {
        Remover {
            truth: self.truth.shared(),
            clock: Arc::clone(&self.clock),
            cache: cache(self.app.path()),
        }
    }
}
