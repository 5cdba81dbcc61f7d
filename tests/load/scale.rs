//! Short and full runs, and their figures.

use std::{
    env,
    fmt::Display,
    fs::OpenOptions,
    future::Future,
    io::Write,
    sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

/// Whether this is a full run, whose figures are checked.
pub(crate) fn is_full() -> bool {
    env::var_os("LOAD").is_some_and(|value| value == "full")
}

/// One value for the full run, and one for the short run.
pub(crate) fn scale<T>(full: T, short: T) -> T {
    if is_full() { full } else { short }
}

static TURN: RwLock<()> = RwLock::new(());

/// Lets one of these tests run at a time, because they measure, with as many open files as the system
/// allows.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    allow_many_files();
    TURN.write().unwrap_or_else(PoisonError::into_inner)
}

/// Lets tests whose clients wait most of the time run beside each other, and beside no test that measures.
pub(crate) fn with_others_that_wait() -> RwLockReadGuard<'static, ()> {
    allow_many_files();
    TURN.read().unwrap_or_else(PoisonError::into_inner)
}

fn allow_many_files() {
    use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
}

/// Runs clients on this thread.
pub(crate) fn run<T>(clients: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    tokio::task::LocalSet::new().block_on(&runtime, clients)
}

/// Prints a figure, and appends it to the file of the full run.
pub(crate) fn figure(what: &str, value: impl Display) {
    println!("{what}: {value}");
    if let Some(path) = env::var_os("LOAD_FIGURES") {
        let mut file = OpenOptions::new()
            .create(true)
            .append(true)
            .open(path)
            .unwrap();
        writeln!(file, "{what}: {value}").unwrap();
    }
}
