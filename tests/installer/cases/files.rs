//! Links, modes and folders in place of files, and changes during a run.

use std::{fs, time::SystemTime};

use super::{assert_refused, install_and_uninstall, snapshot};
use crate::hello::Hello;

#[test]
fn a_relative_symbolic_link_is_followed_from_another_working_directory() {
    use std::os::unix::fs::symlink;

    let hello = Hello::with(&[("config/app.env", "A=1\n")]);
    symlink("config/app.env", hello.path().join(".env")).unwrap();
    install_and_uninstall(&hello);
    let app = hello.path().to_str().unwrap();
    let ran = crate::hello::sse_in(hello.outside(), &["-C", app, "install"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(hello.path().join(".env").is_symlink());
    assert!(hello.read("config/app.env").contains("SSE_EVENTS="));
}

#[test]
fn a_symbolic_link_to_nowhere_or_out_of_the_app_is_refused() {
    use std::os::unix::fs::symlink;

    for target in ["nowhere", "../elsewhere"] {
        for name in [".env", "public/js/sse.js"] {
            let hello = Hello::with(&[("public/js/app.js", "")]);
            let elsewhere = hello.outside().join("elsewhere");
            fs::write(&elsewhere, "A=1\n").unwrap();
            let target = if target == "nowhere" {
                "nowhere".into()
            } else {
                elsewhere.clone()
            };
            symlink(target, hello.path().join(name)).unwrap();
            assert_refused(&hello, "symbolic link");
            assert_eq!(fs::read(elsewhere).unwrap(), b"A=1\n");
        }
    }
}

#[test]
fn mode_is_kept() {
    use std::os::unix::fs::PermissionsExt;

    for (name, mode) in [
        (".env", 0o600),
        ("Cargo.toml", 0o640),
        ("src/main.rs", 0o755),
    ] {
        let hello = Hello::with(&[(".env", "SECRET=1\n")]);
        let path = hello.path().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
        install_and_uninstall(&hello);
        hello.sse_succeeds(&["install"]);
        let installed = fs::metadata(&path).unwrap().permissions().mode();
        assert_eq!(installed & 0o7777, mode, "{name}");
    }
}

#[test]
fn a_read_only_file_is_refused() {
    use std::os::unix::fs::PermissionsExt;

    for name in [".env", "Cargo.toml", "src/main.rs"] {
        let hello = Hello::with(&[(".env", "A=1\n")]);
        let path = hello.path().join(name);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
        assert_refused(&hello, "is read-only");
    }
}

#[test]
fn a_hard_link_stays_linked() {
    let hello = Hello::with(&[(".env", "A=1\n")]);
    let twin = hello.outside().join("twin");
    fs::hard_link(hello.path().join(".env"), &twin).unwrap();
    hello.sse_succeeds(&["install"]);
    assert_eq!(fs::read_to_string(&twin).unwrap(), hello.read(".env"));
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(fs::read(&twin).unwrap(), b"A=1\n");
    install_and_uninstall(&hello);
}

#[test]
fn a_folder_or_pipe_in_place_of_a_file_is_refused() {
    for name in [".env", "public/js/sse.js", "public/js/sse-client.js"] {
        let hello = Hello::with(&[("public/js/app.js", "")]);
        fs::create_dir(hello.path().join(name)).unwrap();
        assert_refused(&hello, "is not a regular file");

        let hello = Hello::with(&[("public/js/app.js", "")]);
        let made = std::process::Command::new("mkfifo")
            .arg(hello.path().join(name))
            .status();
        assert!(made.unwrap().success());
        assert_refused(&hello, "is not a regular file");
    }
}

#[test]
fn two_installs_and_two_uninstalls_restore_every_byte() {
    let hello = Hello::with(&[(".env", "A=1")]);
    let before = snapshot(hello.path());
    hello.sse_succeeds(&["install"]);
    let (installed, written) = (snapshot(hello.path()), times(&hello));
    hello.sse_succeeds(&["install"]);
    assert_eq!(
        (snapshot(hello.path()), times(&hello)),
        (installed, written)
    );
    hello.sse_succeeds(&["uninstall"]);
    let (after, written) = (snapshot(hello.path()), times(&hello));
    assert_eq!(after, before);
    let printed = hello.sse_succeeds(&["uninstall"]);
    assert!(printed.starts_with("nothing to uninstall"), "{printed}");
    assert_eq!((snapshot(hello.path()), times(&hello)), (after, written));
}

fn times(hello: &Hello) -> Vec<SystemTime> {
    let files = snapshot(hello.path()).into_keys();
    let times = files.map(|path| fs::symlink_metadata(path).unwrap().modified().unwrap());
    times.collect()
}

#[test]
fn an_edited_script_is_kept_and_converted_line_endings_do_not_count_as_edits() {
    let hello = Hello::new();
    let before = snapshot(hello.path());
    hello.sse_succeeds(&["install"]);
    let script = hello.read("public/js/sse.js");

    // Line endings converted by version control are not an edit.
    hello.write("public/js/sse.js", &script.replace('\n', "\r\n"));
    assert_eq!(hello.sse(&["status"]).code, 0);
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(snapshot(hello.path()), before);

    hello.sse_succeeds(&["install"]);
    hello.write("public/js/sse.js", &format!("{script}// mine\n"));
    let edited = hello.read("public/js/sse.js");
    hello
        .sse(&["install"])
        .fails(3, "public/js/sse.js was modified");
    let printed = hello.sse_succeeds(&["uninstall"]);
    assert!(printed.contains("Kept public/js/sse.js ("), "{printed}");
    assert_eq!(hello.read("public/js/sse.js"), edited);
}

#[test]
fn script_of_another_version_is_refreshed() {
    let hello = Hello::new();
    let before = snapshot(hello.path());
    hello.sse_succeeds(&["install"]);
    let script = hello.read("public/js/sse.js");
    // The state after an older version: its text, and its checksum.
    hello.write("public/js/sse.js", "a");
    let env = hello.read(".env");
    let at = env.find("sse.js=").unwrap() + "sse.js=".len();
    let older = format!("{}af63dc4c8601ec8c{}", &env[..at], &env[at + 16..]);
    hello.write(".env", &older);
    let printed = hello.sse_succeeds(&["install"]);
    assert!(printed.contains("Updated public/js/sse.js\n"), "{printed}");
    assert_eq!(hello.read("public/js/sse.js"), script);
    assert_eq!(hello.read(".env"), env);
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(snapshot(hello.path()), before);
}

#[test]
fn only_a_scripts_folder_that_install_created_is_removed() {
    let hello = Hello::new();
    fs::create_dir_all(hello.path().join("public/js")).unwrap();
    install_and_uninstall(&hello);
    assert!(hello.has("public/js"));
    let hello = Hello::new();
    fs::create_dir(hello.path().join("public")).unwrap();
    install_and_uninstall(&hello);
    assert!(hello.has("public") && !hello.has("public/js"));
}

/// `.env` is saved after it was read and before it is replaced: while the command, which has planned
/// everything, waits for an answer.
#[cfg(feature = "tools")]
#[test]
fn a_change_between_plan_and_rename_is_not_overwritten() {
    let hello = Hello::with(&[(".env", "A=1\n"), ("public/js/sse.js", "// edited\n")]);
    let manifest = hello.read("Cargo.toml");
    let mut asked = super::terminal::Terminal::start(&hello, &["install"]);
    asked.wait_for("Replace it? [y/N] ");
    hello.write(".env", "A=2\n");
    let (code, shown) = asked.answer("y\n");
    assert_eq!(code, 1, "{shown}");
    assert!(
        shown.contains("another program has just changed .env"),
        "{shown}"
    );
    assert!(shown.contains("all changes were undone"), "{shown}");
    assert_eq!(hello.read(".env"), "A=2\n");
    assert_eq!(hello.read("public/js/sse.js"), "// edited\n");
    assert_eq!(hello.read("Cargo.toml"), manifest);
}

/// The checksums exist, but of the files only the first folder; then everything but the dependency.
#[test]
fn a_crash_after_any_step_is_recovered() {
    for left in [
        &[".env", "public"][..],
        &[
            ".env",
            "public",
            "public/js",
            "public/js/sse.js",
            "public/js/sse-events.d.ts",
        ],
    ] {
        for uninstalls_at_once in [true, false] {
            let hello = Hello::new();
            let before = snapshot(hello.path());
            hello.sse_succeeds(&["install"]);
            let installed = snapshot(hello.path());
            for (path, (kind, contents, _)) in installed.iter().rev() {
                let name = path.strip_prefix(hello.path()).unwrap();
                let is_left = left.iter().any(|left| name.as_os_str() == *left);
                if let Some((_, original, _)) = before.get(path) {
                    if contents != original {
                        fs::write(path, original).unwrap();
                    }
                } else if !is_left && kind.contains("is_dir: true") {
                    fs::remove_dir(path).unwrap();
                } else if !is_left {
                    fs::remove_file(path).unwrap();
                }
            }
            if !uninstalls_at_once {
                hello.sse_succeeds(&["install"]);
                assert_eq!(snapshot(hello.path()), installed);
            }
            hello.sse_succeeds(&["uninstall"]);
            assert_eq!(snapshot(hello.path()), before);
        }
    }
}

#[test]
fn a_second_write_that_fails_undoes_the_first() {
    // `public` is a broken link, which is detected when other files are written already.
    let hello = Hello::with(&[(".env", "A=1\n")]);
    std::os::unix::fs::symlink("nowhere", hello.path().join("public")).unwrap();
    let before = snapshot(hello.path());
    let ran = hello.sse(&["install"]);
    ran.fails(1, "all changes were undone");
    assert_eq!(snapshot(hello.path()), before);
}
