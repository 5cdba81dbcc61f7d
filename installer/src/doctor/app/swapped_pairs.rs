//! Pairs of `SSE_EVENTS` whose event and cache key may be swapped. Both are names, so only their use shows it.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use actix_web_sse::cli_support::has_any_value;
use actix_web_sse::{Cache, Config, Events};

use crate::doctor::finding::{Check, Finding};
use crate::sources::source_files::{FileKind, SourceFile};

const CHECK: Check = Check("events");

/// What speaks for a swap of one pair.
struct Evidence<'a> {
    pair: (&'a str, &'a str),
    /// In words.
    found: String,
    /// What is right if the pair is.
    instead: String,
    is_listener: bool,
}

/// `has_redis_journal` is `None` if the cache is a folder.
pub(super) fn check(
    config: &Config,
    has_redis_journal: Option<bool>,
    sources: &[SourceFile],
) -> Vec<Finding> {
    let events = config.events();
    let saves = Saves::of(config, has_redis_journal);
    let found = events
        .iter()
        .filter_map(|pair| Evidence::find(&saves, sources, pair));
    // Saves under the key show that the pair is right.
    let is_used = |key| saves.under(key).is_some() || is_saved_by_code(sources, key);
    let (slips, swapped): (Vec<_>, Vec<_>) = found.partition(|evidence| is_used(evidence.pair.1));
    let corrected = corrected(events, &swapped);
    let slips = slips.iter().map(Evidence::slip);
    let swapped = swapped.iter().map(|evidence| evidence.swap(&corrected));
    slips.chain(swapped).collect()
}

impl<'a> Evidence<'a> {
    fn find(saves: &Saves<'_>, sources: &[SourceFile], pair: (&'a str, &'a str)) -> Option<Self> {
        let (event, key) = pair;
        let saved = saves.under_event(event);
        let is_listener = saved.is_none();
        Some(Self {
            pair,
            found: saved.or_else(|| listener_for_key(saves.config.events(), sources, key))?,
            instead: match is_listener {
                true => format!("listen for the event `{event}`"),
                false => format!("save under the key `{key}`"),
            },
            is_listener,
        })
    }

    fn slip(&self) -> Finding {
        let (event, key) = self.pair;
        let message = format!(
            "{}, but the event `{event}` has the key `{key}`",
            self.found
        );
        match self.is_listener {
            true => CHECK.warning(message, &self.instead),
            // It may have been saved once, by hand.
            false => CHECK.tip(message, &self.instead),
        }
    }

    fn swap(&self, corrected: &str) -> Finding {
        let ((event, key), Self { found, instead, .. }) = (self.pair, self);
        CHECK.warning(
            format!("event and cache key of `{event}:{key}` in SSE_EVENTS may be swapped: {found}"),
            format!("the event comes first, then its cache key: if this pair is right, {instead}; if it is swapped, write SSE_EVENTS={corrected}"),
        )
    }
}

fn corrected(events: &Events, swapped: &[Evidence<'_>]) -> String {
    let pairs = events.iter().map(|(event, key)| {
        let is_swapped = swapped.iter().any(|evidence| evidence.pair == (event, key));
        let (first, second) = if is_swapped {
            (key, event)
        } else {
            (event, key)
        };
        let mark = if events.is_private(key) {
            ":private"
        } else {
            ""
        };
        format!("{first}:{second}{mark}")
    });
    pairs.collect::<Vec<_>>().join(",")
}

/// What programs have saved in the app's cache.
struct Saves<'a> {
    config: &'a Config,
    /// `None` if it has no journal, because to open it would create one, or only that of another user, because to open
    /// it could leave files that the server may not write.
    cache: Option<Cache>,
}

impl<'a> Saves<'a> {
    fn of(config: &'a Config, has_redis_journal: Option<bool>) -> Self {
        let is_own = || {
            let user = rustix::process::geteuid().as_raw();
            let journal = fs::metadata(config.cache_dir().join(".sse"));
            journal.is_ok_and(|metadata| metadata.uid() == user)
        };
        let has_journal = has_redis_journal.unwrap_or_else(is_own);
        let cache = has_journal.then(|| Cache::open(config).ok()).flatten();
        Self { config, cache }
    }

    /// A drop-in or a value with the event's name as its key, in words. `None` if the name is also a key.
    fn under_event(&self, event: &str) -> Option<String> {
        let is_key = self.config.events().of_key(event).next().is_some();
        if is_key || event.contains('/') || event.starts_with('.') {
            return None;
        }
        self.under(event)
    }

