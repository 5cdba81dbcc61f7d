//! The one process that takes drop-ins, at work.

use std::{
    collections::{HashMap, HashSet},
    fs,
    time::{Duration, Instant},
};

use super::{
    claim::{self, Claim, Settled},
    watch::DropInWatch,
};
use crate::{
    config::Config,
    entry,
    error::{Error, one_line},
    journal::{
        Journal, Lookup,
        file::{Dir, FileJournal, discard, is_file, is_temporary, read_all, sweep_orphans},
    },
    key,
    runtime::{Interrupt, RepeatedError},
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
    faults: HashMap<String, RepeatedError>,
    swept: Option<Instant>,
    sweeping: RepeatedError,
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
            sweeping: RepeatedError::new(
                "unfinished files of killed programs are not removed",
                "unfinished files of killed programs are removed again",
            ),
        }
    }

    /// Takes drop-ins until it shall end, or the configuration is no longer `in_force`, or the folder
    /// is replaced, or its lock is lost. Returns at once while another process takes them.
    pub(super) fn serve(&mut self, in_force: impl Fn() -> bool) -> Result<Ended, Error> {
        if !self.journal.is_in_place() {
            return Ok(Ended::Idle);
        }
        let folder = self.journal.folder();
        let _impersonation = folder.impersonate_owner()?;
        let claimed = folder.claimed()?;
        let cannot = |error| Error::io("lock the drop-ins", folder.path(), error);
        // Held until this returns; the kernel lets go of it when the process is killed.
        let lock = self.journal.open_lock().map_err(cannot)?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(fs::TryLockError::WouldBlock) => return Ok(Ended::Idle),
            Err(fs::TryLockError::Error(error)) => return Err(cannot(error)),
        }
        let mut watch = DropInWatch::new(folder.cache(), self.config.events().keys());
        self.recover(&claimed, &mut watch)?;
        while !self.interrupt.is_raised() && self.journal.is_in_place() && !claimed.is_removed() {
            if !in_force() {
                return Ok(Ended::Reconfigured);
            }
            self.journal.stop_former_programs()?;
            self.claim_all(&claimed, &mut watch);
            let wait = self.settle_all(&claimed, &mut watch);
            self.sweep();
            watch.wait(wait.min(self.config.poll_interval()), self.interrupt);
        }
        Ok(Ended::Idle)
    }

    /// Goes on with what a process that was killed has left.
    fn recover(&mut self, claimed: &Dir, watch: &mut DropInWatch) -> Result<(), Error> {
        self.recover_ready(claimed)?;
        for name in names(claimed)? {
            // Other programs may have put links or devices here, which are none of ours.
            let Ok(dir) = claimed.open_dir(&name) else {
                continue;
            };
            match names(&dir)?.pop() {
                Some(key) if key::check(&key).is_ok() => {
                    self.claims.push(Claim::recovered(name, key, &dir, watch));
                }
                // It fails where something else is in it, which is none of ours.
                _ => drop(claimed.remove_dir(&name)),
            }
        }
        Ok(())
    }

    /// Appends the drop-ins that are ready, but those that the journal has already.
    fn recover_ready(&mut self, claimed: &Dir) -> Result<(), Error> {
        let folder = self.journal.folder();
        let ready = folder.ready()?;
        let mut found = Vec::new();
        for name in names(&ready)? {
            let document = ready
                .open_file(&name)
                .and_then(|mut file| read_all(&mut file));
            match document {
                Ok(document) => found.push((name, document)),
                Err(error) if is_temporary(&error) => {
                    let path = ready.path_of(&name);
                    return Err(Error::io("read the drop-in", &path, error));
                }
                // A link or a device would become an entry that nobody can read.
                Err(_) => {}
            }
        }
        let appended = self.appended(&found)?;
        for (name, document) in found {
            if let Err(error) = claim::remove_claim(&name, folder, claimed) {
                // Another user's, who keeps us from removing it: it must not hold up the others.
                fault(&mut self.faults, &name).report(&error);
                continue;
            }
            if appended.contains(&name) {
                claim::remove_ready(&name, &ready)?;
            } else if entry::drop_in_name(&document).as_ref() == Some(&name) {
                claim::append_ready(&name, &document, &ready, self.journal)?;
            } else {
                log::error!(
                    "the drop-in `{}` is left out: it is damaged",
                    one_line(&name)
                );
                let discarded = discard(&ready, &name, &folder.trash()?);
                discarded.map_err(|error| {
                    Error::io("remove the damaged drop-in", &ready.path_of(&name), error)
                })?;
            }
        }
        Ok(())
    }

    /// Which of these are entries of the journal. A server that was killed behind the append has
    /// left the ready file all the same.
    fn appended(&self, ready: &[(String, Vec<u8>)]) -> Result<HashSet<String>, Error> {
        let mut appended = HashSet::new();
        let mut number = self.journal.newest()?;
        while number > 0 && appended.len() < ready.len() {
            match self.journal.read(number)? {
                Lookup::Entry(bytes) => {
                    let name = entry::drop_in_name(&bytes);
                    appended.extend(name.filter(|name| ready.iter().any(|(it, _)| it == name)));
                }
                Lookup::Swept { .. } => break,
                Lookup::NotYet | Lookup::Broken(_) => {}
            }
            number -= 1;
        }
        Ok(appended)
    }

    fn claim_all(&mut self, claimed: &Dir, watch: &mut DropInWatch) {
        let folder = self.journal.folder();
        for key in self.config.events().keys() {
            let waiting = self.claims.iter().filter(|claim| claim.key() == key);
            if waiting.count() >= MOST_CLAIMS {
                continue;
            }
            let result = match folder.cache().stat(key) {
                Ok(Some(stat)) if is_file(&stat) => Claim::take(key, folder, claimed, watch),
                // Folders, links, devices: none of them is a drop-in.
                Ok(_) => Ok(None),
                Err(error) => {
                    let path = folder.cache().path_of(key);
                    Err(Error::io("look for drop-ins", &path, error))
                }
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
        self.journal.keep_fresh();
        match sweep_orphans(self.journal.folder()) {
            Ok(()) => self.sweeping.resolved(),
            Err(error) => self.sweeping.report(&error),
        }
    }

    /// Turns every claim whose writer has gone into an entry, and says when to look at the others.
    fn settle_all(&mut self, claimed: &Dir, watch: &mut DropInWatch) -> Duration {
        let mut waiting: Vec<Claim> = Vec::new();
        for mut claim in std::mem::take(&mut self.claims) {
            // A later drop-in of the same key comes after the earlier, however long that takes.
            if waiting.iter().any(|earlier| earlier.key() == claim.key()) {
                waiting.push(claim);
                continue;
            }
            match claim.settle(self.journal, claimed, self.config, watch) {
                Ok(Settled::Done) => fault(&mut self.faults, claim.key()).resolved(),
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

fn fault<'a>(faults: &'a mut HashMap<String, RepeatedError>, key: &str) -> &'a mut RepeatedError {
    faults.entry(key.to_owned()).or_insert_with(|| {
        RepeatedError::new("a drop-in is not ingested", "the drop-in was ingested")
    })
}

/// The names in `dir` that do not begin with a dot, in their order.
pub(super) fn names(dir: &Dir) -> Result<Vec<String>, Error> {
    let mut names = dir
        .names()
        .map_err(|error| Error::io("look for drop-ins", dir.path(), error))?;
    names.retain(|name| !name.starts_with('.'));
    names.sort_unstable();
    Ok(names)
}
