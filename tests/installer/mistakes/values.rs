//! Mistakes in values.

use support::App;

use crate::hello::{Ran, sse_reads};

const KEY: &str = "event_cache_key1";

fn save(app: &App, value: &str, options: &[&str]) -> Ran {
    let command = app.sse().args(["save", KEY, value]).args(options).output();
    Ran::from_output(&command.unwrap())
}

fn value(app: &App) -> String {
    String::from_utf8(app.run_sse(&["get", KEY]).stdout).unwrap()
}

#[test]
fn json_with_a_slip_is_saved_as_text_with_a_warning_that_names_the_place() {
    let app = App::new();
    let begins = "warning: the value begins like JSON, but is not, so it was saved as text: ";
    for (text, place) in [
        (
            "{\"a\":1,}",
            "line 1, column 8: a comma has nothing after it\n",
        ),
        // A shell has removed the quotes.
        (
            "{order:42}",
            "line 1, column 2: a name is not in double quotes\n",
        ),
        (
            "{'order': 42}",
            "line 1, column 2: a name is not in double quotes\n",
        ),
        ("[1, 2", "line 1, column 5: the list ends without `]`\n"),
        ("\"shipped", "line 1: a string ends without `\"`\n"),
    ] {
        let ran = save(&app, text, &[]);
        assert_eq!(ran.code, 0, "{}", ran.err);
        let expected = format!(
            "{begins}{place}help: correct the value, or save it as text without this warning: sse save --text\n"
        );
        assert!(ran.err.starts_with(&expected), "{text}: {}", ran.err);
        assert_eq!(value(&app), format!("{}\n", serde_json::Value::from(text)));
        let silenced = save(&app, text, &["--text"]);
        assert!(
            silenced.err.starts_with("saved "),
            "{text}: {}",
            silenced.err
        );
    }
    let file = b"{\n  \"order\": 42\n  \"total\": 9.5\n}\n";
    let piped = sse_reads(app.path(), &["save", KEY, "-"], file);
    let expected = "line 3, column 3: expected `,` or `}`\n";
    assert!(piped.err.contains(expected), "{}", piped.err);
}

#[test]
fn text_that_only_resembles_json_is_saved_without_a_warning() {
    let app = App::new();
    for text in [
        "hello",
        "[draft]",
        "[2026-01-31] done",
        "{name}",
        "\"Yes\", she said",
        "{\"a\": 1}",
    ] {
        let ran = save(&app, text, &[]);
        assert!(
            ran.code == 0 && ran.err.starts_with("saved "),
            "{text}: {}",
            ran.err
        );
    }
}
