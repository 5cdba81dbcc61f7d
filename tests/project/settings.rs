//! The documentation of the configuration lists the settings that the library has.

use actix_web_sse::cli_support::SETTINGS;

use crate::markdown::read;

#[test]
fn the_documentation_lists_every_setting_with_its_default() {
    let document = read("docs/configuration.md");
    let rows = document.lines().filter(|line| line.starts_with("| `SSE_"));
    let documented: Vec<(&str, &str)> = rows
        .map(|row| {
            let mut cells = row.split('|').map(str::trim).skip(1);
            (cells.next().unwrap(), cells.next().unwrap())
        })
        .collect();
    let rows = SETTINGS.iter().map(|info| {
        let default = match info.default {
            None => "none, required".to_owned(),
            Some("") => "none".to_owned(),
            Some(default) => format!("`{default}`"),
        };
        (format!("`{}`", info.name), default)
    });
    let rows: Vec<(String, String)> = rows.collect();
    let rows = rows.iter().map(|(name, default)| (&**name, &**default));
    assert_eq!(documented, rows.collect::<Vec<_>>());
}
