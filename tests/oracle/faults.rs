//! The faults of a plan.

use support::oracle::WriterRole;

use crate::{plan::Fault, run::Run};

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
            Fault::Clock(seconds) => {
                self.clock.jump(seconds);
                self.figures.jumps += 1;
            }
            Fault::Folder(fault) => self.storage.inject(fault, &mut self.figures),
        }
    }

    fn disturb(&mut self, index: usize) {
        let now = self.clock.now();
        self.server_runs[self.numbers[index]].disturbed.push(now);
    }
}
