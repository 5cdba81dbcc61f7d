//! Apps that cannot be written to indeed: something is in the way, the folder is read-only, the
//! disk is full.

use std::{
    env, fs,
    os::unix::{
        fs::{PermissionsExt, symlink},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

use crate::{
    hello::{self, Ran},
    owned::{APPS, AS_BEFORE, Make, Owned, does, is},
};

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
    let script = "mount -t tmpfs -o size=128k sse-tests \"$1\" && exec \"$2\" --exact refused::on_a_small_disk --ignored --nocapture";
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
