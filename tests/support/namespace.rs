//! Programs with mounts and limits of their own, in a mount and a user namespace.

use std::{
    io::{BufRead, BufReader},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::atomic::{AtomicUsize, Ordering},
};

use crate::{app::outside_cargo, program_file::write_script, running::Running};

/// Mounts a disk of this many bytes in the folder of the namespaces.
#[must_use]
pub fn mount_small_disk(bytes: u32) -> String {
    format!("mount -t tmpfs -o size={bytes} sse-tests \"$1\"")
}

/// Writes a shell script into a folder, for a program that is started by its path.
#[must_use]
pub fn write_program(folder: &Path, script: &str) -> PathBuf {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("program-{number}"));
    write_script(&path, script);
    path
}

/// Namespaces, which exist until this is dropped.
pub struct Namespace {
    /// The process that keeps them. It ends when the pipe to it is closed, so that a test that is
    /// killed leaves nothing behind.
    keeper: Running,
}

impl Namespace {
    /// Runs a shell command, with `folder` as `$1`, in new namespaces. It is root there.
    #[track_caller]
    #[must_use]
    pub fn start(setup: &str, folder: &Path) -> Self {
        let script = format!("{setup} && echo ready && exec cat");
        let mut keeper = Command::new("unshare")
            .args(["--mount", "--user", "--map-root-user"])
            .args(["sh", "-c", &script, "sh"])
            .arg(folder)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is missing");
        let mut output = String::new();
        BufReader::new(keeper.stdout.take().unwrap())
            .read_line(&mut output)
            .unwrap();
        let keeper = Running(keeper);
        assert_eq!(
            output, "ready\n",
            "this needs a system that lets `unshare --mount --map-root-user` run `{setup}`"
        );
        Self { keeper }
    }

    /// `program` in the namespaces, with this working folder.
    #[must_use]
    pub fn command(&self, program: &Path, folder: &Path) -> Command {
        let mut command = Command::new("nsenter");
        command
            .args(["--target", &self.keeper.id().to_string()])
            .args(["--user", "--mount", "--preserve-credentials"])
            .args(["sh", "-c", r#"cd "$0" && exec "$@""#])
            .arg(folder)
            .arg(program)
            .stdin(Stdio::null());
        outside_cargo(&mut command);
        command
    }

    /// Replaces this process by `program` in the namespaces.
    #[must_use]
    pub fn script(&self, program: &Path, folder: &Path) -> String {
        let words = |command: &Command| {
            let words = std::iter::once(command.get_program()).chain(command.get_args());
            words
                .map(|word| format!("'{}'", word.to_str().unwrap()))
                .collect::<Vec<_>>()
                .join(" ")
        };
        format!(
            "#!/bin/sh\nexec {}\n",
            words(&self.command(program, folder))
        )
    }

    /// The path by which this process reaches a file that the namespaces have at `path`.
    #[must_use]
    pub fn outside_path(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.keeper.id()));
        root.join(path.strip_prefix("/").unwrap())
    }
}
