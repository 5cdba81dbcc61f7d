//! The owner edits files after `install`: another `install`, an upgrade and `uninstall` keep these edits,
//! and `uninstall` names what it keeps.

use std::{fs, path::Path, process::Command};

use crate::hello::Hello;

/// An edit of an app with an installation.
struct Edit {
    what: &'static str,
    make: fn(&Hello),
    /// Files after `uninstall`, if they differ from those before `install`.
    left: &'static [(&'static str, &'static str)],
    /// Texts in the output of `uninstall`.
    named: &'static [&'static str],
}

const ENV: &str = "SECRET=1\nB='2'\n";

const EDITS: [Edit; 10] = [
    Edit {
        what: "a value in the block",
        make: |hello| {
            hello.replace(
                ".env",
                "SSE_POLL_INTERVAL=2",
                "SSE_POLL_INTERVAL=0.5 # fast",
            );
        },
        left: &[(".env", "SECRET=1\nB='2'\nSSE_POLL_INTERVAL=0.5 # fast\n")],
        named: &["SSE_POLL_INTERVAL=0.5"],
    },
    Edit {
        what: "every value in the block",
        make: |hello| {
            hello.replace(".env", "DURATION=15", "DURATION=300");
            hello.replace(".env", "INTERVAL=2", "INTERVAL=1");
            hello.replace(
                ".env",
                "SSE_EVENTS=event_name1:",
                "SSE_EVENTS=mine:mine,event_name1:",
            );
        },
        left: &[(
            ".env",
            "SECRET=1\nB='2'\nSSE_STREAM_DURATION=300\nSSE_POLL_INTERVAL=1\n\
             SSE_EVENTS=mine:mine,event_name1:event_cache_key1,event_name2:event_cache_key2\n",
        )],
        named: &[
            "SSE_STREAM_DURATION=300",
            "SSE_POLL_INTERVAL=1",
            "SSE_EVENTS=mine:mine",
        ],
    },
    Edit {
        what: "lines inside the block",
        make: |hello| {
            hello.replace(
                ".env",
                "SSE_POLL_INTERVAL=2\n",
                "SSE_POLL_INTERVAL=2\n# mine\n\nSSE_TTL=5\nTEXT='a\n# >>> sse >>>\nb'\n",
            );
        },
        left: &[(
            ".env",
            "SECRET=1\nB='2'\n# mine\n\nSSE_TTL=5\nTEXT='a\n# >>> sse >>>\nb'\n",
        )],
        named: &[".env (4 of your own lines"],
    },
    Edit {
        what: "lines in front of the block and behind it",
        make: |hello| {
            let env = hello.read(".env").replace("SECRET=1", "SECRET=2");
            hello.write(".env", &format!("FIRST=1\n{env}LAST=1"));
        },
        left: &[(".env", "FIRST=1\nSECRET=2\nB='2'\nLAST=1")],
        named: &[],
    },
    Edit {
        what: "the block moved to the front, its lines swapped",
        make: |hello| {
            let env = hello.read(".env");
            let block = env.strip_prefix(ENV).unwrap();
            let (head, tail) = block.split_once("SSE_STREAM_DURATION=15\n").unwrap();
            let tail = tail.replacen(
                "SSE_POLL_INTERVAL=2\n",
                "SSE_POLL_INTERVAL=2\nSSE_STREAM_DURATION=15\n",
                1,
            );
            hello.write(".env", &format!("{head}{tail}{ENV}"));
        },
        left: &[],
        named: &[],
    },
    Edit {
        what: "the keys taken out of the block, and the comments",
        make: |hello| {
            let env = hello.read(".env");
            let kept = |line: &&str| {
                !line.starts_with("SSE_")
                    && !line.starts_with("# sse: A")
                    && !line.starts_with("# sse: S")
            };
            let kept: Vec<&str> = env.lines().filter(kept).collect();
            hello.write(".env", &(kept.join("\n") + "\nSSE_EVENTS=order:orders\n"));
        },
        left: &[(".env", "SECRET=1\nB='2'\nSSE_EVENTS=order:orders\n")],
        named: &[],
    },
    Edit {
        what: "listeners",
        make: |hello| {
            let path = "public/js/sse-client.js";
            hello.write(path, "// mine\n");
            hello.write("public/js/other.js", "// mine, too\n");
        },
        left: &[
            ("public/js/sse-client.js", "// mine\n"),
            ("public/js/other.js", "// mine, too\n"),
        ],
        named: &["public/js/sse-client.js (", "public/js/ ("],
    },
    Edit {
        what: "the manifest",
        make: |hello| {
            hello.replace(
                "Cargo.toml",
                "[dependencies]\n",
                "[dependencies]\nlog = \"0.4\" # mine\n",
            );
            hello.write(
                "Cargo.toml",
                &(hello.read("Cargo.toml") + "serde = \"1\"\n[profile.dev]\nopt-level = 1\n"),
            );
        },
        left: &[(
            "Cargo.toml",
            "[package]\nname = \"sse-hello-world\"\nversion = \"0.1.0\"\nedition = \"2024\"\npublish = false\n\n\
             [dependencies]\nlog = \"0.4\" # mine\n\
             actix-web = { version = \"4\", default-features = false, features = [\"macros\"] }\n\
             serde = \"1\"\n[profile.dev]\nopt-level = 1\n",
        )],
        named: &[],
    },
    Edit {
        what: "an editor that ends every line",
        make: |hello| hello.write(".env", &(hello.read(".env").trim_end().to_owned() + "\n")),
        left: &[],
        named: &[],
    },
    Edit {
        what: "files beside ours, and saved values",
        make: |hello| {
            hello.write("public/index.html", "<p>");
            hello.write("writable/cache/.sse/journal-2/.id", "x");
            hello.write("writable/cache/mine", "1");
        },
        left: &[("public/index.html", "<p>"), ("writable/cache/mine", "1")],
        named: &["public/ (", "writable/cache/ ("],
    },
];

