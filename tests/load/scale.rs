//! How much of it is done, and what is written down.

use std::{
    env,
    fmt::Display,
    fs::OpenOptions,
    future::Future,
    io::Write,
    sync::{Mutex, MutexGuard, PoisonError},
};

/// Whether all of it is done, and the figures count.
pub(crate) fn is_full() -> bool {
    env::var_os("LOAD").is_some_and(|value| value == "full")
}

/// One number for the full run, one for every other.
pub(crate) fn scale<T>(full: T, short: T) -> T {
    if is_full() { full } else { short }
}

/// One of these tests at a time: they measure. And as many open files as the system allows.
pub(crate) fn alone() -> MutexGuard<'static, ()> {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    static ALONE: Mutex<()> = Mutex::new(());
    let guard = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    guard
}

/// Runs clients on this thread.
pub(crate) fn run<T>(clients: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, clients)
}

/// Shows a figure, and writes it where the full run collects them.
pub(crate) fn figure(what: &str, is: impl Display) {
    println!("{what}: {is}");
    if let Some(path) = env::var_os("LOAD_FIGURES") {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        writeln!(file, "{what}: {is}").unwrap();
    }
}
