//! An app with Laravel, as Debian packages it.

use std::{fs, os::unix::fs::symlink, path::Path};

use crate::app::{App, INSTALL_OPTIONS, Language, Settings, append, read_source, write_file};

pub(crate) const LARAVEL: App = App {
    write,
    language: Language::Php,
    command: None,
    sessions: Some("writable/framework/sessions"),
    install_options: INSTALL_OPTIONS,
};

const FILES: &[&str] = &[
    "app/Http/Kernel.php",
    "app/Providers/AppServiceProvider.php",
    "app/Providers/UserList.php",
    "bootstrap/app.php",
    "config/app.php",
    "config/auth.php",
    "config/cache.php",
    "config/logging.php",
    "config/session.php",
    "config/view.php",
    "public/index.php",
    "routes/web.php",
];

/// What it writes is in `writable`, which the tests give to PHP's user.
fn write(dir: &Path, settings: &Settings) {
    let block = |part: &str| settings.block("Laravel", "php", part);
    for file in FILES {
        let code = read_source(&format!("laravel/{file}"))
            .replace(
                "// The guide's imports.\n",
                &block("\nuse Illuminate\\Cookie"),
            )
            .replace("// The guide's route.\n", &block("->get('/sse/auth'"));
        write_file(&dir.join(file), &code);
    }
    append(&dir.join("routes/web.php"), &block("Route::post('/order'"));
    write_file(
        &dir.join("app/Http/Middleware/ReadSession.php"),
        &block("class ReadSession"),
    );
    write_file(&dir.join("sse.php"), &settings.php_functions());
    for folder in [
        "writable/bootstrap",
        "writable/framework/sessions",
        "writable/framework/views",
    ] {
        fs::create_dir_all(dir.join(folder)).unwrap();
    }
    symlink("writable", dir.join("storage")).unwrap();
    symlink("../writable/bootstrap", dir.join("bootstrap/cache")).unwrap();
}
