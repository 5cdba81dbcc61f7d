//! Streams while another program damages the journal.

use super::*;
use crate::{Cache, Config, platform::IS_LINUX};

/// The cache as another process opens it.
fn other_process(app: &TestSse) -> Cache {
    Cache::open(&Config::new(app.folder(), "a:k").unwrap()).unwrap()
}

/// Where the system notifies, only that tells the tail.
fn poll_rarely(config: Config) -> Config {
    match IS_LINUX {
        true => config.with_poll_interval(Duration::from_secs(60)),
        false => config,
    }
}

/// Removes the entries 4 and 5, which are the newest, as if an older copy had been restored.
fn set_back(app: &TestSse) {
    let folder = app.file(".sse/journal-2/000000000000");
    for number in 4..=5 {
        fs::remove_file(folder.join(format!(".{number:020}"))).unwrap();
    }
    let mark = fs::File::options()
        .write(true)
        .open(folder.join(".high-water"));
    mark.unwrap().set_len(4).unwrap();
}

#[actix_web::test]
async fn numbers_that_are_assigned_again_are_a_gap() {
    let app = app(poll_rarely);
    let mut stream = app.connect();
    let other = other_process(&app);
    for value in 1..=5 {
        other.save_blocking("k", value).unwrap();
        assert_eq!(stream.next::<u64>("a").await, value);
    }
    set_back(&app);
    other.save_blocking("k", 40).unwrap();
    assert_eq!(stream.expect_gap().await, "other-epoch");
    app.cache().save_blocking("k", 6).unwrap();
    let mut next = stream.next::<u64>("a").await;
    // If the journal is replaced before that save has ended, it is repeated in the new one.
    if next == 40 {
        next = stream.next::<u64>("a").await;
    }
    assert_eq!(next, 6);
}

#[actix_web::test]
async fn numbers_from_before_the_start_that_are_assigned_again_are_a_gap() {
    let app = TestSse::in_folder_with("a:k", poll_rarely).with_deadline(DEADLINE);
    let other = other_process(&app);
    for value in 1..=5 {
        other.save_blocking("k", value).unwrap();
    }
    let mut stream = app.connect();
    for value in 1..=5 {
        assert_eq!(stream.next::<u64>("a").await, value);
    }
    // After the first check, the tail begins to watch the folder.
    for _ in 0..2 {
        app.sse().state().unwrap().hub.check_ring().await;
    }
    set_back(&app);
    other.save_blocking("k", 40).unwrap();
    assert_eq!(stream.expect_gap().await, "other-epoch");
}

#[actix_web::test]
async fn a_folder_of_entries_that_was_replaced_by_a_copy_is_read() {
    let app = app(|config| config);
    let mut stream = app.connect();
    for value in 1..=3 {
        other_process(&app).save_blocking("k", value).unwrap();
        assert_eq!(stream.next::<u64>("a").await, value);
    }
    let folder = app.file(".sse/journal-2/000000000000");
    let former = app.folder().join("former");
    fs::rename(&folder, &former).unwrap();
    fs::create_dir(app.folder().join("copy")).unwrap();
    for item in fs::read_dir(&former).unwrap() {
        let item = item.unwrap();
        fs::copy(
            item.path(),
            app.folder().join("copy").join(item.file_name()),
        )
        .unwrap();
    }
    fs::rename(app.folder().join("copy"), &folder).unwrap();
    other_process(&app).save_blocking("k", 4).unwrap();
    assert_eq!(stream.next::<u64>("a").await, 4);
}
