//! `sse` killed at every step, by SIGKILL, which no program can answer: whatever it leaves, the
//! next run of either command takes to its end.
//!
//! Nothing here is left to timing. A run under strace lists the system calls that change files;
//! then there is one run for each of them that is killed as it enters the call.

use support::tracing::{Call, changes, kill_at, try_all};

use crate::owned::{APPS, Make, Owned, Snapshot, does, is, uninterrupted};

/// One place to be killed at, and what is expected of the runs after it.
struct Case {
    app: &'static str,
    make: Make,
    before: Snapshot,
    installed: Snapshot,
    /// The command that is killed, and the one that comes after it.
    killed: &'static str,
    then: &'static str,
    at: Call,
}

#[test]
fn install_is_completed_or_undone_wherever_it_is_killed() {
    killed("install");
}

#[test]
fn uninstall_is_completed_or_undone_wherever_it_is_killed() {
    killed("uninstall");
}

fn killed(command: &'static str) {
    let mut cases = Vec::new();
    for (app, make) in APPS {
        let (before, installed) = uninterrupted(make);
        let traced = Owned::new(make);
        if command == "uninstall" {
            does(&traced, "install").unwrap();
        }
        let changes = changes(traced.path(), &[command]);
        assert!(changes.len() > 4, "{app}: {changes:?}");
        for at in changes {
            cases.extend(["install", "uninstall"].map(|then| Case {
                app,
                make,
                before: before.clone(),
                installed: installed.clone(),
                killed: command,
                then,
                at: at.clone(),
            }));
        }
    }
    try_all(&cases, |case| {
        let Case {
            app,
            killed,
            then,
            at,
            ..
        } = case;
        case.run()
            .map_err(|error| format!("{app}: {killed} killed at {at}\n  then {then}: {error}"))
    });
}

impl Case {
    fn run(&self) -> Result<(), String> {
        let app = Owned::new(self.make);
        if self.killed == "uninstall" {
            does(&app, "install")?;
        }
        kill_at(&self.at, app.path(), &[self.killed])?;
        does(&app, self.then)?;
        if self.then == "install" {
            is(&app, &self.installed)?;
            does(&app, "uninstall")?;
        }
        is(&app, &self.before)
    }
}