#[test]
fn edits_of_the_owner_are_kept_and_named() {
    for edit in EDITS {
        for between in [
            &[][..],
            &["install"],
            &["upgrade"],
            &["install", "upgrade", "install"],
        ] {
            let hello = Hello::with(&[(".env", ENV)]);
            let mut expected = hello.tree();
            hello.sse_succeeds(&["install"]);
            (edit.make)(&hello);
            for step in between {
                if *step == "upgrade" {
                    make_older(&hello);
                }
                let ran = hello.sse(&["install"]);
                assert_eq!(ran.code, 0, "{}: {}", edit.what, ran.err);
            }
            let ran = hello.sse(&["uninstall"]);
            assert_eq!(ran.code, 0, "{}: {}", edit.what, ran.err);
            for named in edit.named {
                assert!(
                    ran.err.contains(named),
                    "{}: {named:?}: {}",
                    edit.what,
                    ran.err
                );
            }
            for (name, contents) in edit.left {
                let path = hello.path().join(name);
                let folders = path
                    .ancestors()
                    .skip(1)
                    .take_while(|folder| *folder != hello.path());
                expected.extend(folders.map(|folder| (folder.to_owned(), None)));
                expected.insert(path, Some(contents.as_bytes().to_vec()));
            }
            let left = hello.tree();
            for path in left.keys().chain(expected.keys()) {
                let text = |contents: Option<&Option<Vec<u8>>>| {
                    contents.map(|bytes| {
                        bytes
                            .as_ref()
                            .map(|bytes| String::from_utf8_lossy(bytes).into_owned())
                    })
                };
                assert_eq!(
                    text(left.get(path)),
                    text(expected.get(path)),
                    "{}, then {between:?}: {}",
                    edit.what,
                    path.display()
                );
            }
        }
    }
}

/// Replaces the client by one of an older version, with its checksum.
fn make_older(hello: &Hello) {
    const OLDER: &str = "// This file belongs to actix-web-sse, of another version.\n";

    let env = hello.read(".env");
    let (before, rest) = env.split_once("public/js/sse.js=").unwrap();
    let (_, after) = rest.split_at(16);
    let hash = OLDER.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    });
    hello.write(
        ".env",
        &format!("{before}public/js/sse.js={hash:016x}{after}"),
    );
    hello.write("public/js/sse.js", OLDER);
}

