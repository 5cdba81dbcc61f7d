//! `sse` under strace, which lists its system calls, and kills it at one of them or lets one fail.

use std::{
    collections::BTreeMap,
    fs,
    os::unix::process::ExitStatusExt,
    path::Path,
    process::{Command, Output},
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    thread,
};

use crate::app::sse_in;

/// The system calls that change files. Those with a question mark some processors do not have.
const CHANGING: &[&str] = &[
    "openat",
    "?open",
    "?creat",
    "openat2",
    "write",
    "pwrite64",
    "writev",
    "pwritev",
    "pwritev2",
    "sendfile",
    "splice",
    "copy_file_range",
    "fallocate",
    "truncate",
    "ftruncate",
    "fsync",
    "fdatasync",
    "sync_file_range",
    "?rename",
    "?renameat",
    "renameat2",
    "?link",
    "linkat",
    "?symlink",
    "symlinkat",
    "?unlink",
    "unlinkat",
    "?mkdir",
    "mkdirat",
    "?rmdir",
    "?mknod",
    "mknodat",
    "?chmod",
    "fchmod",
    "fchmodat",
    "?fchmodat2",
    "?chown",
    "fchown",
    "?lchown",
    "fchownat",
    "utimensat",
    "setxattr",
    "lsetxattr",
    "fsetxattr",
    "removexattr",
    "fremovexattr",
    "ioctl",
];

/// Those that only look at files, or at what a descriptor is. A call that is neither here nor
/// there fails the tests: whoever makes `sse` use it has to say what it is.
const READING: &[&str] = &[
    "access",
    "chdir",
    "close",
    "execve",
    "faccessat",
    "faccessat2",
    "fcntl",
    "flock",
    "fstat",
    "getcwd",
    "getdents64",
    "inotify_add_watch",
    "lseek",
    "lstat",
    "mmap",
    "newfstatat",
    "pread64",
    "read",
    "readlink",
    "readlinkat",
    "stat",
    "statfs",
    "statx",
];

/// One system call on a file of the app.
#[derive(Clone, Debug)]
pub struct Call {
    /// Its name.
    pub name: String,
    /// How many calls of that name there were up to it, itself included.
    number: usize,
    /// As strace writes it.
    pub line: String,
    /// Whether it can change anything.
    pub changes: bool,
}

impl std::fmt::Display for Call {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self {
            name, number, line, ..
        } = self;
        let line: String = line.chars().take(160).collect();
        write!(f, "{name} number {number}: {line}")
    }
}

/// Runs `sse` in the app to its end, and lists its calls on what is in the app's folder.
///
/// strace counts the calls of each thread for itself. Other threads than the first only read
/// code, so the first one's are all there is to list.
#[must_use]
pub fn calls(app: &Path, arguments: &[&str]) -> Vec<Call> {
    let options = ["--follow-forks", "--decode-fds=path"];
    let (output, log) = strace(app, &options, arguments);
    assert!(output.status.success(), "{output:?}");
    let folder = app.canonicalize().unwrap();
    let folder = folder.to_str().unwrap();
    let mut counts = BTreeMap::new();
    let mut calls = Vec::new();
    let mut first_thread = None;
    for line in log.lines() {
        let (thread, line) = line.split_once(' ').unwrap();
        let line = line.trim_start();
        let Some((name, _)) = line.split_once('(') else {
            continue;
        };
        let touches = name != "execve" && line.contains(folder);
        if *first_thread.get_or_insert(thread) != thread {
            assert!(!touches, "another thread than the first: {line}");
            continue;
        }
        let number = counts.entry(name.to_owned()).or_insert(0);
        *number += 1;
        if !touches {
            continue;
        }
        let can_change = CHANGING
            .iter()
            .any(|known| known.trim_start_matches('?') == name);
        assert!(
            can_change || READING.contains(&name),
            "does this system call change anything? {line}"
        );
        calls.push(Call {
            name: name.to_owned(),
            number: *number,
            line: line.to_owned(),
            changes: can_change && !opens_to_read(name, line),
        });
    }
    calls
}

/// Those of them that change something.
#[must_use]
pub fn changes(app: &Path, arguments: &[&str]) -> Vec<Call> {
    let mut calls = calls(app, arguments);
    calls.retain(|call| call.changes);
    calls
}

fn opens_to_read(name: &str, line: &str) -> bool {
    name.starts_with("open") && line.contains("O_RDONLY") && !line.contains("O_CREAT")
}

/// Runs `sse` in the app, and kills it as it enters this call.
pub fn kill_at(call: &Call, app: &Path, arguments: &[&str]) -> Result<(), String> {
    let (output, log) = inject(call, "signal=KILL", "", app, arguments);
    let reached = log.lines().rev().find(|line| line.contains('('));
    if output.status.signal() == Some(9) && reached.is_some_and(|line| line.contains(&call.name)) {
        Ok(())
    } else {
        Err(format!("it was not killed there: {output:?}\n{log}"))
    }
}

/// Runs `sse` in the app with this call failing, and if so wanted every later one of its name.
#[must_use]
pub fn fail_at(call: &Call, error: &str, for_good: bool, app: &Path, arguments: &[&str]) -> Output {
    let more = if for_good { "+" } else { "" };
    let (output, log) = inject(call, &format!("error={error}"), more, app, arguments);
    assert!(log.contains("(INJECTED)"), "it did not get there: {log}");
    output
}

fn inject(call: &Call, what: &str, more: &str, app: &Path, arguments: &[&str]) -> (Output, String) {
    let Call { name, number, .. } = call;
    let only = format!("--trace={name}");
    let inject = format!("--inject={name}:{what}:when={number}{more}");
    strace(app, &[&only, &inject], arguments)
}

fn strace(app: &Path, options: &[&str], arguments: &[&str]) -> (Output, String) {
    let log = tempfile::NamedTempFile::new().unwrap();
    let sse = sse_in(app);
    let mut strace = Command::new("strace");
    strace
        .args([
            "--quiet=attach,personality",
            "--string-limit=16",
            "--output",
        ])
        .arg(log.path())
        .args(options)
        .arg("--")
        .arg(sse.get_program())
        .args(arguments)
        .current_dir(app)
        .stdin(std::process::Stdio::null());
    for (name, value) in sse.get_envs() {
        match value {
            Some(value) => strace.env(name, value),
            None => strace.env_remove(name),
        };
    }
    let output = strace.output().expect("strace is missing");
    (output, fs::read_to_string(log.path()).unwrap())
}

/// Tries all cases, several at once, and fails with all that went wrong.
pub fn try_all<C: Sync>(cases: &[C], attempt: impl Fn(&C) -> Result<(), String> + Sync) {
    assert!(!cases.is_empty());
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    // Most of the time is spent waiting for the disk.
    let threads = 2 * thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                while let Some(case) = cases.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if let Err(error) = attempt(case) {
                        wrong.lock().unwrap().push(error);
                    }
                }
            });
        }
    });
    let wrong = wrong.into_inner().unwrap();
    assert!(
        wrong.is_empty(),
        "{} of {} cases:\n\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n\n")
    );
}
