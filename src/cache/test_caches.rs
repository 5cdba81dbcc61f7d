//! What [`cache()`](super::cache()) returns in tests.

use std::{
    ffi::OsStr,
    path::Path,
    sync::{Arc, LazyLock, PoisonError, RwLock},
    thread::{self, ThreadId},
};

use super::{Cache, journal_handle::JournalHandle, journal_source::JournalSource};
use crate::{
    config::{Config, EXAMPLE_EVENTS, app_dir},
    error::Error,
};

/// The cache of tests that have installed none. A test must not save in the app's own cache.
static SHARED: LazyLock<Cache> = LazyLock::new(|| {
    Cache::lazy_in(None, |observations| {
        JournalHandle::in_memory(config_of_app()?, observations)
    })
});

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
            app_dir: None,
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

/// The cache of the test that this code belongs to; `None` if this program is not a test.
pub(super) fn cache_of_test() -> Option<&'static Cache> {
    installed().or_else(cache_of_other_tests)
}

/// The cache of all tests that have installed none; `None` if this program is not a test.
pub(crate) fn cache_of_other_tests() -> Option<&'static Cache> {
    static IS_TEST_PROGRAM: LazyLock<bool> = LazyLock::new(is_test_program);
    IS_TEST_PROGRAM.then(|| &*SHARED)
}

/// A machine that only runs the tests may have no `.env`. Which events there are matters to no save.
fn config_of_app() -> Result<Config, Error> {
    let result = Config::from_env();
    if result.is_err() && !app_dir().join(".env").exists() {
        return Config::new(app_dir(), EXAMPLE_EVENTS);
    }
    result
}

/// The cache that the test has installed to which this code belongs.
fn installed() -> Option<&'static Cache> {
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

/// Whether this program is a test, a benchmark or an example of the documentation. Cargo also builds the
/// app itself with the feature `testing` for a test that runs it, and that must use its real cache.
fn is_test_program() -> bool {
    std::env::current_exe().is_ok_and(|program| is_test(&program) || is_doctest(&program))
}

/// Cargo adds a hash of 16 digits to the names of tests, and none to those of programs.
fn is_test(program: &Path) -> bool {
    let name = program.file_stem().and_then(OsStr::to_str);
    let hash = name.and_then(|name| name.rsplit_once('-'));
    let is_digit = |c: u8| matches!(c, b'0'..=b'9' | b'a'..=b'f');
    hash.is_some_and(|(_, hash)| hash.len() == 16 && hash.bytes().all(is_digit))
}

/// Rustdoc builds `rust_out` in a temporary folder `rustdoctestXXXXXX`.
fn is_doctest(program: &Path) -> bool {
    let folder = program.parent().and_then(Path::file_name);
    let folder = folder.and_then(OsStr::to_str).unwrap_or_default();
    program.file_stem() == Some(OsStr::new("rust_out")) && folder.starts_with("rustdoctest")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{cache::cache, journal::CacheAddress};

    #[test]
    fn a_test_that_installs_no_cache_saves_in_memory_even_without_env() {
        assert!(Config::from_env().is_err());
        assert_eq!(cache().address().unwrap(), CacheAddress::Memory);
        cache().save_blocking("key", 1).unwrap();
    }

    #[test]
    fn only_programs_that_cargo_or_rustdoc_builds_as_tests_are_tests() {
        assert!(is_test_program());
        for (program, expected) in [
            ("/app/target/debug/deps/orders-0123456789abcdef", true),
            ("/tmp/rustdoctestAbC123/rust_out", true),
            ("/app/target/debug/orders", false),
            ("/app/target/debug/order-service", false),
            ("/srv/orders-0123456789abcde", false),
            ("/srv/orders-0123456789abcdefa", false),
            ("/srv/rust_out", false),
            ("/tmp/rustdoctestAbC123/orders", false),
        ] {
            let program = Path::new(program);
            let is_test = is_test(program) || is_doctest(program);
            assert_eq!(is_test, expected, "{program:?}");
        }
    }
}
