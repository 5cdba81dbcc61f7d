//! `sse` under strace, which lists its system calls, kills it at one of them, or makes one fail.

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

/// System calls that change files. Those with a question mark do not exist on all processors.
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

/// System calls that only read files, or the state of a descriptor. A call in neither list fails the
/// tests, so that it is added to the right one when `sse` begins to use it.
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
    pub name: String,
    /// It is the call with this number among those of its name, counted from 1.
    number: usize,
    /// The line that strace prints.
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

/// Runs `sse` in the app to its end, and lists its calls on files in the app's folder.
///
/// strace counts the calls of each thread separately. Only the first thread uses these files; others
/// only read code.
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
            assert!(!touches, "this is not the first thread: {line}");
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
            "this system call is in neither list: {line}"
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

/// Lists the calls that change something.
#[must_use]
pub fn changes(app: &Path, arguments: &[&str]) -> Vec<Call> {
    let mut calls = calls(app, arguments);
    calls.retain(|call| call.changes);
    calls
}

fn opens_to_read(name: &str, line: &str) -> bool {
    name.starts_with("open") && line.contains("O_RDONLY") && !line.contains("O_CREAT")
}

/// Runs `sse` in the app, and kills it when it enters this call.
pub fn kill_at(call: &Call, app: &Path, arguments: &[&str]) -> Result<(), String> {
    let (output, log) = inject(call, "signal=KILL", "", app, arguments);
    let reached = log.lines().rev().find(|line| line.contains('('));
    if output.status.signal() == Some(9) && reached.is_some_and(|line| line.contains(&call.name)) {
        Ok(())
    } else {
        Err(format!(
            "`sse` was not killed at this call: {output:?}\n{log}"
        ))
    }
}

/// Runs `sse` in the app with this call failing, and optionally all later calls of its name.
#[must_use]
pub fn fail_at(
    call: &Call,
    error: &str,
    permanently: bool,
    app: &Path,
    arguments: &[&str],
) -> Output {
    let more = if permanently { "+" } else { "" };
    let (output, log) = inject(call, &format!("error={error}"), more, app, arguments);
    assert!(
        log.contains("(INJECTED)"),
        "`sse` did not reach this call: {log}"
    );
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

/// Tries all cases, several at a time, and fails with all errors.
pub fn try_all<C: Sync>(cases: &[C], attempt: impl Fn(&C) -> Result<(), String> + Sync) {
    assert!(!cases.is_empty());
    let next = AtomicUsize::new(0);
    let wrong = Mutex::new(Vec::new());
    // Two per core, because the cases mostly wait for the disk.
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
