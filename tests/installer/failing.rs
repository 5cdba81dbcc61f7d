//! Writes that fail: whatever the system refuses, `sse` does all of its work, or none of it and
//! says so.

use std::process::Output;

use support::tracing::{Call, calls, fail_at, try_all};

use crate::owned::{APPS, AS_BEFORE, Make, Owned, Snapshot, does, is, uninterrupted};

/// One call to fail.
struct Case {
    app: &'static str,
    make: Make,
    command: &'static str,
    at: Call,
    error: &'static str,
    /// Whether it goes on to fail, as on a disk that stays full.
    for_good: bool,
    before: Snapshot,
    installed: Snapshot,
}

/// What a system call may fail with.
const ERRORS: [&str; 3] = ["ENOSPC", "EACCES", "EIO"];

/// With this set to 1, each call fails with each error, and not only with the next in turn.
const ALL: &str = "SSE_TESTS_ALL";

#[test]
fn a_change_that_fails_takes_all_the_others_back() {
    let cases = cases(&APPS, |call| call.changes, &ERRORS, false);
    try_all(&a_third(cases), |case| {
        let ran = case.run()?;
        case.says_that_it_failed(&ran)
    });
}

#[test]
fn a_look_that_fails_leaves_nothing_half_done() {
    let looks = |call: &Call| !call.changes && call.name != "close";
    let cases = cases(&APPS[3..5], looks, &["EIO"], false);
    try_all(&a_third(cases), |case| case.run().map(|_| ()));
}

/// Every third case, unless all are wanted.
fn a_third(cases: Vec<Case>) -> Vec<Case> {
    let all = std::env::var_os(ALL).is_some_and(|value| value == "1");
    // With three errors for each call, it is another one for each.
    let turn = |index: usize| index / 3 % 3 == index % 3;
    let wanted = |(index, _): &(usize, Case)| all || turn(*index);
    let cases = cases.into_iter().enumerate().filter(wanted);
    cases.map(|(_, case)| case).collect()
}

/// The roll back may fail, too. Then it is said, and the next run sets right what is wrong.
#[test]
fn a_disk_that_stays_full_leaves_nothing_that_the_next_run_cannot_mend() {
    try_all(
        &cases(&APPS, |call| call.changes, &["ENOSPC"], true),
        Case::run_for_good,
    );
}

#[test]
fn contents_find_a_full_disk_before_anything_is_changed() {
    let writes = |call: &Call| call.changes && ["write", "fsync"].contains(&call.name.as_str());
    let cases = cases(&APPS[..4], writes, &["ENOSPC", "EIO"], true);
    try_all(&cases, |case| case.run().map(|_| ()));
}

fn cases(
    apps: &[(&'static str, Make)],
    fails: impl Fn(&Call) -> bool,
    errors: &[&'static str],
    for_good: bool,
) -> Vec<Case> {
    let mut cases = Vec::new();
    for (app, make) in apps.iter().copied() {
        let (before, installed) = uninterrupted(make);
        for command in ["install", "uninstall"] {
            let traced = Owned::new(make);
            if command == "uninstall" {
                does(&traced, "install").unwrap();
            }
            let calls = calls(traced.path(), &[command]).into_iter().filter(&fails);
            for at in calls {
                cases.extend(errors.iter().map(|error| Case {
                    app,
                    make,
                    command,
                    at: at.clone(),
                    error,
                    for_good,
                    before: before.clone(),
                    installed: installed.clone(),
                }));
            }
        }
    }
    cases
}

impl Case {
    /// All is done, or nothing is.
    fn run(&self) -> Result<Output, String> {
        let app = self.app()?;
        let output = self.fail(&app);
        let expected = match output.status.code() {
            Some(0) => self.done(),
            Some(1 | 3) => self.undone(),
            code => return Err(self.wrong(&output, &format!("exit code {code:?}"))),
        };
        is(&app, expected).map_err(|why| self.wrong(&output, &why))?;
        Ok(output)
    }

    fn run_for_good(&self) -> Result<(), String> {
        let app = self.app()?;
        let output = self.fail(&app);
        let wrong = |why: String| self.wrong(&output, &why);
        let says = String::from_utf8_lossy(&output.stderr).contains(AS_BEFORE);
        match output.status.code() {
            Some(0) => is(&app, self.done()).map_err(wrong)?,
            Some(1) if says => is_but_for_leftovers(&app, self.undone()).map_err(wrong)?,
            Some(1) => {}
            code => return Err(wrong(format!("exit code {code:?}"))),
        }
        does(&app, "uninstall").map_err(wrong)?;
        is(&app, &self.before).map_err(wrong)
    }

    fn says_that_it_failed(&self, output: &Output) -> Result<(), String> {
        let said = String::from_utf8_lossy(&output.stderr);
        if output.status.success() || said.contains("error: ") && said.contains(AS_BEFORE) {
            Ok(())
        } else {
            Err(self.wrong(output, "it does not say that it has changed nothing"))
        }
    }

    fn app(&self) -> Result<Owned, String> {
        let app = Owned::new(self.make);
        if self.command == "uninstall" {
            does(&app, "install")?;
        }
        Ok(app)
    }

    fn fail(&self, app: &Owned) -> Output {
        fail_at(
            &self.at,
            self.error,
            self.for_good,
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
        let said = String::from_utf8_lossy(&output.stderr);
        format!("{app}: {command} with {error} at {at}\n  says {said}\n  and: {why}")
    }
}

/// A temporary file that cannot be removed is left to the next run.
fn is_but_for_leftovers(app: &Owned, expected: &Snapshot) -> Result<(), String> {
    let found = app.snapshot().without_leftovers();
    let differences = found.differences(expected);
    (differences.is_empty())
        .then_some(())
        .ok_or_else(|| differences.join("\n    "))
}
