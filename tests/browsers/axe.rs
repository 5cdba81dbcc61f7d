//! axe, a checker of accessibility.

use std::fs;

use serde_json::{Value, json};
use support::{Browser, workspace};

/// The rules that the colour scheme affects.
pub(crate) const COLOUR_RULES: &str = "['color-contrast', 'link-in-text-block']";

/// Loads axe into the page.
#[track_caller]
pub(crate) fn load(browser: &Browser) {
    let axe = workspace().join("tests/axe/node_modules/axe-core/axe.min.js");
    let script =
        fs::read_to_string(axe).expect("axe-core is missing\nhelp: `tests/setup` installs it");
    browser.execute(&script);
}

/// Expects that axe finds nothing, at each size and in both colour schemes.
#[track_caller]
pub(crate) fn assert_accessible(browser: &Browser, what: &str, viewports: &[(u32, u32)]) {
    load(browser);
    for (scheme, rules) in [("light", "undefined"), ("dark", COLOUR_RULES)] {
        browser.emulate_media(&[
            ("prefers-color-scheme", scheme),
            ("prefers-reduced-motion", "reduce"),
        ]);
        for (width, height) in viewports {
            browser.set_viewport(*width, *height);
            browser
                .wait("document.getAnimations().every(({ playState }) => playState !== 'running')");
            assert_eq!(
                find_violations(browser, rules),
                json!([]),
                "{what}: {scheme} at {width}"
            );
        }
    }
}

/// What these rules find, or all of them if they are `undefined`.
pub(crate) fn find_violations(browser: &Browser, rules: &str) -> Value {
    browser.evaluate(&format!(
        "axe.run({{ resultTypes: ['violations'], runOnly: {rules} }}).then(({{ violations }}) =>
            violations.map(({{ id, nodes }}) => [id, ...nodes.map(({{ html, failureSummary }}) => html + failureSummary)]))",
    ))
}