    /// A drop-in or a value with this key, in words.
    fn under(&self, key: &str) -> Option<String> {
        let is_file =
            |path: &PathBuf| fs::symlink_metadata(path).is_ok_and(|found| found.is_file());
        if let Some(drop_in) = self.config.drop_in_path(key).filter(is_file) {
            return Some(format!("a program has saved {}", drop_in.display()));
        }
        let cache = self.cache.as_ref()?;
        let is_public = cache.get_blocking(key).ok()?.is_some();
        // Without the shared index, so only where it is needed.
        let is_private = || {
            self.config.events().is_private(key) && has_any_value(cache, key).unwrap_or_default()
        };
        (is_public || is_private()).then(|| format!("a value was saved under the key `{key}`"))
    }
}

fn is_saved_by_code(sources: &[SourceFile], key: &str) -> bool {
    let calls = ["save", "save_blocking"].map(|method| format!("{method}(\"{key}\""));
    let mut code = sources.iter().filter(|file| file.kind == FileKind::Rust);
    code.any(|file| calls.iter().any(|call| file.text.contains(call)))
}

/// A page or script with a listener for the name of the cache key. `None` if the name is also an event.
fn listener_for_key(events: &Events, sources: &[SourceFile], key: &str) -> Option<String> {
    if events.contains(key) {
        return None;
    }
    let mut sources = sources.iter();
    let source = sources.find(|source| {
        !source.is_server_code() && !source.is_client() && listens_for(source, key)
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
        let page = SourceFile::for_test("public/index.html", FileKind::Page, page);
        check(&config, None, &[page])
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

    /// The suggestion must not make a private key public.
    #[test]
    fn the_corrected_list_keeps_private_keys() {
        let app = tempfile::tempdir().expect("a folder");
        let env = "SSE_EVENTS=order:orders:private,stock_levels:stock:private,a:b\n";
        let page = "<script>sse.on('stock', f)</script>";
        let help = findings(app.path(), env, page)[0].help.clone();
        let expected = "SSE_EVENTS=order:orders:private,stock:stock_levels:private,a:b";
        assert!(help.is_some_and(|help| help.ends_with(expected)));
    }

    #[test]
    fn a_slip_does_not_question_a_pair_that_the_app_uses() {
        const ENV: &str = "SSE_EVENTS=order:orders,stock_levels:stock\n";
        let app = tempfile::tempdir().expect("a folder");
        let app = app.path();
        let slip = |page: &str, is_problem: bool, message: &str, help: &str| {
            let found = findings(app, ENV, page);
            let [finding] = &found[..] else {
                panic!("{message}: {found:?}")
            };
            assert_eq!(finding.is_problem(), is_problem, "{finding:?}");
            assert!(finding.message.starts_with(message), "{finding:?}");
            assert_eq!(finding.help.as_deref(), Some(help));
        };
        findings(app, ENV, "");
        let config = Config::from_dir(app).expect("it is valid");
        let cache = Cache::open(&config).expect("it can be opened");
        let save = |key| cache.save_blocking(key, 1).expect("it can be saved");
        save("order");
        assert!(findings(app, ENV, "")[0].message.contains("swapped"));
        let help = "save under the key `orders`";
        let found = findings(app, ENV, "");
        assert!(
            found[0]
                .help
                .as_deref()
                .is_some_and(|text| text.contains(help))
        );
        let code = "cache().save(\"orders\", &order).await?;";
        let code = SourceFile::for_test("src/main.rs", FileKind::Rust, code);
        assert!(!check(&config, None, &[code])[0].is_problem());
        save("orders");
        let message =
            "a value was saved under the key `order`, but the event `order` has the key `orders`";
        slip("", false, message, help);

        cache.delete_blocking("order").expect("it can be deleted");
        let message = "public/index.html listens for `orders`, but";
        let help = "listen for the event `order`";
        slip("<script>sse.on('orders', f)</script>", true, message, help);
        assert_eq!(findings(app, ENV, ""), []);
    }

    #[test]
    fn values_for_audiences_show_that_a_pair_is_right() {
        let app = tempfile::tempdir().expect("a folder");
        let env = "SSE_EVENTS=order:orders:private\n";
        let page = "<script>sse.on('orders', f)</script>";
        assert!(
            findings(app.path(), env, page)[0]
                .message
                .contains("swapped")
        );
        let config = Config::from_dir(app.path()).expect("it is valid");
        let cache = Cache::open(&config).expect("it can be opened");
        let save = cache.save("orders", 1).to("user:42");
        save.blocking().expect("it can be saved");
        let found = &findings(app.path(), env, page)[0];
        assert!(!found.message.contains("swapped"), "{found:?}");
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
