use std::{
    fs,
    sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel},
    time::Instant,
};

use super::*;
use crate::{Cache, Config, Sse, error::ErrorKind};

const DEADLINE: Duration = Duration::from_secs(10);

/// A sweeper whose steps wait until the test answers them.
struct ControlledSweeper {
    sweeper: Sweeper,
    journal: Arc<dyn Journal>,
    steps: Receiver<()>,
    answers: Sender<Result<bool, Error>>,
    _app: tempfile::TempDir,
}

impl ControlledSweeper {
    fn start() -> Self {
        let app = tempfile::tempdir().unwrap();
        let cache = Cache::open(&Config::new(app.path(), "a:k").unwrap()).unwrap();
        let journal = cache.journal_handle().unwrap().current().unwrap();
        let (step, steps) = channel();
        let (answers, answer) = channel::<Result<bool, Error>>();
        let sweeper = Sweeper::start(move |_| {
            step.send(()).unwrap();
            answer.recv().unwrap()
        });
        Self {
            sweeper: sweeper.unwrap(),
            journal,
            steps,
            answers,
            _app: app,
        }
    }

    fn request(&self) {
        self.sweeper.request(Arc::clone(&self.journal));
    }

    fn expect_step(&self) {
        self.steps.recv_timeout(DEADLINE).unwrap();
    }

    fn answer(&self, result: Result<bool, Error>) {
        self.answers.send(result).unwrap();
    }
}

#[test]
fn requests_do_not_wait_for_a_sweep_and_are_not_lost() {
    let controlled = ControlledSweeper::start();
    controlled.request();
    controlled.expect_step();
    // While that step lasts:
    for _ in 0..10 {
        controlled.request();
    }
    controlled.answer(Ok(true));
    controlled.expect_step();
    controlled.answer(Ok(false));
    // All requests together have one more sweep.
    controlled.expect_step();
    controlled.answer(Err(Error::new(ErrorKind::Value, "a fault".to_owned())));
    assert!(
        controlled
            .steps
            .recv_timeout(Duration::from_millis(50))
            .is_err(),
        "nothing is requested"
    );
    controlled.request();
    controlled.expect_step();
    controlled.answer(Ok(false));
}

#[test]
fn a_sweep_ends_after_the_current_step_when_the_server_stops() {
    let ControlledSweeper {
        sweeper,
        journal,
        steps,
        answers,
        _app,
    } = ControlledSweeper::start();
    sweeper.request(journal);
    steps.recv_timeout(DEADLINE).unwrap();
    drop(sweeper);
    answers.send(Ok(true)).unwrap();
    let end = steps.recv_timeout(DEADLINE);
    assert_eq!(end, Err(RecvTimeoutError::Disconnected));
}

#[test]
fn a_server_removes_old_folders_when_it_starts_and_whenever_one_is_complete() {
    let app = tempfile::tempdir().unwrap();
    let config = Config::new(app.path(), "a:k").unwrap().with_history(1);
    let cache = Cache::open(&config).unwrap();
    let save = |count| {
        for value in 0..count {
            cache.save_blocking("k", value).unwrap();
        }
    };
    let sse_folder = config.cache_dir().join(".sse");
    let until_gone = |folder: &str| {
        let start = Instant::now();
        while sse_folder.join(folder).exists()
            || fs::read_dir(sse_folder.join("trash")).is_ok_and(|mut trash| trash.next().is_some())
        {
            assert!(start.elapsed() < DEADLINE, "{folder} is not removed");
            std::thread::sleep(Duration::from_millis(5));
        }
    };
    save(2_100);
    let _sse = Sse::from_cache(&cache);
    until_gone("journal-2/000000000000");
    until_gone("journal-2/000000000001");
    // A sweep may come just before the entry after a folder's last is saved, so the next one removes it.
    save(2_000);
    until_gone("journal-2/000000000002");
}
