//! `sse` killed at every step, by SIGKILL, which a program cannot handle: the next run of either
//! command completes the work.
//!
//! Nothing here depends on timing. A run under strace lists the system calls that change files, and
//! for each of them one run is killed as it enters the call.

use support::tracing::{Call, changes, kill_at, try_all};

use crate::owned::{APPS, Make, Owned, Snapshot, compare, run, snapshots};

/// The call at which the command is killed, and the expected results of the next runs.
struct Case {
    app: &'static str,
    make: Make,
    before: Snapshot,
    installed: Snapshot,
    /// The command that is killed, and the next one.
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
        let (before, installed) = snapshots(make);
        let traced = Owned::new(make);
        if command == "uninstall" {
            run(&traced, "install").unwrap();
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
            run(&app, "install")?;
        }
        kill_at(&self.at, app.path(), &[self.killed])?;
        run(&app, self.then)?;
        if self.then == "install" {
            compare(&app, &self.installed)?;
            run(&app, "uninstall")?;
        }
        compare(&app, &self.before)
    }
}
