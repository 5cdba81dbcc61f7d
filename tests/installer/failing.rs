//! Writes that fail: whatever the system refuses, `sse` does all of its work, or none of it and
//! says so.

use std::{
    env, fs,
    os::unix::{fs::PermissionsExt, fs::symlink, process::CommandExt},
    path::Path,
    process::{Command, Output},
};

use crate::{
    hello::{self, Ran},
    owned::{APPS, Make, Owned, Snapshot, does, is, uninterrupted},
    tracing::{Call, calls, fail_at, try_all},
};

/// What a run says that has taken everything back.
const AS_BEFORE: &str = "everything is as it was before";

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

#[test]
fn a_change_that_fails_takes_all_the_others_back() {
    try_all(
        &cases(
            &APPS,
            |call| call.changes,
            &["ENOSPC", "EACCES", "EIO"],
            false,
        ),
        |case| {
            let ran = case.run()?;
            case.says_that_it_failed(&ran)
        },
    );
}

#[test]
fn a_look_that_fails_leaves_nothing_half_done() {
    try_all(
        &cases(
            &APPS[3..5],
            |call| !call.changes && call.name != "close",
            &["EIO"],
            false,
        ),
        |case| case.run().map(|_| ()),
    );
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

/// Runs `sse` in the app and expects it to fail and to have changed nothing.
#[track_caller]
fn fails(app: &Owned, mut sse: Command) -> Ran {
    let before = app.snapshot();
    let ran = Ran::of(&sse.output().unwrap());
    assert!(matches!(ran.code, 1 | 3), "{}", ran.err);
    assert!(ran.err.contains("error: "), "{}", ran.err);
    is(app, &before).unwrap();
    ran
}

fn sse(app: &Owned, command: &str) -> Command {
    let mut sse = hello::command(app.path());
    sse.arg(command);
    sse
}

#[test]
fn what_is_in_the_way_stays() {
    let in_the_way: [(&str, Make); 6] = [
        ("a file", |dir| fs::write(dir.join("public"), "").unwrap()),
        ("a link to nowhere", |dir| {
            symlink("nowhere", dir.join("public")).unwrap();
        }),
        ("a file below", |dir| {
            fs::create_dir(dir.join("public")).unwrap();
            fs::write(dir.join("public/js"), "").unwrap();
        }),
        ("a folder for a script", |dir| {
            fs::create_dir_all(dir.join("public/js/sse.js")).unwrap();
        }),
        ("a folder for .env", |dir| {
            fs::create_dir(dir.join(".env")).unwrap();
        }),
        ("a pipe for .env", |dir| {
            let made = Command::new("mkfifo").arg(dir.join(".env")).status();
            assert!(made.unwrap().success());
        }),
    ];
    for (what, make) in in_the_way {
        let app = Owned::new(make);
        let ran = fails(&app, sse(&app, "install"));
        println!("{what}: {}", ran.err);
    }
}

#[test]
fn a_folder_that_may_not_be_written_is_left_as_it_is() {
    // Nothing is refused to root, so root becomes somebody else.
    let everybody = tempfile::tempdir().unwrap();
    fs::set_permissions(everybody.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let program = everybody.path().join("sse");
    fs::copy(support::sse(), &program).unwrap();
    let is_root = rustix::process::geteuid().is_root();
    for (folder, command) in [
        (".", "install"),
        ("public/js", "install"),
        (".", "uninstall"),
        ("public/js", "uninstall"),
    ] {
        let app = Owned::new(|dir| {
            fs::create_dir_all(dir.join("public/js")).unwrap();
            fs::write(dir.join(".env"), "A=1\n").unwrap();
        });
        if command == "uninstall" {
            does(&app, "install").unwrap();
        }
        app.open_to_everybody();
        fs::set_permissions(app.path().join(folder), fs::Permissions::from_mode(0o555)).unwrap();
        let mut sse = Command::new(&program);
        sse.current_dir(app.path())
            .arg(command)
            .env_remove("CARGO_MANIFEST_DIR");
        if is_root {
            sse.uid(NOBODY).gid(NOBODY);
        }
        let ran = fails(&app, sse);
        assert!(ran.err.contains(AS_BEFORE), "{folder}: {}", ran.err);
        fs::set_permissions(app.path().join(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

const NOBODY: u32 = 65534;

/// Names the folder of the small disk, in which [`on_a_small_disk`] runs.
const SMALL_DISK: &str = "SSE_TESTS_SMALL_DISK";

/// The disk is mounted where only the process sees it that this starts, and goes with it.
#[test]
fn a_disk_that_is_full_indeed() {
    let disk = tempfile::tempdir().unwrap();
    let _ = support::sse();
    let mut inside = Command::new("unshare");
    inside.args(["--mount", "--map-root-user"]);
    let script = "mount -t tmpfs -o size=128k sse-tests \"$1\" && exec \"$2\" --exact failing::on_a_small_disk --ignored --nocapture";
    inside
        .args(["sh", "-c", script, "sh"])
        .arg(disk.path())
        .arg(env::current_exe().unwrap())
        .env(SMALL_DISK, disk.path());
    let output = inside.output().expect("unshare is missing");
    let out = String::from_utf8_lossy(&output.stdout);
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && out.contains("1 passed"),
        "this needs a system that lets `unshare --mount --map-root-user` mount a tmpfs\n{out}{err}"
    );
}

#[test]
#[ignore = "runs in the small disk that another test mounts"]
fn on_a_small_disk() {
    let disk = env::var_os(SMALL_DISK).expect("another test starts this one");
    let mut codes = Vec::new();
    for free in 0..24 {
        for (name, make) in APPS {
            let app = Owned::new_in(Path::new(&disk), make);
            let before = app.snapshot();
            fill(Path::new(&disk), free);
            let output = sse(&app, "install").output().unwrap();
            let ran = Ran::of(&output);
            match ran.code {
                0 => assert!(!ran.err.contains("error: "), "{}", ran.err),
                1 => {
                    assert!(
                        ran.err.contains("No space left") && ran.err.contains(AS_BEFORE),
                        "{}",
                        ran.err
                    );
                    is(&app, &before).unwrap_or_else(|why| panic!("{name}, {free} free: {why}"));
                }
                code => panic!("{code}: {}", ran.err),
            }
            codes.push(ran.code);
            if ran.code == 0 {
                // Taking out needs space as well, since no file is written over; what there is
                // decides between all and nothing again.
                let installed = app.snapshot();
                let ran = Ran::of(&sse(&app, "uninstall").output().unwrap());
                let expected = if ran.code == 0 { &before } else { &installed };
                is(&app, expected).unwrap_or_else(|why| panic!("{name}, {free} free: {why}"));
            }
            fs::remove_file(Path::new(&disk).join("filling")).unwrap();
        }
    }
    assert!(codes.contains(&0) && codes.contains(&1), "{codes:?}");
}

/// Fills the disk but for so many pages.
fn fill(disk: &Path, free: usize) {
    const PAGE: usize = 4096;

    let path = disk.join("filling");
    let mut filling = fs::File::create(&path).unwrap();
    let mut size = 0;
    while std::io::Write::write_all(&mut filling, &[0; PAGE]).is_ok() {
        size += PAGE;
    }
    filling
        .set_len(size.saturating_sub(free * PAGE).try_into().unwrap())
        .unwrap();
}
