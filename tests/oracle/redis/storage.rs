//! Journals in Redis.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

use support::oracle::At;

use super::{
    archive::RedisFollower,
    deployment::{Deployment, ZONES},
    faults::Injector,
    plan::RedisPlan,
    view::{self, View},
};
use crate::{
    archive::Archive, clock::Clock, figures::Figures, folder::FolderFault, journal::Journal,
    storage::Storage,
};

/// When all faults have ended, the master answers within this time, even on a busy machine.
const MAX_ANSWER_TIME: Duration = Duration::from_secs(20);

pub(crate) struct RedisStorage {
    follower: RedisFollower,
    clock: Arc<Clock>,
    urls: Vec<String>,
    ends: Arc<AtomicBool>,
    /// While it injects faults.
    injecting: Option<JoinHandle<(Injector, Result<u64, String>)>>,
    injector: Option<Injector>,
}

impl RedisStorage {
    /// `keep` entries are never swept.
    pub(crate) fn start(plan: RedisPlan, keep: u64, clock: &Arc<Clock>) -> Self {
        let deployment = Deployment::start(plan.topology, plan.fsync);
        let urls = (0..ZONES).map(|zone| deployment.url(zone)).collect();
        let follower = RedisFollower::start(&deployment.dirs(), keep, clock);
        let ends = Arc::new(AtomicBool::new(false));
        let mut injector = Injector {
            deployment,
            archive: follower.share(),
            clock: Arc::clone(clock),
            ends: Arc::clone(&ends),
            disturbances: Vec::new(),
            skipped: 0,
        };
        let injecting = thread::spawn(move || {
            let result = injector.run(&plan);
            (injector, result)
        });
        Self {
            follower,
            clock: Arc::clone(clock),
            urls,
            ends,
            injecting: Some(injecting),
            injector: None,
        }
    }

    fn join(&mut self) -> Result<u64, String> {
        let Some(injecting) = self.injecting.take() else {
            return Ok(0);
        };
        let (injector, result) = injecting
            .join()
            .map_err(|_| "the faults of Redis have failed")?;
        self.injector = Some(injector);
        result
    }

    /// What the master has, once all faults have ended.
    fn view(&self) -> Option<View> {
        let dir = self.injector.as_ref()?.deployment.master().dir();
        let end = Instant::now() + MAX_ANSWER_TIME;
        loop {
            match view::read(dir, &mut None) {
                Ok(view) => return view,
                Err(_) if Instant::now() > end => return None,
                Err(_) => thread::sleep(Duration::from_millis(20)),
            }
        }
    }
}

impl Storage for RedisStorage {
    fn address(&self, process: usize) -> Option<String> {
        Some(self.urls[process % ZONES].clone())
    }

    fn inject(&mut self, _: FolderFault, _: &mut Figures) {}

    fn check(&self) -> Result<(), String> {
        match &self.follower.lock().archive.broken {
            Some(why) => Err(why.clone()),
            None => Ok(()),
        }
    }

    fn calm(&mut self, figures: &mut Figures) -> Result<(), String> {
        figures.redis_faults += self.join()?;
        Ok(())
    }

    fn with_current(&self, work: &mut dyn FnMut(Option<&Journal>)) {
        let view = self.view();
        let mut archive = self.follower.lock();
        while archive.poll(&self.clock) {}
        let current = view.and_then(|view| view.current(&archive.archive));
        archive.archive.current = current;
        work(archive.archive.current());
    }

    fn disturbances(&self) -> Vec<(At, At)> {
        let injector = self.injector.as_ref();
        injector.map_or_else(Vec::new, |injector| injector.disturbances.clone())
    }

    fn end(mut self: Box<Self>) -> (Archive, Result<(), String>) {
        self.ends.store(true, Ordering::SeqCst);
        let result = self.join();
        self.with_current(&mut |_| {});
        (self.follower.end(), result.map(drop))
    }
}

impl Drop for RedisStorage {
    /// Ends the faults of a run that has failed.
    fn drop(&mut self) {
        self.ends.store(true, Ordering::SeqCst);
    }
}
