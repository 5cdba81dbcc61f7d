//! What `sse doctor` finds, for the tests about it.

use std::fs;

use serde_json::Value;
use support::{App, workspace};

use crate::hello::{Hello, Ran, sse_in};

/// A finding, as JSON has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) level: String,
    pub(crate) check: String,
    pub(crate) what: String,
    pub(crate) help: String,
}

/// The findings of `sse doctor --json`, which ends with 4 where one of them is bad, else with 0.
#[track_caller]
pub(crate) fn findings(ran: &Ran) -> Vec<Found> {
    let diagnosis: Value = serde_json::from_str(&ran.out).expect(&ran.err);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found: Vec<Found> = diagnosis["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| Found {
            level: text(&finding["level"]),
            check: text(&finding["check"]),
            what: text(&finding["what"]),
            help: text(&finding["help"]),
        })
        .collect();
    let documentation = fs::read_to_string(workspace().join("docs/cli.md")).unwrap();
    for finding in &found {
        let row = format!("| `{}` |", finding.check);
        assert!(documentation.contains(&row), "docs/cli.md lacks {row}");
    }
    let is_bad = found.iter().any(Found::is_bad);
    assert_eq!(diagnosis["well"], !is_bad);
    assert_eq!(ran.code, if is_bad { 4 } else { 0 }, "{found:#?}");
    found
}

/// The warnings and errors, each of which says what to do.
#[track_caller]
pub(crate) fn bad(ran: &Ran) -> Vec<Found> {
    let mut found = findings(ran);
    found.retain(Found::is_bad);
    assert!(
        found.iter().all(|found| !found.help.is_empty()),
        "{found:#?}"
    );
    found
}

impl Found {
    pub(crate) fn is_bad(&self) -> bool {
        self.level == "warning" || self.level == "error"
    }

    #[track_caller]
    pub(crate) fn is(&self, level: &str, check: &str, what: &str, help: &str) {
        assert_eq!(
            (self.level.as_str(), self.check.as_str()),
            (level, check),
            "{self:?}"
        );
        assert!(
            self.what.contains(what) && self.help.contains(help),
            "{self:?}"
        );
    }
}

#[track_caller]
pub(crate) fn only(found: &[Found]) -> &Found {
    assert_eq!(found.len(), 1, "{found:#?}");
    &found[0]
}

#[track_caller]
pub(crate) fn of_check<'a>(found: &'a [Found], check: &str) -> Vec<&'a Found> {
    let found: Vec<_> = found.iter().filter(|found| found.check == check).collect();
    assert!(!found.is_empty(), "nothing about {check}");
    found
}

pub(crate) fn examine(hello: &Hello) -> Ran {
    hello.sse(&["doctor", "--json"])
}

/// An app in which nothing is left to do.
pub(crate) fn installed() -> Hello {
    let hello = Hello::new();
    hello.sse_does(&["install"]);
    hello.write(
        "templates/page.html",
        "<script src=\"/js/sse-client.js\"></script>\n",
    );
    hello
}

/// Runs it where there is no app, so that it is about the stream alone.
pub(crate) fn examine_url(url: &str, arguments: &[&str]) -> Ran {
    let hello = Hello::new();
    sse_in(hello.outside(), &command_line(url, arguments))
}

/// Runs it in the folder of the app that is served, or should be.
pub(crate) fn examine_app_and_url(app: &App, url: &str, arguments: &[&str]) -> Ran {
    let mut command = app.sse();
    command.args(command_line(url, arguments));
    Ran::of(&command.output().unwrap())
}

/// Half a second is enough, unless the arguments say otherwise.
fn command_line<'a>(url: &'a str, arguments: &[&'a str]) -> Vec<&'a str> {
    let mut all = vec!["doctor", url, "--json"];
    if !arguments.contains(&"--wait") {
        all.extend(["--wait", "0.5"]);
    }
    all.extend(arguments);
    all
}
