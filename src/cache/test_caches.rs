//! What [`cache()`](super::cache()) returns in tests.

use std::{
    path::Path,
    sync::{Arc, PoisonError, RwLock},
    thread::{self, ThreadId},
};

use super::{Cache, journal_handle::JournalHandle, journal_source::JournalSource};

/// The newest is last.
static INSTALLED: RwLock<Vec<Installed>> = RwLock::new(Vec::new());

/// A cache for the code of one test: for the thread that the test runs on, and for the threads of its
/// runtime on which handlers may block.
struct Installed {
    thread: ThreadId,
    runtime: Option<RuntimeId>,
    cache: &'static Cache,
}

#[cfg(feature = "actix")]
type RuntimeId = tokio::runtime::Id;
#[cfg(not(feature = "actix"))]
type RuntimeId = ();

#[cfg(feature = "actix")]
fn current_runtime() -> Option<RuntimeId> {
    let runtime = tokio::runtime::Handle::try_current().ok()?;
    Some(runtime.id())
}

#[cfg(not(feature = "actix"))]
fn current_runtime() -> Option<RuntimeId> {
    None
}

/// Makes [`cache()`](super::cache()) return this cache in the test that creates it, until it is dropped.
pub(crate) struct Installation {
    cache: &'static Cache,
}

impl Installation {
    pub(crate) fn new(handle: &Arc<JournalHandle>) -> Self {
        // Leaked, because `cache()` returns a static reference. It does not keep the journal open.
        let cache: &'static Cache = Box::leak(Box::new(Cache {
            source: JournalSource::of_test(handle),
        }));
        let installed = Installed {
            thread: thread::current().id(),
            runtime: current_runtime(),
            cache,
        };
        let mut list = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        list.push(installed);
        Self { cache }
    }
}

impl Drop for Installation {
    fn drop(&mut self) {
        let mut list = INSTALLED.write().unwrap_or_else(PoisonError::into_inner);
        list.retain(|installed| !std::ptr::eq(installed.cache, self.cache));
    }
}

/// The cache of the test that this code belongs to.
pub(super) fn installed() -> Option<&'static Cache> {
    let list = INSTALLED.read().unwrap_or_else(PoisonError::into_inner);
    if list.is_empty() {
        return None;
    }
    let (thread, runtime) = (thread::current().id(), current_runtime());
    let is_here = |installed: &&Installed| {
        installed.thread == thread || (runtime.is_some() && installed.runtime == runtime)
    };
    list.iter().rev().find(is_here).map(|found| found.cache)
}

/// Whether this code belongs to a test with a cache of its own.
#[cfg(feature = "actix")]
pub(crate) fn is_installed() -> bool {
    installed().is_some()
}

/// Whether this program is a test or benchmark that cargo has built. Cargo also builds the app itself with
/// the feature `testing` for a test that runs it, and that must use its real cache.
pub(super) fn is_test_program() -> bool {
    std::env::current_exe().is_ok_and(|program| is_name_of_test(&program))
}

/// Cargo adds a hash of 16 digits to the names of tests, and none to those of programs.
fn is_name_of_test(program: &Path) -> bool {
    let name = program.file_stem().and_then(|name| name.to_str());
    let hash = name.and_then(|name| name.rsplit_once('-'));
    let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    hash.is_some_and(|(_, hash)| hash.len() == 16 && hash.bytes().all(is_digit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_that_installs_no_cache_writes_nothing_to_the_apps_folder() {
        let app = tempfile::tempdir().unwrap();
        let config = crate::Config::new(app.path(), "a:k").unwrap();
        let handle = crate::cache::open_of_app(config).unwrap();
        assert_eq!(handle.append(b"entry").unwrap().cursor.last_received(), 1);
        assert_eq!(std::fs::read_dir(app.path()).unwrap().count(), 0);
    }

    #[test]
    fn only_programs_that_cargo_builds_as_tests_are_tests() {
        assert!(is_test_program());
        for (program, is_test) in [
            ("/app/target/debug/deps/orders-0123456789abcdef", true),
            ("/app/target/debug/orders", false),
            ("/app/target/debug/order-service", false),
            ("/srv/orders-0123456789abcde", false),
            ("/srv/orders-0123456789abcdefa", false),
        ] {
            assert_eq!(is_name_of_test(Path::new(program)), is_test, "{program}");
        }
    }
}
