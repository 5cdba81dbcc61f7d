//! The one process that takes drop-ins, at work.

use std::{
    collections::HashMap,
    fs::{self, File},
    io,
    path::Path,
    time::{Duration, Instant},
};

use super::{
    claim::{Claim, Settled},
    watch::CacheWatch,
};
use crate::{
    config::Config,
    error::Error,
    fault::Fault,
    journal::{
        Interrupt, Journal,
        file::{FileJournal, same_file, sweep_orphans},
    },
};

/// So many drop-ins of one key wait for their writers to be done. Later ones stay where they are,
/// and count once if they are overwritten there.
pub(super) const MOST_CLAIMS: usize = 100;

/// How often what killed processes have left is looked for. It only takes room.
const SWEEP_EVERY: Duration = Duration::from_secs(600);

pub(super) struct Intake<'a> {
    journal: &'a FileJournal,
    config: &'a Config,
    interrupt: &'a Interrupt,
    /// Oldest first.
    claims: Vec<Claim>,
    /// By key: one drop-in that cannot be taken does not keep the others.
    faults: HashMap<String, Fault>,
    swept: Option<Instant>,
    sweeping: Fault,
}

/// Why no more drop-ins are taken without anything being wrong.
pub(super) enum Ended {
    /// There are none to take for now: another process takes them, or nobody shall.
    Idle,
    /// The configuration is no longer the one that this began with.
    Reconfigured,
}

impl<'a> Intake<'a> {
    pub(super) fn new(
        journal: &'a FileJournal,
        config: &'a Config,
        interrupt: &'a Interrupt,
    ) -> Self {
        Self {
            journal,
            config,
            interrupt,
            claims: Vec::new(),
            faults: HashMap::new(),
            swept: None,
            sweeping: Fault::of("unfinished files of killed programs are not removed"),
        }
    }

    /// Takes drop-ins until it shall end, or the configuration is no longer `in_force`, or the folder
    /// is replaced, or its lock is lost. Returns at once while another process takes them.
    pub(super) fn serve(&mut self, in_force: impl Fn() -> bool) -> Result<Ended, Error> {
        if !self.journal.is_current() {
            return Ok(Ended::Idle);
        }
        let folder = self.journal.folder();
        folder.make(&folder.claimed())?;
        folder.make(&folder.ready())?;
        let path = folder.claimed().join(".lock");
        let cannot = |error| Error::io("lock the drop-ins", &path, error);
        // Held until this returns; the kernel lets go of it when the process is killed.
        let lock = folder.access().lock_file(&path).map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(Ended::Idle),
            Err(fs::TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let mut watch = CacheWatch::new(folder.path(), self.config.events().keys());
        self.recover(&mut watch)?;
        while !self.interrupt.is_raised() && self.journal.is_current() && is_at(&lock, &path) {
            if !in_force() {
                return Ok(Ended::Reconfigured);
            }
            self.claim_all(&mut watch);
            let wait = self.settle_all(&mut watch);
            self.sweep();
            watch.wait(wait.min(self.config.poll_interval()), self.interrupt);
        }
        Ok(Ended::Idle)
    }

    /// Goes on with what a process that was killed has left.
    fn recover(&mut self, watch: &mut CacheWatch) -> Result<(), Error> {
        let folder = self.journal.folder();
        for name in names(&folder.ready())? {
            // A link or a device would become an entry that nobody can read.
            if is(&folder.ready().join(&name), fs::FileType::is_file) {
                Claim::finish_ready(&name, self.journal)?;
            }
        }
        for name in names(&folder.claimed())? {
            let dir = folder.claimed().join(&name);
            if !is(&dir, fs::FileType::is_dir) {
                continue;
            }
            match names(&dir)?.pop() {
                Some(key) => self.claims.push(Claim::recovered(name, key, &dir, watch)),
                // It fails where something else is in it, which is none of ours.
                None => drop(fs::remove_dir(&dir)),
            }
        }
        Ok(())
    }

    fn claim_all(&mut self, watch: &mut CacheWatch) {
        for key in self.config.events().keys() {
            let waiting = self.claims.iter().filter(|claim| claim.key() == key);
            if waiting.count() >= MOST_CLAIMS {
                continue;
            }
            let path = self.journal.folder().path().join(key);
            let result = match fs::symlink_metadata(&path) {
                Ok(found) if found.is_file() => {
                    Claim::take(key, &path, self.journal.folder(), watch)
                }
                // Folders, links, devices: none of them is a drop-in.
                Ok(_) => Ok(None),
                Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
                Err(error) => Err(Error::io("look for drop-ins", &path, error)),
            };
            match result {
                Ok(claim) => self.claims.extend(claim),
                Err(error) => fault(&mut self.faults, key).report(&error),
            }
        }
    }

    fn sweep(&mut self) {
        if self.swept.is_some_and(|last| last.elapsed() < SWEEP_EVERY) {
            return;
        }
        self.swept = Some(Instant::now());
        match sweep_orphans(self.journal.folder()) {
            Ok(()) => self.sweeping.clear(),
            Err(error) => self.sweeping.report(&error),
        }
    }

    /// Turns every claim whose writer has gone into an entry, and says when to look at the others.
    fn settle_all(&mut self, watch: &mut CacheWatch) -> Duration {
        let mut waiting: Vec<Claim> = Vec::new();
        for mut claim in std::mem::take(&mut self.claims) {
            // A later drop-in of the same key comes after the earlier, however long that takes.
            if waiting.iter().any(|earlier| earlier.key() == claim.key()) {
                waiting.push(claim);
                continue;
            }
            match claim.settle(self.journal, self.config, watch) {
                Ok(Settled::Done) => fault(&mut self.faults, claim.key()).clear(),
                Ok(Settled::HasWriter) => waiting.push(claim),
                Err(error) => {
                    fault(&mut self.faults, claim.key()).report(&error);
                    waiting.push(claim);
                }
            }
        }
        self.claims = waiting;
        let wait = self.claims.iter().map(Claim::wait).min();
        wait.unwrap_or(self.config.poll_interval())
    }
}

fn fault<'a>(faults: &'a mut HashMap<String, Fault>, key: &str) -> &'a mut Fault {
    faults
        .entry(key.to_owned())
        .or_insert_with(|| Fault::of("a drop-in is not taken"))
}

/// Whether there is something of this type. Links are not followed.
fn is(path: &Path, file_type: fn(&fs::FileType) -> bool) -> bool {
    fs::symlink_metadata(path).is_ok_and(|found| file_type(&found.file_type()))
}

/// Whether `file` is still what `path` leads to.
fn is_at(file: &File, path: &Path) -> bool {
    match (file.metadata(), fs::metadata(path)) {
        (Ok(held), Ok(found)) => same_file(&held, &found),
        _ => false,
    }
}

/// The names in `dir` that do not begin with a dot, in their order.
pub(super) fn names(dir: &Path) -> Result<Vec<String>, Error> {
    let cannot = |error| Error::io("look for drop-ins", dir, error);
    let mut names = Vec::new();
    for item in fs::read_dir(dir).map_err(cannot)? {
        let name = item.map_err(cannot)?.file_name().into_string();
        names.extend(name.ok().filter(|name| !name.starts_with('.')));
    }
    names.sort_unstable();
    Ok(names)
}
