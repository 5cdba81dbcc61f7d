//! System calls that fail: `sse` does all of its work, or none of it and reports that.

use std::process::Output;

use support::tracing::{Call, calls, fail_at, try_all};

use crate::owned::{APPS, AS_BEFORE, Make, Owned, Snapshot, compare, run, snapshots};

/// One call to fail.
struct Case {
    app: &'static str,
    make: Make,
    command: &'static str,
    at: Call,
    error: &'static str,
    /// Whether all later calls fail, too, as on a disk that stays full.
    permanently: bool,
    before: Snapshot,
    installed: Snapshot,
}

/// Errors of system calls.
const ERRORS: [&str; 3] = ["ENOSPC", "EACCES", "EIO"];

/// With this variable set to 1, each call fails with each error, not only with one of them.
const ALL_CASES: &str = "SSE_TESTS_ALL";

#[test]
fn a_failing_change_undoes_all_others() {
    let cases = cases(&APPS, |call| call.changes, &ERRORS, false);
    try_all(&a_third(cases), |case| {
        let ran = case.run()?;
        case.reports_the_failure(&ran)
    });
}

#[test]
fn a_failing_read_leaves_nothing_half_done() {
    let reads = |call: &Call| !call.changes && call.name != "close";
    let cases = cases(&APPS[3..5], reads, &["EIO"], false);
    try_all(&a_third(cases), |case| case.run().map(|_| ()));
}

/// Every third case, unless all are requested.
fn a_third(cases: Vec<Case>) -> Vec<Case> {
    let all = std::env::var_os(ALL_CASES).is_some_and(|value| value == "1");
    // Of the three errors for each call, a different one for each.
    let is_next = |index: usize| index / 3 % 3 == index % 3;
    let is_selected = |(index, _): &(usize, Case)| all || is_next(*index);
    let cases = cases.into_iter().enumerate().filter(is_selected);
    cases.map(|(_, case)| case).collect()
}

/// The rollback may fail, too. Then that is reported, and the next run repairs the app.
#[test]
fn a_disk_that_stays_full_leaves_nothing_that_the_next_run_cannot_repair() {
    try_all(
        &cases(&APPS, |call| call.changes, &["ENOSPC"], true),
        Case::run_with_permanent_failure,
    );
}

#[test]
fn a_full_disk_is_detected_before_anything_is_changed() {
    let writes = |call: &Call| call.changes && ["write", "fsync"].contains(&call.name.as_str());
    let cases = cases(&APPS[..4], writes, &["ENOSPC", "EIO"], true);
    try_all(&cases, |case| case.run().map(|_| ()));
}

fn cases(
    apps: &[(&'static str, Make)],
    fails: impl Fn(&Call) -> bool,
    errors: &[&'static str],
    permanently: bool,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for (app, make) in apps.iter().copied() {
        let (before, installed) = snapshots(make);
        for command in ["install", "uninstall"] {
            let traced = Owned::new(make);
            if command == "uninstall" {
                run(&traced, "install").unwrap();
            }
            let calls = calls(traced.path(), &[command]).into_iter().filter(&fails);
            for at in calls {
                cases.extend(errors.iter().map(|error| Case {
                    app,
                    make,
                    command,
                    at: at.clone(),
                    error,
                    permanently,
                    before: before.clone(),
                    installed: installed.clone(),
                }));
            }
        }
    }
    cases
}

impl Case {
    /// Expects that everything was done, or nothing.
    fn run(&self) -> Result<Output, String> {
        let app = self.app()?;
        let output = self.fail(&app);
        let expected = match output.status.code() {
            Some(0) => self.done(),
            Some(1 | 3) => self.undone(),
            code => return Err(self.wrong(&output, &format!("exit code {code:?}"))),
        };
        compare(&app, expected).map_err(|why| self.wrong(&output, &why))?;
        Ok(output)
    }

    fn run_with_permanent_failure(&self) -> Result<(), String> {
        let app = self.app()?;
        let output = self.fail(&app);
        let wrong = |why: String| self.wrong(&output, &why);
        let is_undone = String::from_utf8_lossy(&output.stderr).contains(AS_BEFORE);
        match output.status.code() {
            Some(0) => compare(&app, self.done()).map_err(wrong)?,
            Some(1) if is_undone => {
                compare_without_leftovers(&app, self.undone()).map_err(wrong)?;
            }
            Some(1) => {}
            code => return Err(wrong(format!("exit code {code:?}"))),
        }
        run(&app, "uninstall").map_err(wrong)?;
        compare(&app, &self.before).map_err(wrong)
    }

    fn reports_the_failure(&self, output: &Output) -> Result<(), String> {
        let printed = String::from_utf8_lossy(&output.stderr);
        if output.status.success() || printed.contains("error: ") && printed.contains(AS_BEFORE) {
            Ok(())
        } else {
            Err(self.wrong(output, "the error does not state that nothing was changed"))
        }
    }

    fn app(&self) -> Result<Owned, String> {
        let app = Owned::new(self.make);
        if self.command == "uninstall" {
            run(&app, "install")?;
        }
        Ok(app)
    }

    fn fail(&self, app: &Owned) -> Output {
        fail_at(
            &self.at,
            self.error,
            self.permanently,
            app.path(),
            &[self.command],
        )
    }

    fn done(&self) -> &Snapshot {
        if self.command == "install" {
            &self.installed
        } else {
            &self.before
        }
    }

    fn undone(&self) -> &Snapshot {
        if self.command == "install" {
            &self.before
        } else {
            &self.installed
        }
    }

    fn wrong(&self, output: &Output, why: &str) -> String {
        let Self {
            app,
            command,
            error,
            at,
            ..
        } = self;
        let printed = String::from_utf8_lossy(&output.stderr);
        format!("{app}: {command} with {error} at {at}\n  prints {printed}\n  and: {why}")
    }
}

/// The next run removes temporary files that could not be removed.
fn compare_without_leftovers(app: &Owned, expected: &Snapshot) -> Result<(), String> {
    let found = app.snapshot().without_leftovers();
    let differences = found.differences(expected);
    (differences.is_empty())
        .then_some(())
        .ok_or_else(|| differences.join("\n    "))
}
