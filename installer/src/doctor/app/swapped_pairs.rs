//! Pairs of `SSE_EVENTS` whose event and cache key may be swapped. Both are names, so only their use shows it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use actix_web_sse::{Cache, Config, Events};

use crate::doctor::finding::{Check, Finding};
use crate::sources::source_files::{CLIENT_PATH, FileKind, SourceFile};

const CHECK: Check = Check("events");

pub(super) fn check(config: &Config, sources: &[SourceFile]) -> Vec<Finding> {
    let events = config.events();
    let swapped = events.iter().filter_map(|pair| {
        let evidence = saved_under_event(config, pair.0);
        let evidence = evidence.or_else(|| listener_for_key(events, sources, pair.1));
        Some((pair, evidence?))
    });
    let swapped: Vec<((&str, &str), String)> = swapped.collect();
    let corrected = corrected(events, &swapped);
    let findings = swapped.iter().map(|((event, key), evidence)| {
        CHECK.warning(
            format!("event and cache key of `{event}:{key}` in SSE_EVENTS may be swapped: {evidence}"),
            format!("the event comes first, then its cache key; if they are swapped, write SSE_EVENTS={corrected}"),
        )
    });
    findings.collect()
}

fn corrected(events: &Events, swapped: &[((&str, &str), String)]) -> String {
    let pairs = events.iter().map(|(event, key)| {
        let is_swapped = swapped.iter().any(|(pair, _)| *pair == (event, key));
        let (first, second) = if is_swapped {
            (key, event)
        } else {
            (event, key)
        };
        format!("{first}:{second}")
    });
    pairs.collect::<Vec<_>>().join(",")
}

/// A drop-in or a value that was saved under the event's name, which is no cache key.
fn saved_under_event(config: &Config, event: &str) -> Option<String> {
    let is_key = config.events().of_key(event).next().is_some();
    if is_key || event.contains('/') || event.starts_with('.') {
        return None;
    }
    let drop_in = config.cache_dir().join(event);
    if fs::symlink_metadata(&drop_in).is_ok_and(|metadata| metadata.is_file()) {
        return Some(format!("a program has saved {}", drop_in.display()));
    }
    has_value(config, event).then(|| format!("a value was saved under the key `{event}`"))
}

fn has_value(config: &Config, key: &str) -> bool {
    // To open another user's journal could leave files that the server may not write.
    let user = rustix::process::geteuid().as_raw();
    let journal = fs::metadata(config.cache_dir().join(".sse"));
    if !journal.is_ok_and(|metadata| metadata.uid() == user) {
        return false;
    }
    let entry = Cache::open(config).and_then(|cache| cache.get_blocking(key));
    entry.is_ok_and(|entry| entry.is_some())
}

/// A page or script that listens for the cache key, which is no event.
fn listener_for_key(events: &Events, sources: &[SourceFile], key: &str) -> Option<String> {
    if events.contains(key) {
        return None;
    }
    let mut sources = sources.iter();
    let source = sources.find(|source| {
        source.kind != FileKind::Rust && source.path != CLIENT_PATH && listens_for(source, key)
    })?;
    Some(format!("{} listens for `{key}`", source.path))
}

fn listens_for(source: &SourceFile, event: &str) -> bool {
    let quoted = ['\'', '"', '`'].map(|quote| format!("({quote}{event}{quote}"));
    let calls = ["on", "addEventListener"];
    quoted.iter().any(|quoted| {
        calls
            .iter()
            .any(|call| source.text.contains(&format!("{call}{quoted}")))
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn findings(app: &Path, env: &str, page: &str) -> Vec<Finding> {
        fs::write(app.join(".env"), env).expect("it can be written");
        let config = Config::from_dir(app).expect("it is valid");
        let page = SourceFile::new("public/index.html", FileKind::Page, page);
        check(&config, &[page])
    }

    #[test]
    fn a_value_under_the_events_name_or_a_listener_for_the_key_is_evidence() {
        const ENV: &str = "SSE_EVENTS=order:orders,stock_levels:stock\n";
        const SWAPPED: &str = "SSE_EVENTS=order:orders,stock:stock_levels";
        let app = tempfile::tempdir().expect("a folder");
        let app = app.path();
        let only = |page: &str, evidence: &str| {
            let found = findings(app, ENV, page);
            let [finding] = &found[..] else {
                panic!("{evidence}: {found:?}")
            };
            assert!(
                finding.is_problem() && finding.message.contains("`stock_levels:stock`"),
                "{finding:?}"
            );
            assert!(finding.message.ends_with(evidence), "{finding:?}");
            assert!(
                finding
                    .help
                    .as_deref()
                    .is_some_and(|help| help.ends_with(SWAPPED)),
                "{finding:?}"
            );
        };
        assert_eq!(
            findings(app, ENV, "<script>sse.on('stock_levels', f)</script>"),
            []
        );
        only(
            "<script>sse.on('stock', f)</script>",
            "public/index.html listens for `stock`",
        );
        only(
            "<script>events.addEventListener(\"stock\", f)</script>",
            "listens for `stock`",
        );
        assert_eq!(findings(app, ENV, "<script>save('stock')</script>"), []);

        let config = Config::from_dir(app).expect("it is valid");
        let cache = Cache::open(&config).expect("it can be opened");
        cache
            .save_blocking("stock_levels", 1)
            .expect("it can be saved");
        only("", "a value was saved under the key `stock_levels`");
        cache
            .delete_blocking("stock_levels")
            .expect("it can be deleted");
        assert_eq!(findings(app, ENV, ""), []);
        fs::write(app.join("writable/cache/stock_levels"), "1").expect("it can be written");
        only("", "writable/cache/stock_levels");
    }

    #[test]
    fn a_name_that_is_both_event_and_key_is_no_evidence() {
        let app = tempfile::tempdir().expect("a folder");
        let cache = app.path().join("writable/cache");
        fs::create_dir_all(&cache).expect("it can be created");
        fs::write(cache.join("a"), "1").expect("it can be written");
        let page = "<script>sse.on('a', f); sse.on('b', f)</script>";
        assert_eq!(findings(app.path(), "SSE_EVENTS=a:b,b:a\n", page), []);
        assert_eq!(findings(app.path(), "SSE_EVENTS=a:a\n", page), []);
    }
}
