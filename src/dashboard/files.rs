//! The files of the page.

/// A file that the page consists of.
#[derive(Clone, Copy)]
pub(super) struct File {
    /// Empty for the page itself.
    pub(super) name: &'static str,
    pub(super) content_type: &'static str,
    pub(super) contents: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";
const SVG: &str = "image/svg+xml";

macro_rules! file {
    ($name:literal, $content_type:expr, $path:literal) => {
        File {
            name: $name,
            content_type: $content_type,
            contents: include_str!(concat!("../../assets/", $path)),
        }
    };
}

pub(super) const FILES: &[File] = &[
    file!("", HTML, "dashboard/index.html"),
    file!("dashboard.css", STYLE, "dashboard/dashboard.css"),
    file!("dashboard.js", SCRIPT, "dashboard/dashboard.js"),
    file!("chart.js", SCRIPT, "dashboard/chart.js"),
    file!("connection.js", SCRIPT, "dashboard/connection.js"),
    file!("format.js", SCRIPT, "dashboard/format.js"),
    file!("health.js", SCRIPT, "dashboard/health.js"),
    file!("problems.js", SCRIPT, "dashboard/problems.js"),
    file!("recency.js", SCRIPT, "dashboard/recency.js"),
    file!("server.js", SCRIPT, "dashboard/server.js"),
    file!("tables.js", SCRIPT, "dashboard/tables.js"),
    file!("test-event.js", SCRIPT, "dashboard/test-event.js"),
    file!("words.js", SCRIPT, "dashboard/words.js"),
    file!("icon.svg", SVG, "dashboard/icon.svg"),
    file!("sse.js", SCRIPT, "js/sse.js"),
];
