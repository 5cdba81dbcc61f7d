//! The types in `public/js`: the client's, and those of the events in `SSE_EVENTS`.

use std::fs;

use crate::hello::Hello;

const CLIENT: &str = "public/js/sse.d.ts";
const EVENTS: &str = "public/js/sse-events.d.ts";

/// The line with the names of the events.
fn names(hello: &Hello) -> String {
    let text = hello.read(EVENTS);
    let line = text
        .lines()
        .find(|line| line.starts_with("export type SseEventName"));
    line.unwrap_or_else(|| panic!("{text}")).to_owned()
}

#[test]
fn the_types_name_the_events_of_sse_events() {
    let hello = Hello::new();
    let before = hello.tree();
    hello.sse_succeeds(&["install"]);
    let first = hello.read(EVENTS);
    assert_eq!(
        names(&hello),
        "export type SseEventName = 'event_name1' | 'event_name2';"
    );
    hello.replace(".env", "SSE_EVENTS=event_name1:", "SSE_EVENTS=order:");
    let ran = hello.sse(&["status"]);
    assert_eq!(ran.code, 4);
    let line =
        format!("modified   {EVENTS} (does not match SSE_EVENTS; `sse install` updates it)\n");
    assert!(ran.out.contains(&line), "{}", ran.out);

    let shown = hello.sse(&["install", "--diff"]).out;
    let added = "\n+export type SseEventName = 'order' | 'event_name2';\n";
    assert!(shown.contains(added), "{shown}");
    let printed = hello.sse(&["install", "--dry-run"]).err;
    assert!(
        printed.contains(&format!("Updated {EVENTS}\n")),
        "{printed}"
    );
    assert_eq!(hello.read(EVENTS), first);

    let printed = hello.sse_succeeds(&["install"]);
    assert!(
        printed.contains(&format!("Updated {EVENTS}\n")),
        "{printed}"
    );
    assert_eq!(
        names(&hello),
        "export type SseEventName = 'order' | 'event_name2';"
    );
    assert_eq!(hello.sse(&["status"]).code, 0);

    // The events change once more, without another `sse install`.
    hello.replace(".env", "SSE_EVENTS=order:", "SSE_EVENTS=event_name1:");
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.tree(), before);
}

#[test]
fn special_characters_in_names_are_escaped() {
    let hello = Hello::with(&[(
        ".env",
        "SSE_EVENTS=\"it's:a,b\\\\c:b,d\u{2028}e:c,f g:d\"\n",
    )]);
    hello.sse_succeeds(&["install"]);
    assert_eq!(
        names(&hello),
        r"export type SseEventName = 'it\'s' | 'b\\c' | 'd\u2028e' | 'f g';"
    );
    hello.write(".env", "SSE_EVENTS=order\n");
    hello.sse(&["install"]);
    assert_eq!(names(&hello), "export type SseEventName = string;");
}

#[test]
fn edited_types_are_a_conflict_and_are_kept() {
    for name in [CLIENT, EVENTS] {
        let hello = Hello::new();
        hello.sse_succeeds(&["install"]);
        let edited = format!("{}// mine\n", hello.read(name));
        hello.write(name, &edited);
        let before = hello.tree();
        let ran = hello.sse(&["install"]);
        ran.fails(3, &format!("{name} was modified"));
        assert!(ran.err.contains("your own types belong"), "{}", ran.err);
        assert_eq!(hello.tree(), before);
        let status = hello.sse(&["status"]);
        let line = format!("modified   {name} (put your types");
        assert!(status.out.contains(&line), "{}", status.out);

        let printed = hello.sse_succeeds(&["uninstall"]);
        assert!(
            printed.contains(&format!("Kept {name} (you have modified it;")),
            "{printed}"
        );
        assert_eq!(hello.read(name), edited);

        hello.sse_succeeds(&["install", "--force"]);
        assert!(!hello.read(name).contains("mine"));
    }
}

#[test]
fn a_clone_without_its_env_file_gets_the_types_of_its_own_events() {
    for again in [
        &["install"][..],
        &["install", "--no-env", "--events", "bill:bills"],
    ] {
        let hello = Hello::new();
        let before = hello.tree();
        hello.sse_succeeds(&["install", "--events", "order:orders"]);
        fs::remove_file(hello.path().join(".env")).unwrap();
        let printed = hello.sse_succeeds(again);
        assert!(
            printed.contains(&format!("Updated {EVENTS}\n")),
            "{printed}"
        );
        let events = if again.len() == 1 {
            "'event_name1' | 'event_name2'"
        } else {
            "'bill'"
        };
        assert_eq!(
            names(&hello),
            format!("export type SseEventName = {events};")
        );
        hello.sse_succeeds(&["uninstall"]);
        fs::remove_dir_all(hello.path().join("public")).ok();
        assert_eq!(hello.tree(), before);
    }
}

#[test]
fn an_app_that_serves_its_own_scripts_gets_types_on_request() {
    let hello = Hello::with(&[
        ("public/js/sse-client.js", "// mine\n"),
        (
            "Cargo.toml",
            "[package]\nname = \"x\"\n[dependencies]\nactix-web = \"4\"\nactix-web-sse = \"0.1\"\n",
        ),
        (".env", "SSE_EVENTS=order:orders\n"),
    ]);
    hello.replace(
        "src/main.rs",
        "App::new()",
        "App::new().configure(actix_web_sse::routes)",
    );
    let before = hello.tree();
    hello.sse_succeeds(&["install"]);
    assert!(!hello.has("public/js/sse.js") && !hello.has(CLIENT) && !hello.has(EVENTS));
    let status = hello.sse(&["status"]);
    assert!(
        status.code == 0 && !status.out.contains(".d.ts"),
        "{}",
        status.out
    );

    hello.sse_succeeds(&["install", "--types"]);
    assert!(!hello.has("public/js/sse.js") && hello.has(CLIENT));
    assert_eq!(names(&hello), "export type SseEventName = 'order';");
    let status = hello.sse(&["status"]);
    assert!(
        status.code == 0 && status.out.contains(EVENTS),
        "{}",
        status.out
    );

    hello.replace(".env", "order:", "bill:");
    assert_eq!(hello.sse(&["status"]).code, 4);
    hello.sse_succeeds(&["install"]);
    assert_eq!(names(&hello), "export type SseEventName = 'bill';");
    hello.replace(".env", "bill:", "order:");
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(hello.tree(), before);
    assert_eq!(hello.sse(&["install", "--types", "--no-js"]).code, 2);
}

#[test]
fn the_doctor_does_not_mistake_a_type_for_a_listener() {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    hello.replace(".env", "SSE_EVENTS=", "SSE_EVENTS=order:orders,");
    hello.sse_succeeds(&["install"]);
    let text = hello.sse(&["doctor"]).out;
    let line = "no page or script of this app names the event `order`";
    assert!(text.contains(line), "{text}");
}