/// Git and some editors convert line endings.
#[test]
fn other_line_endings_are_not_edits() {
    let hello = Hello::with(&[(".env", ENV)]);
    let before = hello.tree();
    hello.sse_succeeds(&["install"]);
    convert(&hello, |text| text.replace('\n', "\r\n"));
    let converted = hello.tree();
    hello.sse_succeeds(&["install"]);
    assert_eq!(hello.tree(), converted, "nothing is left to install");
    hello.sse_succeeds(&["uninstall"]);
    convert(&hello, |text| {
        assert_eq!(text.matches('\n').count(), text.matches("\r\n").count());
        text.replace("\r\n", "\n")
    });
    assert_eq!(hello.tree(), before);
}

fn convert(hello: &Hello, how: impl Fn(String) -> String) {
    for (path, contents) in hello.tree() {
        if contents.is_some() {
            let text = fs::read_to_string(&path).unwrap();
            fs::write(path, how(text)).unwrap();
        }
    }
}

/// For example an editor that drops the byte order mark, or ends the last line.
#[test]
fn an_editor_that_rewrites_env_removes_nothing_else() {
    for (before, left) in [
        ("\u{feff}A=1\r\nB=2", "A=1\r\nB=2\n"),
        ("A=1", "A=1\n"),
        ("", ""),
        ("A=1\n\n\n", "A=1\n\n\n"),
    ] {
        let hello = Hello::with(&[(".env", before)]);
        hello.sse_succeeds(&["install"]);
        let env = hello.read(".env");
        let env = env.trim_start_matches('\u{feff}').trim_end().to_owned() + "\n";
        hello.write(".env", &env);
        hello.sse_succeeds(&["install"]);
        assert_eq!(hello.read(".env"), env);
        hello.sse_succeeds(&["uninstall"]);
        assert_eq!(
            hello.read(".env").replace("\r\n", "\n"),
            left.replace("\r\n", "\n"),
            "{before:?}"
        );
    }
}

/// `cargo add` rewrites the manifest, and `cargo fmt` the code.
#[test]
fn cargo_add_and_fmt_may_run_before_or_after() {
    let works = |hello: &Hello| {
        hello.write(
            "helper/Cargo.toml",
            "[package]\nname = \"helper\"\nversion = \"0.1.0\"\nedition = \"2024\"\n",
        );
        hello.write("helper/src/lib.rs", "");
        cargo(
            hello.path(),
            &["add", "--offline", "--quiet", "--path", "helper"],
        );
        cargo(hello.path(), &["fmt"]);
    };
    for main in [
        "use actix_web::{App, HttpServer};\n\n#[actix_web::main]\nasync fn main() -> std::io::Result<()> {\n    HttpServer::new(|| App::new()).bind((\"127.0.0.1\", 0))?.run().await\n}\n",
        "use actix_web::{App, HttpServer, web};\n\n#[actix_web::main]\nasync fn main() -> std::io::Result<()> {\n    HttpServer::new(|| App::new().route(\"/\", web::get().to(|| async { \"Hello\" }))).bind((\"127.0.0.1\", 0))?.run().await\n}\n",
        "use actix_web::{App, HttpServer, web};\n\n#[actix_web::main]\nasync fn main() -> std::io::Result<()> {\n    HttpServer::new(|| {\n        App::new()\n            .app_data(web::Data::new(1))\n            .route(\"/\", web::get().to(|| async { \"Hello\" }))\n    })\n    .bind((\"127.0.0.1\", 0))?\n    .run()\n    .await\n}\n",
    ] {
        let without = Hello::with(&[("src/main.rs", main)]);
        works(&without);
        let hello = Hello::with(&[("src/main.rs", main)]);
        hello.sse_succeeds(&["install"]);
        works(&hello);
        hello.sse_succeeds(&["install"]);
        hello.sse_succeeds(&["uninstall"]);
        assert_eq!(hello.read("Cargo.toml"), without.read("Cargo.toml"));
        cargo(hello.path(), &["fmt"]);
        assert_eq!(hello.read("src/main.rs"), without.read("src/main.rs"));
    }
}

fn cargo(dir: &Path, arguments: &[&str]) {
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(arguments).current_dir(dir);
    let output = cargo.env_remove("CARGO_MANIFEST_DIR").output().unwrap();
    let printed = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {printed}");
}
