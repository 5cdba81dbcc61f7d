//! Reads of workers, which must not wait.

use std::{
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use super::open_with_small_folders;
use crate::{
    config::Config,
    journal::{Journal, file::test_hooks::set_hooks},
};

#[test]
fn a_cached_read_does_not_wait_for_a_check_of_its_folder() {
    let app = tempfile::tempdir().unwrap();
    let config = Config::new(app.path(), "a:k").unwrap();
    let journal = Arc::new(open_with_small_folders(&config));
    journal.append(b"1").unwrap();
    journal.read_from(1, 1).unwrap();
    let read_meanwhile = {
        let journal = Arc::clone(&journal);
        move || {
            let journal = Arc::clone(&journal);
            let (sender, has_read) = mpsc::channel();
            thread::spawn(move || {
                journal.read_cached(1);
                sender.send(())
            });
            has_read.recv_timeout(Duration::from_secs(10)).unwrap();
        }
    };
    set_hooks(read_meanwhile, false);
    assert!(journal.is_intact_up_to(1).unwrap());
    set_hooks(|| (), false);
}
