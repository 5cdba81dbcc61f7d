//! Runs of `sse doctor`, and their findings.

use std::fs;

use serde_json::Value;
use support::{App, workspace};

use crate::hello::{Hello, Ran, sse_in};

/// A finding in the JSON output.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) level: String,
    pub(crate) check: String,
    pub(crate) what: String,
    pub(crate) help: String,
}

/// The findings of `sse doctor --json`, which exits with 4 if one of them is a problem, else with 0.
#[track_caller]
pub(crate) fn findings(ran: &Ran) -> Vec<Finding> {
    let diagnosis: Value = serde_json::from_str(&ran.out).expect(&ran.err);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let found: Vec<Finding> = diagnosis["findings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|finding| Finding {
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
    let is_problem = found.iter().any(Finding::is_problem);
    assert_eq!(diagnosis["well"], !is_problem);
    assert_eq!(ran.code, if is_problem { 4 } else { 0 }, "{found:#?}");
    found
}

/// The warnings and errors, each with a help.
#[track_caller]
pub(crate) fn problems(ran: &Ran) -> Vec<Finding> {
    let mut found = findings(ran);
    found.retain(Finding::is_problem);
    assert!(
        found.iter().all(|found| !found.help.is_empty()),
        "{found:#?}"
    );
    found
}

impl Finding {
    pub(crate) fn is_problem(&self) -> bool {
        self.level == "warning" || self.level == "error"
    }

    #[track_caller]
    pub(crate) fn assert_is(&self, level: &str, check: &str, what: &str, help: &str) {
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
pub(crate) fn only(found: &[Finding]) -> &Finding {
    assert_eq!(found.len(), 1, "{found:#?}");
    &found[0]
}

#[track_caller]
pub(crate) fn of_check<'a>(found: &'a [Finding], check: &str) -> Vec<&'a Finding> {
    let found: Vec<_> = found.iter().filter(|found| found.check == check).collect();
    assert!(!found.is_empty(), "nothing about {check}");
    found
}

pub(crate) fn examine(hello: &Hello) -> Ran {
    hello.sse(&["doctor", "--json"])
}

/// An app with a complete installation.
pub(crate) fn installed() -> Hello {
    let hello = Hello::new();
    hello.sse_succeeds(&["install"]);
    hello.write(
        "templates/page.html",
        "<script src=\"/js/sse-client.js\"></script>\n",
    );
    hello
}

/// The values that `--save` saved arrived one by one. On a busy machine some of them are late.
#[track_caller]
pub(crate) fn assert_one_by_one(found: &[Finding]) {
    let saves = of_check(found, "saves")[0];
    assert!(saves.what.contains("one by one"), "{saves:?}");
}

/// The same, and nearly all at once.
#[track_caller]
pub(crate) fn assert_in_time(found: &[Finding]) {
    assert_one_by_one(found);
    let saves = of_check(found, "saves")[0];
    assert_eq!(saves.level, "ok", "{saves:?}");
}

/// What is found if the beginning of a stream is late.
pub(crate) const LATE_BEGINNING: &str = "but it arrived after";

/// What is found if the beginning of a stream or saved values are late.
pub(crate) const LATE: [&str; 3] = [LATE_BEGINNING, " s late", "of them not within"];

/// Examines again if something was late that is in time unless the machine is busy.
pub(crate) fn in_time(findings: &[&str], mut examine: impl FnMut() -> Ran) -> Ran {
    const MAX_REPETITIONS: usize = 3;
    let mut ran = examine();
    for _ in 0..MAX_REPETITIONS {
        if !findings.iter().any(|finding| ran.out.contains(finding)) {
            break;
        }
        ran = examine();
    }
    ran
}

/// Runs it in a folder without an app, so that it examines the stream alone.
pub(crate) fn examine_url(url: &str, arguments: &[&str]) -> Ran {
    in_time(&LATE, || examine_url_once(url, arguments))
}

/// Runs it once, although something may be late.
pub(crate) fn examine_url_once(url: &str, arguments: &[&str]) -> Ran {
    let hello = Hello::new();
    sse_in(hello.outside(), &command_line(url, arguments))
}

/// Runs it in the folder of the app, too.
pub(crate) fn examine_app_and_url(app: &App, url: &str, arguments: &[&str]) -> Ran {
    in_time(&LATE, || examine_app_and_url_once(app, url, arguments))
}

/// Runs it once, although something may be late.
pub(crate) fn examine_app_and_url_once(app: &App, url: &str, arguments: &[&str]) -> Ran {
    let mut command = app.sse();
    command.args(command_line(url, arguments));
    Ran::from_output(&command.output().unwrap())
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
