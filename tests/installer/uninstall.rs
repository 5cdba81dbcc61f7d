//! `sse uninstall`.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::hello::Hello;

#[test]
fn uninstall_restores_every_byte() {
    for files in [
        &[][..],
        &[(".env", "")],
        &[(".env", "A=1\r\nB=2")],
        &[
            (".env", "SSE_EVENTS=order:orders\n\n\n"),
            ("public/index.html", "<p>"),
        ],
        &[
            ("public/js/app.js", "// mine"),
            ("public/js/sse-client.js", "// mine, too"),
        ],
        &[(
            "Cargo.toml",
            "[package]\r\nname = \"x\"\r\n[dependencies]\r\nactix-web = \"4\"",
        )],
        &[(
            "Cargo.toml",
            "[package]\nname = \"x\"\n[dependencies]\nactix-web = \"4\"\n\n[profile.dev]\ndebug = 1\n",
        )],
    ] {
        let hello = Hello::with(files);
        let before = hello.tree();
        hello.sse_succeeds(&["install"]);
        assert_ne!(hello.tree(), before);
        hello.sse_succeeds(&["install"]);
        hello.sse_succeeds(&["uninstall"]);
        assert_eq!(hello.tree(), before, "{files:?}");
    }
}

#[cfg(feature = "tools")]
#[test]
fn git_sees_no_change_after_uninstall() {
    let hello = Hello::with(&[(".env", "SECRET=1")]);
    let git = |arguments: &[&str]| {
        let mut git = std::process::Command::new("git");
        git.args([
            "-c",
            "user.name=x",
            "-c",
            "user.email=x@x",
            "-c",
            "core.autocrlf=false",
        ]);
        let output = git
            .args(arguments)
            .current_dir(hello.path())
            .output()
            .expect("git is missing");
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    };
    git(&["init", "--quiet"]);
    git(&["add", "--all"]);
    git(&["commit", "--quiet", "--message", "hello"]);
    hello.sse_succeeds(&["install"]);
    assert_ne!(git(&["diff"]), "");
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(git(&["status", "--porcelain"]), "");
    assert_eq!(git(&["diff"]), "");
}

#[test]
fn the_summary_lists_what_was_removed() {
    let hello = Hello::new();
    let out = hello.sse_succeeds(&["uninstall"]);
    assert!(out.starts_with("nothing to uninstall"), "{out}");
    hello.sse_succeeds(&["install"]);
    let out = hello.sse_succeeds(&["uninstall"]);
    for text in [
        "Updated Cargo.toml (without `actix-web-sse = ",
        "Updated src/main.rs (without `.configure(actix_web_sse::routes)`)\n",
        "Removed .env\n",
        "Removed public/js/sse.js\n",
        "Removed public/js/sse-client.js\n",
        "Removed public/js/sse.d.ts\n",
        "Removed public/js/sse-events.d.ts\n",
        "Removed public/js/\n",
        "Removed public/\n",
    ] {
        assert!(out.contains(text), "{text:?} is missing:\n{out}");
    }
    let out = hello.sse_succeeds(&["uninstall"]);
    assert!(out.starts_with("nothing to uninstall"), "{out}");
}

