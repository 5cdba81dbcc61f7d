//! Drop-ins that were removed before they were read.

use super::{
    super::{losses::Losses, retries::Shortage},
    failing::{restricted_app, set_mode},
    *,
};

fn shortage(app: &App) -> Shortage {
    Shortage::new(app.claimed())
}

#[test]
fn the_loss_of_a_drop_in_of_a_private_key_is_not_recorded() {
    let app = App::for_events("a:k1:private,b:k2");
    let journal = app.journal();
    let surroundings = app.surroundings(&journal);
    let (mut losses, now) = (Losses::new(), Instant::now());
    losses.note("k1");
    losses.note("k2");
    losses.record(&surroundings, now, &mut shortage(&app));
    assert_eq!(keys(&*journal), ["k2"]);
    losses.record(&surroundings, now, &mut shortage(&app));
    assert_eq!(keys(&*journal), ["k2"], "it is recorded once");
}

#[test]
fn a_loss_that_cannot_be_recorded_is_recorded_after_a_delay() {
    let Some(app) = restricted_app() else { return };
    let journal = app.journal();
    let surroundings = app.surroundings(&journal);
    let _impersonation = journal.cache_folder().impersonate_owner().unwrap();
    let entries = app.cache().join(".sse/journal-2/000000000000");
    set_mode(&entries, 0o500);
    let (mut losses, start) = (Losses::new(), Instant::now());
    losses.note("k1");
    losses.record(&surroundings, start, &mut shortage(&app));
    let retry_at = losses.next_record().unwrap();
    assert!(retry_at > start);
    set_mode(&entries, 0o700);
    losses.record(&surroundings, start, &mut shortage(&app));
    assert!(keys(&*journal).is_empty(), "it is not due");
    losses.record(&surroundings, retry_at, &mut shortage(&app));
    assert_eq!(keys(&*journal), ["k1"]);
    assert_eq!(losses.next_record(), None);
}

#[test]
fn a_program_that_removes_files_in_a_loop_adds_an_entry_for_each_key_once_a_second() {
    let app = App::new();
    let journal = app.journal();
    let surroundings = app.surroundings(&journal);
    let (mut losses, start) = (Losses::new(), Instant::now());
    let record = |losses: &mut Losses, now| {
        for key in ["k1", "k2", "k1"] {
            losses.note(key);
        }
        losses.record(&surroundings, now, &mut shortage(&app));
    };
    record(&mut losses, start);
    assert_eq!(keys(&*journal), ["k1", "k2"]);
    record(&mut losses, start + Duration::from_millis(999));
    assert_eq!(keys(&*journal), ["k1", "k2"]);
    assert_eq!(losses.next_record(), Some(start + Duration::from_secs(1)));
    record(&mut losses, start + Duration::from_secs(1));
    assert_eq!(keys(&*journal), ["k1", "k2", "k1", "k2"]);
}

/// The journal of a server that saves in Redis stays when the folder goes.
#[test]
fn a_claimed_drop_in_is_lost_with_its_folder() {
    if !platform::IS_LINUX {
        // Other systems cannot tell that a file still has a writer.
        return;
    }
    let (app, elsewhere) = (App::new(), App::new());
    let journal = elsewhere.journal();
    let _ingest = super::super::start(
        Arc::clone(&journal) as Arc<dyn Journal>,
        Box::new(|config| CacheFolder::prepare(config).map(Arc::new)),
        app.config_poller(),
        Observations::new(),
    )
    .unwrap();
    until("the folder is used", || app.claimed().exists());
    // Its writer has not closed it, so it stays in the folder of claimed drop-ins.
    let mut writer = File::create(app.cache().join("k1")).unwrap();
    writer.write_all(b"1").unwrap();
    until("it is claimed", || !app.cache().join("k1").exists());
    fs::rename(app.cache(), app.dir.path().join("moved")).unwrap();
    until("the loss is recorded", || keys(&*journal) == ["k1"]);
}

fn keys(journal: &dyn Journal) -> Vec<String> {
    let entries = journal.read_from(1, 10).unwrap().entries;
    let keys = entries.iter().map(|entry| entry.as_ref().unwrap().key());
    keys.map(str::to_owned).collect()
}
