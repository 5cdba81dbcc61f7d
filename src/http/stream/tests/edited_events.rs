//! Ids between two events of one entry, after `SSE_EVENTS` was edited.

use std::path::Path;

use super::*;

/// The ids and names of the events of a server with this `SSE_EVENTS`, up to the event `end`.
async fn received(dir: &Path, events: &str, in_memory: usize, id: &str) -> Vec<(String, String)> {
    let config = Config::new(dir, events).unwrap();
    let app = TestSse::open(&config.with_entries_in_memory(in_memory)).with_deadline(DEADLINE);
    let mut stream = app.resume(id);
    let mut received = Vec::new();
    loop {
        let event = stream.next_event().await;
        let name = event.name().to_owned();
        let is_last = name == "end";
        received.push((event.id.unwrap(), name));
        if is_last {
            return received;
        }
    }
}

#[actix_web::test]
async fn an_id_between_two_events_means_the_same_after_an_edit() {
    let dir = tempfile::tempdir().unwrap();
    let before_edit = "a:k,b:k,c:k,end:e";
    let app = TestSse::open(&Config::new(dir.path(), before_edit).unwrap());
    let start = format!("{}-0", app.journal().epoch());
    app.cache().save_blocking("k", 1).unwrap();
    app.cache().save_blocking("e", 2).unwrap();
    let all = received(dir.path(), before_edit, 100, &start).await;
    assert_eq!(all.len(), 4, "{all:?}");
    let (id, first) = &all[0];
    let rest: Vec<&String> = all[1..].iter().map(|(_, name)| name).collect();
    let edits = [
        "c:k,b:k,a:k,end:e",
        "b:k,end:e,c:k,a:k",
        "b:k,c:k,a:k,added:k,end:e",
        "added:other,c:k,end:e,a:k,b:k",
    ];
    // From memory, and from the journal.
    for in_memory in [100, 1] {
        for edit in edits {
            let after = received(dir.path(), edit, in_memory, id).await;
            let names = after.iter().map(|(_, name)| name);
            let known: Vec<&String> = names.filter(|name| *name != "added").collect();
            assert_eq!(known, rest, "after `{first}`, with {edit}");
        }
    }
    for removed in &rest[..2] {
        let edit = before_edit.replace(&format!("{removed}:k,"), "");
        let after = received(dir.path(), &edit, 100, id).await;
        let names: Vec<&String> = after.iter().map(|(_, name)| name).collect();
        let expected: Vec<&String> = rest
            .iter()
            .copied()
            .filter(|name| name != removed)
            .collect();
        assert_eq!(names, expected, "with {edit}");
    }
}