#[test]
fn your_keys_lines_and_listeners_are_kept() {
    let hello = Hello::with(&[(".env", "SSE_TOKEN=mine\n")]);
    hello.sse_succeeds(&["install"]);
    hello.replace(
        ".env",
        "SSE_POLL_INTERVAL=2\n",
        "SSE_POLL_INTERVAL=1\nSSE_TTL=5\nB=2\n",
    );
    hello.write(
        ".env",
        &format!("{}SSE_CACHE=elsewhere\n", hello.read(".env")),
    );
    hello.replace(
        "public/js/sse-client.js",
        "window.sse = sse;",
        "window.mine = sse;",
    );
    let listeners = hello.read("public/js/sse-client.js");

    let out = hello.sse_succeeds(&["uninstall"]);
    assert_eq!(
        hello.read(".env"),
        "SSE_TOKEN=mine\nSSE_POLL_INTERVAL=1\nSSE_TTL=5\nB=2\nSSE_CACHE=elsewhere\n"
    );
    assert_eq!(hello.read("public/js/sse-client.js"), listeners);
    assert!(!hello.has("public/js/sse.js"));
    for text in [
        "Kept .env (your value; use --force to remove it): SSE_POLL_INTERVAL=1\n",
        "Kept .env (2 of your own lines in the block)\n",
        "Kept public/js/sse-client.js (you have modified it; use --force to remove it)\n",
        "Kept public/js/ (it is not empty)\n",
    ] {
        assert!(out.contains(text), "{text:?} is missing:\n{out}");
    }
    // Kept values belong to the owner now.
    let out = hello.sse_succeeds(&["uninstall", "--force"]);
    assert!(out.starts_with("nothing to uninstall"), "{out}");
}

#[test]
fn force_removes_what_you_have_changed_and_prints_your_values() {
    let hello = Hello::new();
    let before = hello.tree();
    hello.sse_succeeds(&["install"]);
    hello.replace(".env", "SSE_POLL_INTERVAL=2", "SSE_POLL_INTERVAL=1");
    hello.write("public/js/sse-client.js", "// mine\n");
    hello.write("public/js/sse.js", "// edited\n");
    let out = hello.sse_succeeds(&["uninstall", "--force"]);
    assert!(
        out.contains("Removed from .env, your value: SSE_POLL_INTERVAL=1\n"),
        "{out}"
    );
    assert_eq!(hello.tree(), before);
}

#[test]
fn the_cache_is_removed_and_files_of_other_programs_in_it_are_kept() {
    let hello = Hello::new();
    let before = hello.tree();
    hello.sse_succeeds(&["install"]);
    hello.sse(&["save", "event_cache_key1"]);
    assert!(hello.has("writable/cache/.sse"));
    let out = hello.sse_succeeds(&["uninstall"]);
    assert!(
        out.contains("Removed writable/cache/.sse/ (saved values)\n"),
        "{out}"
    );
    assert_eq!(hello.tree(), before);

    hello.sse_succeeds(&["install"]);
    hello.sse(&["save", "event_cache_key1"]);
    hello.write("writable/cache/other", "another program's");
    let out = hello.sse_succeeds(&["uninstall"]);
    assert!(
        out.contains("Kept writable/cache/ (it is not empty)\n"),
        "{out}"
    );
    assert!(hello.has("writable/cache/other") && !hello.has("writable/cache/.sse"));
}

#[test]
fn saved_values_behind_a_link_out_of_the_app_are_kept() {
    let hello = Hello::new();
    let shared = hello.outside().join("shared");
    fs::create_dir_all(shared.join("cache")).unwrap();
    symlink(&shared, hello.path().join("writable")).unwrap();
    hello.sse_succeeds(&["install"]);
    hello.sse(&["save", "event_cache_key1"]);
    assert_keeps_values(&hello, &shared.join("cache/.sse"));
}

#[test]
fn saved_values_outside_of_the_apps_folder_are_kept() {
    let hello = Hello::new();
    let shared = hello.outside().canonicalize().unwrap().join("shared");
    hello.write(".env", &format!("SSE_CACHE={}\n", shared.display()));
    hello.sse_succeeds(&["install"]);
    hello.sse(&["save", "event_cache_key1"]);
    assert_keeps_values(&hello, &shared.join(".sse"));
}

#[track_caller]
fn assert_keeps_values(hello: &Hello, folder: &Path) {
    let out = hello.sse_succeeds(&["uninstall"]);
    let folder = folder.canonicalize().unwrap();
    let kept = format!(
        "Kept {} (saved values, which other apps may share)\n",
        folder.display()
    );
    assert!(out.contains(&kept) && !out.contains("Removed /"), "{out}");
}

