//! The guide lists what the command has.

use support::blocks_of_document;

use crate::app::{ENV, OtherApp};

/// The rows of the guide's table of settings, as option and default.
fn documented() -> Vec<(String, String)> {
    let path = support::workspace().join("docs/guides/beside-another-app.md");
    let document = std::fs::read_to_string(path).unwrap();
    let rows = document.lines().filter(|line| line.starts_with("| `--"));
    rows.map(|row| {
        let cells: Vec<&str> = row
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        let name = cells[1].split(' ').next().unwrap().to_owned();
        let variable = name
            .trim_start_matches("--")
            .replace('-', "_")
            .to_uppercase();
        assert_eq!(cells[2], format!("SSE_{variable}"));
        (name, cells[3].to_owned())
    })
    .collect()
}

#[test]
fn the_guide_lists_every_option_with_its_default() {
    let app = OtherApp::new(ENV);
    let help = app.sse(&["serve", "--help"]);
    let help = String::from_utf8(help.stdout).unwrap();
    let options: Vec<String> = help
        .split_once("\nOptions:\n")
        .and_then(|(_, rest)| rest.split_once("\nExamples:"))
        .map(|(options, _)| options.lines())
        .unwrap()
        .filter_map(|line| {
            line.trim_start()
                .split(' ')
                .find(|word| word.starts_with("--"))
        })
        .filter(|option| !["--healthcheck", "--help"].contains(option))
        .map(str::to_owned)
        .collect();
    let documented = documented();
    let names: Vec<&String> = documented.iter().map(|(name, _)| name).collect();
    assert_eq!(names, options.iter().collect::<Vec<_>>());
    for (name, default) in &documented {
        let (_, text) = help.split_once(&format!("{name} <")).unwrap();
        let text = text.split("      --").next().unwrap();
        assert_eq!(
            text.contains("[default: "),
            default != "none",
            "{name}: {text}"
        );
        assert!(
            default == "none" || text.contains(&format!("[default: {default}]")),
            "{text}"
        );
    }
}

#[test]
fn the_guide_prints_what_the_server_prints() {
    let document = "guides/beside-another-app.md";
    let commands = blocks_of_document(document, "Start", "console").join("");
    assert!(commands.contains("$ sse serve\nListening on http://127.0.0.1:8090\n"));
}
