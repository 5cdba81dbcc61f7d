//! Apps that cannot be written to: something is in the way, the folder is read-only, the disk is full.

use std::{
    fs,
    os::unix::fs::{PermissionsExt, symlink},
    path::Path,
    process::Command,
};

use support::namespace::{Namespace, mount_small_disk};

use crate::{
    hello::{self, Ran},
    other_user::OtherUser,
    owned::{APPS, AS_BEFORE, Make, Owned, compare, run},
};

/// Runs `sse` in the app and expects it to fail and to have changed nothing.
#[track_caller]
fn fails(app: &Owned, mut sse: Command) -> Ran {
    let before = app.snapshot();
    let ran = Ran::from_output(&sse.output().unwrap());
    assert!(matches!(ran.code, 1 | 3), "{}", ran.err);
    assert!(ran.err.contains("error: "), "{}", ran.err);
    compare(app, &before).unwrap();
    ran
}

fn sse(app: &Owned, command: &str) -> Command {
    let mut sse = hello::command(app.path());
    sse.arg(command);
    sse
}

#[test]
fn files_in_the_way_stay() {
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
fn a_read_only_folder_is_left_unchanged() {
    let user = OtherUser::new();
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
            run(&app, "install").unwrap();
        }
        app.make_world_writable();
        fs::set_permissions(app.path().join(folder), fs::Permissions::from_mode(0o555)).unwrap();
        let ran = fails(&app, user.sse(app.path(), &[command]));
        assert!(ran.err.contains(AS_BEFORE), "{folder}: {}", ran.err);
        fs::set_permissions(app.path().join(folder), fs::Permissions::from_mode(0o755)).unwrap();
    }
}

#[test]
fn a_file_that_only_another_user_may_write_is_left_unchanged() {
    if !rustix::process::geteuid().is_root() {
        return println!("skipped: only root can run `sse` as another user than the file's");
    }
    let user = OtherUser::new();
    for file in [".env", "Cargo.toml", "src/main.rs"] {
        for command in ["install", "uninstall"] {
            let app = Owned::new(|dir| fs::write(dir.join(".env"), "A=1\n").unwrap());
            app.make_world_writable();
            if command == "uninstall" {
                let installed = user.sse(app.path(), &["install"]).status();
                assert!(installed.unwrap().success());
            }
            fs::set_permissions(app.path().join(file), fs::Permissions::from_mode(0o644)).unwrap();
            let ran = fails(&app, user.sse(app.path(), &[command]));
            assert!(ran.err.contains(AS_BEFORE), "{file}: {}", ran.err);
        }
    }
}

/// Small enough that an installation fails at each of its steps, as more and more space is free.
const DISK_BYTES: u32 = 128 * 1024;

#[test]
fn a_full_disk_leaves_the_app_unchanged() {
    let folder = tempfile::tempdir().unwrap();
    let namespace = Namespace::start(&mount_small_disk(DISK_BYTES), folder.path());
    let disk = namespace.outside_path(folder.path());
    let run_sse = |app: &Owned, command: &str| {
        let app = folder.path().join(app.path().file_name().unwrap());
        let mut sse = namespace.command(&support::sse(), &app);
        Ran::from_output(&sse.arg(command).output().unwrap())
    };
    let mut codes = Vec::new();
    for free in 0..24 {
        for (name, make) in APPS {
            let app = Owned::new_in(&disk, make);
            let before = app.snapshot();
            fill(&disk, free);
            let ran = run_sse(&app, "install");
            match ran.code {
                0 => assert!(!ran.err.contains("error: "), "{}", ran.err),
                1 => {
                    assert!(
                        ran.err.contains("No space left") && ran.err.contains(AS_BEFORE),
                        "{}",
                        ran.err
                    );
                    compare(&app, &before)
                        .unwrap_or_else(|why| panic!("{name}, {free} free: {why}"));
                }
                code => panic!("{code}: {}", ran.err),
            }
            codes.push(ran.code);
            if ran.code == 0 {
                // Removal needs space as well, because no file is overwritten. It completes or
                // changes nothing, too.
                let installed = app.snapshot();
                let ran = run_sse(&app, "uninstall");
                let expected = if ran.code == 0 { &before } else { &installed };
                compare(&app, expected).unwrap_or_else(|why| panic!("{name}, {free} free: {why}"));
            }
            fs::remove_file(disk.join("filling")).unwrap();
        }
    }
    assert!(codes.contains(&0) && codes.contains(&1), "{codes:?}");
}

/// Fills the disk except for this many pages.
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