#[test]
fn the_cache_is_found_beside_a_line_that_cannot_be_read() {
    let hello = Hello::with(&[(".env", "SSE_CACHE=own\n")]);
    hello.sse_succeeds(&["install"]);
    hello.sse(&["save", "event_cache_key1"]);
    hello.write(".env", &format!("{}TITLE=two words\n", hello.read(".env")));
    hello.sse_succeeds(&["uninstall"]);
    assert!(!hello.has("own/.sse"));
}

#[test]
fn files_that_nothing_shows_to_be_installed_are_named() {
    let manifest =
        "[package]\nname = \"x\"\n\n[dependencies]\nactix-web-sse = \"0.1\"\nactix-web = \"4\"\n";
    let hello = Hello::with(&[("Cargo.toml", manifest)]);
    hello.sse_succeeds(&["install", "--no-env"]);
    let before = hello.tree();
    let ran = hello.sse(&["uninstall"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err.contains("warning: remove these files")
            && ran.err.contains("\n  public/js/sse.js\n"),
        "{}",
        ran.err
    );
    assert_eq!(hello.tree(), before);
}

#[test]
fn your_own_dependency_is_kept() {
    let manifest = "[package]\nname = \"x\"\n\n[dependencies]\nsse = { package = \"actix-web-sse\", version = \"0.1\" }\nactix-web = \"4\"\n";
    let hello = Hello::with(&[("Cargo.toml", manifest)]);
    let before = hello.tree();
    let out = hello.sse_succeeds(&["install"]);
    assert!(
        out.contains("Kept Cargo.toml (your dependency `sse`)\n"),
        "{out}"
    );
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.tree(), before);
}

#[test]
fn code_that_still_uses_the_library_is_named() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    hello.write("src/pages.rs", "// A page.\nuse actix_web_sse::cache;\n");
    let ran = hello.sse(&["uninstall"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.err.contains("warning: ") && ran.err.contains("src/pages.rs:2\n"),
        "{}",
        ran.err
    );
}

#[test]
fn script_tags_and_listeners_that_remain_in_pages_are_named() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    let tag = "<p>\n<script src=\"/js/sse-client.js\"></script>\n";
    let page = tag.to_owned() + "<script>\n  sseReady.then(f);\n</script>\n";
    hello.write("templates/index.html", &page);
    hello.write(
        "src/page.rs",
        &format!("//! A page.\nconst PAGE: &str = r#\"{tag}\"#;\n"),
    );
    let ran = hello.sse(&["uninstall", "--dry-run"]);
    assert!(!ran.err.contains("still need"), "{}", ran.err);
    let ran = hello.sse(&["uninstall"]);
    let named = "warning: these lines still need sse-client.js, which the app no longer serves:\n  \
                 templates/index.html:2\n  templates/index.html:4\n  src/page.rs:3\n";
    assert!(ran.code == 0 && ran.err.contains(named), "{}", ran.err);
    assert_eq!(hello.read("templates/index.html"), page);
}

#[test]
fn script_tags_of_an_app_that_still_serves_its_scripts_are_not_named() {
    let hello = Hello::with(&[
        ("public/js/sse-client.js", "// mine\n"),
        (
            "public/index.html",
            "<script src=\"/js/sse-client.js\"></script>\n",
        ),
    ]);
    let manifest = hello.read("Cargo.toml") + "actix-web-sse = \"0.1\"\n";
    hello.write("Cargo.toml", &manifest);
    hello.sse_succeeds(&["install"]);
    hello.sse_succeeds(&["uninstall"]);
}

#[test]
fn broken_markers_exit_with_3_and_change_nothing() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    hello.replace(".env", "# <<< sse <<<\n", "");
    let before = hello.tree();
    hello
        .sse(&["uninstall"])
        .fails(3, "do not pair up (line 1)");
    assert_eq!(hello.tree(), before);
}
