//! A small app in plain PHP, which writes its cache as CodeIgniter does.

use std::path::Path;

use crate::app::{App, INSTALL_OPTIONS, Language, Settings, copy_source, write_file};

pub(crate) const PLAIN: App = App {
    write,
    language: Language::Php,
    command: Some("command"),
    sessions: Some("writable/sessions"),
    install_options: INSTALL_OPTIONS,
};

fn write(dir: &Path, settings: &Settings) {
    for file in ["cache.php", "command", "public/index.php"] {
        copy_source(&format!("php_app/{file}"), &dir.join(file));
    }
    copy_source("php/bursts.php", &dir.join("bursts.php"));
    let prefix = format!("<?php const CACHE_PREFIX = '{}';", settings.prefix);
    write_file(&dir.join("settings.php"), &prefix);
    write_file(&dir.join("sse.php"), &settings.php_functions());
    let answer = settings.block("Plain PHP", "php", "session_start");
    write_file(&dir.join("answer.php"), &format!("<?php {answer}"));
    let asked = settings.block("Names that a page asks for", "php", "SSE_ASKED");
    write_file(&dir.join("asked.php"), &format!("<?php {asked}"));
    std::fs::create_dir_all(dir.join("writable/sessions")).unwrap();
}
