//! The types that `sse install` writes, as TypeScript and a bundler read them.

mod app;
mod invalid;

use std::{collections::BTreeMap, fs, process::Command};

use serde_json::{Value, json};
use support::workspace;

use self::app::{App, read_source, run, tool};

/// The start of every script.
const BEGIN: &str = "import { SseClient } from '../public/js/sse.js';
declare module '../public/js/sse.js' {
  interface SseEvents { order: { order: number } }
}
const sse = new SseClient();
";

#[test]
fn valid_code_compiles() {
    let app = App::new("order:k1,toast:k2");
    app.write("web/good.ts", &read_source("good.ts"));
    app.compiles();
}

#[test]
fn event_names_follow_sse_events_and_without_their_file_any_name_compiles() {
    let app = App::new("order:k1,toast:k2");
    let bill =
        "sse.on('bill', (value) => value.whatever);\nnew SseClient('/', { events: ['bill'] });\n";
    app.write("web/bill.ts", &format!("{BEGIN}{bill}"));
    assert_eq!(app.errors("bundler").len(), 2);
    let env = app.read(".env").replace("order:k1", "order:k1,bill:k1");
    app.write(".env", &env);
    app.sse(&["install"]);
    app.compiles();

    fs::remove_file(app.path("public/js/sse-events.d.ts")).unwrap();
    let any = "const name: string = 'any';\nsse.on(name, (value) => value.whatever);\n";
    app.write("web/bill.ts", &format!("{BEGIN}{bill}{any}"));
    app.compiles();
    let wrong = "sse.on('order', (value) => value.ordre);\n";
    app.write("web/bill.ts", &format!("{BEGIN}{wrong}"));
    let errors = app.errors("bundler");
    assert!(
        errors.len() == 1 && errors[0].contains("TS2551"),
        "{errors:?}"
    );
}

#[test]
fn every_form_of_the_options_is_accepted() {
    let app = App::new("order:k");
    let lines =
        "new SseClient('/', { to: 'order:42', headers: { Authorization: 'x' }, latest: true });
new SseClient('/', { to: ['a', 'b'] as const, headers: () => ({ Authorization: 'x' }) });
new SseClient('/', { to: undefined, headers: async () => new Headers(), share: 'user-1' });
new SseClient('/', { headers: async () => undefined });
sse.on('sse.identity-changed', (value: null) => value);
sse.onidentitychanged = ({ value }) => { const nothing: null = value; void nothing; };
";
    app.write("web/options.ts", &format!("{BEGIN}{lines}"));
    app.compiles();
}

#[test]
fn special_characters_in_names_are_preserved() {
    let names = [
        "it's",
        "a\"b",
        "a\\b",
        "a b",
        "a\u{2028}b",
        "${a}",
        "*/",
        "//",
        "ä🎉",
        "message",
        "string",
    ];
    let app = App::new("order:k");
    let pairs = names.map(|name| format!("{name}:k")).join(",");
    let escaped = ['\\', '"', '$'].iter().fold(pairs, |pairs, special| {
        pairs.replace(*special, &format!("\\{special}"))
    });
    let env = app
        .read(".env")
        .replace("=order:k", &format!("=\"{escaped}\""));
    app.write(".env", &env);
    // Written again, with a listener for each of them.
    fs::remove_file(app.path("public/js/sse-client.js")).unwrap();
    app.sse(&["install"]);
    let calls = |names: &[&str]| -> String {
        let calls = names
            .iter()
            .map(|name| format!("sse.on({}, () => {{}});\n", json!(name)));
        BEGIN.to_owned() + &calls.collect::<String>()
    };
    app.write("web/names.ts", &calls(&names));
    app.compiles();
    app.write(
        "web/names.ts",
        &calls(&["its", "ab", "a\\\\b", "a", "", "*", "b"]),
    );
    // `*` matches all of them.
    assert_eq!(app.errors("bundler").len(), 6);
}

#[test]
fn the_types_match_the_client() {
    let app = App::new("order:k1");
    let output = Command::new("node")
        .arg(workspace().join("tests/types/members.mjs"))
        .arg(app.path("public/js/sse.js"))
        .output()
        .unwrap();
    let listed: BTreeMap<String, Vec<String>> =
        serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{output:?}"));
    let mut script = "import * as all from '../public/js/sse.js';\n\
         import type { SseClient, SseClientOptions, SseErrorEvent, SseEvent } from '../public/js/sse.js';\n"
        .to_owned();
    for (what, typed) in [
        ("exports", "keyof typeof all"),
        ("client", "Exclude<keyof SseClient, keyof EventTarget>"),
        ("statics", "Exclude<keyof typeof SseClient, 'prototype'>"),
        ("event", "Exclude<keyof SseEvent, keyof MessageEvent>"),
        ("error", "Exclude<keyof SseErrorEvent, keyof Event>"),
        ("options", "keyof SseClientOptions"),
    ] {
        let names = &listed[what];
        assert!(!names.is_empty(), "{what}");
        let names: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
        let names = names.join(" | ");
        // An error names the members that only one of them has.
        script += &format!(
            "export const {what}_only_typed: never = null! as Exclude<{typed}, {names}>;\n\
             export const {what}_only_in_javascript: never = null! as Exclude<{names}, {typed} | keyof EventTarget>;\n"
        );
    }
    app.write("web/members.ts", &script);
    app.compiles();
}

#[test]
fn a_bundler_makes_one_module_of_app_and_client() {
    let app = App::new("order:k1,toast:k2");
    for name in ["index.html", "src/main.ts"] {
        app.write(
            &format!("page/{name}"),
            &read_source(&format!("bundled/{name}")),
        );
    }
    for name in ["sse.js", "sse.d.ts", "sse-events.d.ts"] {
        let contents = app.read(&format!("public/js/{name}"));
        app.write(&format!("page/src/js/{name}"), &contents);
    }
    let page = app.path("page");
    run(tool("vite/bin/vite.js", &page).args(["build", "--logLevel", "warn"]));

    let mut scripts = Vec::new();
    for item in fs::read_dir(page.join("dist/assets")).unwrap() {
        let path = item.unwrap().path();
        assert_eq!(path.extension().unwrap(), "js", "{}", path.display());
        scripts.push(path);
    }
    let [script] = &scripts[..] else {
        panic!("{scripts:?}");
    };
    let html = fs::read_to_string(page.join("dist/index.html")).unwrap();
    let name = script.file_name().unwrap().to_str().unwrap();
    let tag = format!("<script type=\"module\" crossorigin src=\"/assets/{name}\">");
    assert!(html.contains(&tag), "{html}");
    let code = fs::read_to_string(script).unwrap();
    for part in [
        "/sse/stream",
        "sse.heartbeat",
        "text/event-stream",
        "Order ${",
    ] {
        assert!(code.contains(part), "{part:?} is missing in {code}");
    }
    // A page may forbid the first two, and a single module contains none of the others.
    for part in ["eval(", "Function(", "import(", "require("] {
        assert!(!code.contains(part), "{part:?} is in {code}");
    }
}

/// The lock file pins the packages, and leaves the registry to npm's configuration.
#[test]
fn the_lock_file_names_no_registry() {
    let lock: Value = serde_json::from_str(&read_source("package-lock.json")).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
        assert!(package["integrity"].is_string(), "{name}");
        assert!(package.get("resolved").is_none(), "{name}");
    }
}
