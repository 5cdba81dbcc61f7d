//! How `sse install` finds its package.

use std::fs;

use crate::hello::{Hello, sse_in};

#[test]
fn the_app_is_found_from_a_subfolder_or_by_its_path() {
    let hello = Hello::new();
    sse_in(&hello.path().join("src"), &["install", "-q"]);
    assert!(hello.has("public/js/sse.js") && !hello.has("src/.env"));
    sse_in(&hello.path().join("src"), &["uninstall"]);
    assert!(!hello.has(".env"));

    let app = hello.path().to_str().unwrap();
    let ran = sse_in(hello.outside(), &["-C", app, "install"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err
            .contains(&format!(" sse -C '{app}' save event_cache_key1 ")),
        "{}",
        ran.err
    );
    assert!(
        sse_in(hello.outside(), &["-C", "my wörld", "status"])
            .out
            .contains("installed")
    );
    let ran = sse_in(hello.outside(), &["uninstall", "-C", app]);
    assert!(ran.code == 0 && !hello.has(".env"), "{}", ran.err);
}

#[test]
fn a_folder_without_an_app_is_an_error() {
    let nothing = tempfile::tempdir().unwrap();
    for command in ["install", "uninstall", "status"] {
        sse_in(nothing.path(), &[command]).fails(1, "no app in ");
        sse_in(nothing.path(), &["-C", "missing", command])
            .fails(1, "the folder missing does not exist");
    }
    assert_eq!(fs::read_dir(nothing.path()).unwrap().count(), 0);
}

#[test]
fn a_file_in_place_of_the_folder_is_answered_with_its_folder() {
    let hello = Hello::new();
    for (file, folder) in [("src/main.rs", "src"), ("Cargo.toml", ".")] {
        for command in ["install", "get", "doctor"] {
            let ran =
                hello.sse(&["-C", file, command, "k"][..if command == "get" { 4 } else { 3 }]);
            ran.fails(1, &format!("{file} is a file, not a folder"));
            let help = format!("help: pass your app's folder: sse -C {folder} …\n");
            assert!(ran.err.ends_with(&help), "{}", ran.err);
        }
    }
}

#[test]
fn an_invalid_command_line_exits_with_2_and_refers_to_help() {
    let nothing = tempfile::tempdir().unwrap();
    for arguments in [
        &[][..],
        &["instal"],
        &["save"],
        &["install", "--dep-version", "1", "--dep-path", "."],
        &["listen", "--count", "many"],
    ] {
        let ran = sse_in(nothing.path(), arguments);
        assert_eq!((ran.code, ran.out.as_str()), (2, ""), "{arguments:?}");
        assert!(ran.err.contains("--help"), "{arguments:?}: {}", ran.err);
    }
    let help = sse_in(nothing.path(), &["--help"]);
    assert!(
        help.code == 0 && help.out.contains("Exit codes:\n"),
        "{}",
        help.out
    );
}

#[test]
fn a_workspace_member_is_selected_by_its_package() {
    let workspace = tempfile::tempdir().unwrap();
    let at = |name: &str| workspace.path().join(name);
    fs::create_dir_all(at("apps/shop/src")).unwrap();
    fs::create_dir_all(at("apps/admin/src")).unwrap();
    fs::write(
        at("Cargo.toml"),
        "[workspace]\nresolver = \"3\"\nmembers = [\"apps/*\"]\n",
    )
    .unwrap();
    for name in ["shop", "admin"] {
        let manifest = format!(
            "[package]\nname = \"{name}\"\nedition = \"2024\"\n\n[dependencies]\nactix-web = \"4\"\n"
        );
        fs::write(at(&format!("apps/{name}/Cargo.toml")), manifest).unwrap();
        fs::write(at(&format!("apps/{name}/src/main.rs")), "fn main() {}\n").unwrap();
    }
    let ran = sse_in(workspace.path(), &["install"]);
    ran.fails(2, "a workspace without a package");
    assert!(ran.err.contains("-p: admin, shop"), "{}", ran.err);
    sse_in(workspace.path(), &["install", "-p", "shup"]).fails(2, "no package `shup`");

    let root = fs::read(at("Cargo.toml")).unwrap();
    assert_eq!(sse_in(workspace.path(), &["install", "-p", "shop"]).code, 0);
    assert!(at("apps/shop/.env").exists() && !at("apps/admin/.env").exists());
    assert_eq!(fs::read(at("Cargo.toml")).unwrap(), root);
    let manifest = at("apps/shop/Cargo.toml");
    let arguments = ["--manifest-path", manifest.to_str().unwrap(), "uninstall"];
    assert_eq!(sse_in(workspace.path(), &arguments).code, 0);
    assert!(!at("apps/shop/.env").exists());
}

#[test]
fn a_package_without_a_binary_is_told_where_the_call_belongs() {
    let hello = Hello::with(&[("src/lib.rs", "")]);
    fs::remove_file(hello.path().join("src/main.rs")).unwrap();
    let printed = hello.sse_succeeds(&["install"]);
    let step = "Directly after `App::new()` (this package has no binary, and its code does not contain `App::new()`):";
    assert!(printed.contains(step), "{printed}");
}

#[test]
fn an_app_that_is_not_imported_by_name_is_left_unchanged_and_its_line_is_printed() {
    for (code, line) in [
        ("use actix_web::*;\n\nfn main() {\n    App::new();\n}\n", 4),
        (
            "use actix_web::App;\nmod gui {\n    use toolkit::*;\n    fn f() { App::new(); }\n}\n",
            4,
        ),
        ("mod web;\n\nfn main() {\n    web::App::new();\n}\n", 4),
        (
            "use gui::*;\nmod web {\n    use actix_web::App;\n}\nfn main() { App::new(); }\n",
            5,
        ),
    ] {
        let hello = Hello::with(&[("src/main.rs", code)]);
        let printed = hello.sse_succeeds(&["install"]);
        let step = format!(
            "Directly after `App::new()` (src/main.rs:{line}, if this `App` is actix-web's):\n         \
             .configure(actix_web_sse::routes)\n"
        );
        assert!(printed.contains(&step), "{code}\n{printed}");
        let main = fs::read_to_string(hello.path().join("src/main.rs"));
        assert_eq!(main.unwrap(), code);
    }
}

#[test]
fn a_dependency_without_the_feature_of_the_routes_is_a_warning() {
    let hello = Hello::new();
    let owned = "[dependencies]\nactix-web-sse = { version = \"0.1\", default-features = false }\n";
    hello.replace("Cargo.toml", "[dependencies]\n", owned);
    let ran = hello.sse(&["install"]);
    let warning = "warning: your dependency in Cargo.toml lacks the feature `actix`";
    assert!(ran.code == 0 && ran.err.contains(warning), "{}", ran.err);
}

#[test]
fn a_package_without_actix_web_is_a_warning() {
    let hello = Hello::with(&[("Cargo.toml", "[package]\nname = \"x\"\n")]);
    let ran = hello.sse(&["install"]);
    assert_eq!(ran.code, 0);
    assert!(
        ran.err
            .contains("warning: Cargo.toml has no dependency actix-web;"),
        "{}",
        ran.err
    );
}
