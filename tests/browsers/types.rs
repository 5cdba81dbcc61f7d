//! The types that `sse install` writes, as TypeScript and a bundler take them.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};
use support::{sse_in, workspace};
use tempfile::TempDir;

const CARGO_TOML: &str =
    "[package]\nname = \"shop\"\nedition = \"2024\"\n\n[dependencies]\nactix-web = \"4\"\n";

const MAIN_RS: &str = "use actix_web::App;\n\nfn main() {\n    App::new();\n}\n";

/// What every script in here begins with.
const BEGIN: &str = "import { SseClient } from '../public/js/sse.js';
declare module '../public/js/sse.js' {
  interface SseEvents { order: { order: number } }
}
const sse = new SseClient();
";

/// An app in which `sse install` has been run, with scripts in the folder `web`.
struct App {
    dir: TempDir,
}

impl App {
    fn new(events: &str) -> Self {
        let app = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        app.write("Cargo.toml", CARGO_TOML);
        app.write("src/main.rs", MAIN_RS);
        app.write("package.json", r#"{"type": "module"}"#);
        app.sse(&["install", "--events", events]);
        app
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn write(&self, name: &str, contents: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    #[track_caller]
    fn sse(&self, arguments: &[&str]) {
        succeeds(sse_in(self.dir.path()).args(arguments));
    }

    /// Every error that the compiler finds, with all checks that there are: the strictest of the
    /// app's own settings must have nothing to say about our files.
    fn errors(&self, resolution: &str) -> Vec<String> {
        let module = if resolution == "bundler" {
            "preserve"
        } else {
            resolution
        };
        let settings = json!({
            "compilerOptions": {
                "allowJs": true,
                "checkJs": true,
                "exactOptionalPropertyTypes": true,
                "lib": ["es2022", "dom"],
                "module": module,
                "moduleResolution": resolution,
                "noEmit": true,
                "noUncheckedIndexedAccess": true,
                "skipLibCheck": false,
                "strict": true,
                "target": "es2022",
                "types": [],
                "verbatimModuleSyntax": true,
            },
            "include": ["web", "public/js/*.d.ts", "public/js/sse-client.js"],
        });
        self.write("tsconfig.json", &settings.to_string());
        let output = tool("typescript/bin/tsc", self.dir.path())
            .args(["--pretty", "false"])
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut errors: Vec<String> = Vec::new();
        for line in text.lines() {
            match errors.last_mut() {
                Some(error) if line.starts_with(' ') => *error += line,
                _ => errors.push(line.to_owned()),
            }
        }
        assert_eq!(output.status.success(), errors.is_empty(), "{errors:?}");
        errors
    }

    #[track_caller]
    fn compiles(&self) {
        for resolution in ["bundler", "nodenext"] {
            let errors = self.errors(resolution);
            assert!(errors.is_empty(), "{resolution}:\n{}", errors.join("\n"));
        }
    }
}

/// A tool from npm, in this folder.
fn tool(script: &str, dir: &Path) -> Command {
    let script = workspace().join("tests/types/node_modules").join(script);
    assert!(
        script.is_file(),
        "{} is missing\nhelp: npm ci --prefix tests/types",
        script.display()
    );
    let mut command = Command::new("node");
    command.arg(script).current_dir(dir);
    command
}

#[track_caller]
fn succeeds(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

fn ours(name: &str) -> String {
    fs::read_to_string(workspace().join("tests/types").join(name)).unwrap()
}

#[test]
fn valid_code_compiles() {
    let app = App::new("order:k1,toast:k2");
    app.write("web/good.ts", &ours("good.ts"));
    app.compiles();
}

/// Lines that are wrong, each with the error that says why.
const WRONG: [(&str, &str); 22] = [
    ("sse.on('ordre', () => {});", MISSPELT),
    ("sse.once('ordre', () => {});", MISSPELT),
    ("sse.off('ordre', () => {});", MISSPELT),
    ("sse.addEventListener('ordre', () => {});", MISSPELT),
    ("sse.removeEventListener('ordre', () => {});", MISSPELT),
    (
        "sse.on('sse.statsu', () => {});",
        "TS2345: Argument of type '\"sse.statsu\"'",
    ),
    (
        "sse.addEventListener('*', () => {});",
        "TS2345: Argument of type '\"*\"'",
    ),
    (
        "new SseClient('/', { events: ['order', 'ordre'] });",
        "TS2820: Type '\"ordre\"' is not assignable to type 'SseEventName'. Did you mean '\"order\"'?",
    ),
    (
        "sse.on('order', (value: number) => value);",
        "Type '{ order: number; }' is not assignable to type 'number'",
    ),
    (
        "sse.on('order', (value) => value.ordre);",
        "TS2551: Property 'ordre' does not exist on type '{ order: number; }'",
    ),
    (
        "sse.addEventListener('order', (event) => event.value.order.length);",
        "TS2339: Property 'length' does not exist on type 'number'",
    ),
    (
        "sse.on('sse.gap', ({ reason }) => reason === 'lost');",
        "TS2367: This comparison appears to be unintentional",
    ),
    (
        "sse.on('sse.heartbeat', (value: string) => value);",
        "Type 'number' is not assignable to type 'string'",
    ),
    (
        "sse.onerror = (event) => event.code;",
        "TS2339: Property 'code' does not exist on type 'SseErrorEvent'",
    ),
    (
        "new SseClient('/', { withCredential: true });",
        "TS2561: Object literal may only specify known properties, but 'withCredential'",
    ),
    (
        "new SseClient('/', { share: 7 });",
        "TS2322: Type 'number' is not assignable to type 'string | boolean | undefined'",
    ),
    (
        "new SseClient('/', { lastEventId: 7 });",
        "TS2322: Type 'number' is not assignable to type 'string'",
    ),
    (
        "new SseClient(7);",
        "TS2345: Argument of type '7' is not assignable to parameter of type 'string | URL | undefined'",
    ),
    (
        "sse.listen('order', () => {});",
        "TS2339: Property 'listen' does not exist on type 'SseClient'",
    ),
    ("sse.on('order', null);", "TS2345: Argument of type 'null'"),
    (
        "sse.on('order');",
        "TS2554: Expected 2 arguments, but got 1",
    ),
    (
        "sse.lastEventId = '';",
        "TS2540: Cannot assign to 'lastEventId' because it is a read-only property",
    ),
];

const MISSPELT: &str = "TS2345: Argument of type '\"ordre\"' is not assignable to parameter";

#[test]
fn invalid_code_is_rejected_with_the_right_error() {
    let app = App::new("order:k1,toast:k2");
    for (number, (line, _)) in WRONG.iter().enumerate() {
        app.write(
            &format!("web/wrong{number}.ts"),
            &format!("{BEGIN}{line}\n"),
        );
    }
    for resolution in ["bundler", "nodenext"] {
        let errors = app.errors(resolution);
        for (number, (line, why)) in WRONG.iter().enumerate() {
            let place = format!("web/wrong{number}.ts(6,");
            let found: Vec<_> = errors.iter().filter(|it| it.starts_with(&place)).collect();
            let [error] = found[..] else {
                panic!("{line} gives {found:?}");
            };
            assert!(error.contains(why), "{line} gives {error}");
        }
        assert_eq!(errors.len(), WRONG.len(), "{errors:?}");
    }
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
    // So that it gets a listener for each of them.
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
    // `*` stands for all of them.
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
        // An error names what only one of them has.
        script += &format!(
            "export const {what}_only_typed: never = null! as Exclude<{typed}, {names}>;\n\
             export const {what}_only_in_javascript: never = null! as Exclude<{names}, {typed}>;\n"
        );
    }
    app.write("web/members.ts", &script);
    app.compiles();
}

#[test]
fn a_bundler_makes_one_module_of_app_and_client() {
    let app = App::new("order:k1,toast:k2");
    for name in ["index.html", "src/main.ts"] {
        app.write(&format!("page/{name}"), &ours(&format!("bundled/{name}")));
    }
    for name in ["sse.js", "sse.d.ts", "sse-events.d.ts"] {
        let contents = app.read(&format!("public/js/{name}"));
        app.write(&format!("page/src/js/{name}"), &contents);
    }
    let page = app.path("page");
    succeeds(tool("vite/bin/vite.js", &page).args(["build", "--logLevel", "warn"]));

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
    // A page may forbid these to its scripts, and a module has none of the others.
    for part in ["eval(", "Function(", "import(", "require("] {
        assert!(!code.contains(part), "{part:?} is in {code}");
    }
}

/// The lock file says what is installed, and leaves open from where.
#[test]
fn the_lock_file_names_no_registry() {
    let lock: Value = serde_json::from_str(&ours("package-lock.json")).unwrap();
    let packages = lock["packages"].as_object().unwrap();
    for (name, package) in packages.iter().filter(|(name, _)| !name.is_empty()) {
        assert!(package["integrity"].is_string(), "{name}");
        assert!(package.get("resolved").is_none(), "{name}");
    }
}
