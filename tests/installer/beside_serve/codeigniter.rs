//! A folder like that of a CodeIgniter 4 app.

use std::fs;

use crate::{
    cases::snapshot,
    doctor::findings::{Finding, examine, problems},
    hello::{Hello, sse_in},
};

const CACHE_PHP: &str = "<?php

namespace Config;

class Cache extends BaseConfig
{
    public string $handler = 'file';
    public string $prefix = '';
    public array $file = [
        'storePath' => WRITEPATH . 'cache/',
        'mode'      => 0640,
    ];
}
";

const WELCOME: &str = "<!doctype html>\n<html>\n<body>\n<?= date('Y') ?>\n</body>\n</html>\n";

const ROUTES: &str = "<?php\n\n$routes->get('/', 'Home::index');\n";

fn shop() -> Hello {
    let shop = Hello::without_app();
    for (name, text) in [
        ("spark", "#!/usr/bin/env php\n<?php\n"),
        ("app/Config/Cache.php", CACHE_PHP),
        ("app/Config/Routes.php", ROUTES),
        ("app/Views/welcome_message.php", WELCOME),
        ("app/Views/errors/html/production.php", WELCOME),
        ("app/Controllers/Home.php", "<?php\nclass Home\n{\n}\n"),
        ("public/index.php", "<?php\n"),
        ("writable/cache/index.html", ""),
        ("env", "# CI_ENVIRONMENT = production\n"),
    ] {
        shop.write(name, text);
    }
    shop
}

/// The findings of a check that are warnings or errors.
fn problems_of(shop: &Hello, check: &str) -> Vec<Finding> {
    let mut found = problems(&examine(shop));
    found.retain(|found| found.check == check);
    found
}

#[test]
fn the_steps_lead_from_the_installation_to_the_first_event() {
    let shop = shop();
    let before = snapshot(shop.path());
    let out = shop.sse_succeeds(&["install"]);
    let folder = shop.path().display();
    for text in [
        "Created .env\n",
        "Created public/js/sse-client.js\n",
        "  1. In app/Views/welcome_message.php:5, before </body>:\n         <script src=\"/js/sse-client.js\"></script>\n",
        "index() in app/Controllers/Home.php:\n         cache()->save('event_cache_key1', '1');\n",
        &format!("         sse serve -C '{folder}'\n"),
        "         location /sse/ {\n             proxy_pass http://127.0.0.1:8090;\n",
        "         SSE_ALLOWED_HOSTS=app.example\n",
        "         sse save event_cache_key1 '{\"order\": 42}'\n",
        "sse serve --auth-url URL",
    ] {
        assert!(out.contains(text), "{text:?} is missing:\n{out}");
    }
    for rust in ["Cargo", "App::new", "actix"] {
        assert!(!out.contains(rust), "{rust}: {out}");
    }
    assert_eq!(shop.sse(&["status"]).code, 0);

    shop.replace(
        "app/Views/welcome_message.php",
        "</body>",
        "<script src=\"/js/sse-client.js\"></script>\n</body>",
    );
    shop.replace(
        "app/Controllers/Home.php",
        "{\n",
        "{\n    cache()->save('event_cache_key1', '1');\n",
    );
    shop.write(
        ".env",
        &format!(
            "{}SSE_ALLOWED_HOSTS=shop.example\nSSE_LISTEN=unix:sse.sock\n",
            shop.read(".env")
        ),
    );
    let out = shop.sse_succeeds(&["install"]);
    assert!(out.contains("  1. Run the server"), "{out}");
    assert!(
        out.contains(&format!("proxy_pass http://unix:{folder}/sse.sock:;\n")),
        "{out}"
    );
    assert_eq!(problems(&examine(&shop)), []);

    shop.replace(
        ".env",
        "SSE_ALLOWED_HOSTS=shop.example\nSSE_LISTEN=unix:sse.sock\n",
        "",
    );
    shop.replace(
        "app/Views/welcome_message.php",
        "<script src=\"/js/sse-client.js\"></script>\n",
        "",
    );
    shop.replace(
        "app/Controllers/Home.php",
        "    cache()->save('event_cache_key1', '1');\n",
        "",
    );
    shop.sse_succeeds(&["uninstall"]);
    assert_eq!(snapshot(shop.path()), before);
}

#[test]
fn the_app_is_found_from_the_folders_below_it() {
    let shop = shop();
    let ran = sse_in(&shop.path().join("app/Controllers"), &["install"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(shop.has(".env") && shop.has("public/js/sse.js"));
    let ran = sse_in(&shop.path().join("app/Controllers"), &["status", "--json"]);
    assert!(
        ran.code == 0 && ran.out.contains("\"kind\": \"codeigniter\""),
        "{}",
        ran.out
    );
}

#[test]
fn the_folder_and_the_prefix_of_its_cache_are_written_to_env() {
    let shop = shop();
    shop.write(
        ".env",
        "cache.prefix = 'shop_'\ncache.file.storePath = /none/such\n",
    );
    let other = tempfile::tempdir().unwrap();
    let folder = other.path().canonicalize().unwrap();
    shop.replace(".env", "/none/such", folder.to_str().unwrap());
    shop.sse_succeeds(&["install"]);
    let env = shop.read(".env");
    assert!(
        env.contains(&format!("SSE_CACHE={}\n", folder.display())),
        "{env}"
    );
    assert!(env.contains("SSE_DROP_IN_PREFIX=shop_\n"), "{env}");
    assert_eq!(problems_of(&shop, "codeigniter"), []);
    assert_eq!(problems_of(&shop, "drop-ins"), []);

    // Later changes of CodeIgniter's configuration are found.
    shop.replace(".env", "cache.file.storePath", "# cache.file.storePath");
    let found = problems_of(&shop, "codeigniter");
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].assert_is(
        "warning",
        "codeigniter",
        "CodeIgniter saves in writable/cache (app/Config/Cache.php)",
        "write SSE_CACHE=writable/cache into .env",
    );
    let ran = shop.sse(&["install"]);
    assert!(
        ran.code == 0
            && ran
                .err
                .contains("warning: CodeIgniter saves in writable/cache"),
        "{}",
        ran.err
    );
}

#[test]
fn a_prefix_that_is_set_later_is_found_before_a_value_waits() {
    let shop = shop();
    shop.sse_succeeds(&["install"]);
    assert_eq!(problems_of(&shop, "drop-ins"), []);
    shop.replace("app/Config/Cache.php", "$prefix = ''", "$prefix = 'shop_'");
    let found = problems_of(&shop, "drop-ins");
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].assert_is(
        "warning",
        "drop-ins",
        "it saves `event_cache_key1` as `shop_event_cache_key1`, which triggers no event",
        "write SSE_DROP_IN_PREFIX=shop_ into the app's .env",
    );
}

#[test]
fn a_setting_with_which_the_server_would_not_start_is_found() {
    let shop = shop();
    shop.sse_succeeds(&["install"]);
    let env = shop.read(".env");
    for (line, help) in [
        ("SSE_LISTEN=8090", "127.0.0.1:8090"),
        ("SSE_TLS_CERT=cert.pem", "SSE_TLS_KEY"),
        (
            "SSE_AUTH_URL=shop.example/auth",
            "http://127.0.0.1/sse/auth",
        ),
    ] {
        shop.write(".env", &format!("{env}{line}\n"));
        let found = problems_of(&shop, "serve");
        assert_eq!(found.len(), 1, "{found:#?}");
        let name = line.split('=').next().unwrap();
        found[0].assert_is("error", "serve", name, help);
    }
    shop.write(".env", &format!("{env}SSE_LISTEN=127.0.0.1:8090\n"));
    assert_eq!(problems_of(&shop, "serve"), []);
}

#[test]
fn a_cache_folder_that_is_missing_is_named_with_the_line_that_names_it() {
    let shop = shop();
    shop.write(
        ".env",
        "CI_ENVIRONMENT = production\ncache.file.storePath = /none/such\n",
    );
    let ran = shop.sse(&["install"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    assert_eq!(
        ran.err,
        "error: .env line 2 /none/such: the folder does not exist\nhelp: create it, or correct .env line 2\n"
    );
}

#[test]
fn a_cache_without_files_is_a_warning_that_says_how_to_save_instead() {
    let shop = shop();
    shop.replace("app/Config/Cache.php", "'file'", "'redis'");
    let ran = shop.sse(&["install"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(
        ran.err
            .contains("warning: CodeIgniter's cache handler is `redis` (app/Config/Cache.php)")
            && ran.err.contains("sse save KEY VALUE"),
        "{}",
        ran.err
    );
    let found = problems_of(&shop, "codeigniter");
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].assert_is("warning", "codeigniter", "`redis`", "--save-token-file");
}

#[test]
fn what_is_left_of_the_original_module_is_named() {
    let shop = shop();
    shop.write(
        "composer.json",
        "{\"require\": {\"0ruialvel0/codeigniter4-sse\": \"^1.0\"}}\n",
    );
    let route =
        "$routes->get('/sse/stream', '\\SseModule\\Controllers\\StreamController::stream');\n";
    shop.write("app/Config/Routes.php", &format!("{ROUTES}// SSE\n{route}"));
    let out = shop.sse_succeeds(&["install"]);
    for text in [
        "Do not run `php spark sse:uninstall`",
        "         composer remove 0ruialvel0/codeigniter4-sse\n",
        "         app/Config/Routes.php:5\n",
    ] {
        assert!(out.contains(text), "{text:?} is missing:\n{out}");
    }
    let found = problems_of(&shop, "codeigniter");
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].assert_is(
        "warning",
        "codeigniter",
        "app/Config/Routes.php:5",
        "composer remove",
    );
    shop.write("composer.json", "{}\n");
    shop.write("app/Config/Routes.php", ROUTES);
    assert_eq!(problems_of(&shop, "codeigniter"), []);
    assert!(!shop.sse_succeeds(&["install"]).contains("composer"));
}

/// The module's own installation, whose script was edited since.
#[test]
fn settings_and_edited_listeners_of_the_original_module_stay() {
    let shop = shop();
    let env = "SSE_STREAM_DURATION=30\nSSE_POLL_INTERVAL=1\nSSE_EVENTS=order:orders\n";
    let script =
        "const source = new EventSource('sse/stream');\nsource.addEventListener('order', show);\n";
    shop.write(".env", env);
    shop.write("public/js/sse-client.js", script);
    let before = snapshot(shop.path());
    let out = shop.sse_succeeds(&["install"]);
    assert!(
        out.contains("Kept public/js/sse-client.js (yours)\n"),
        "{out}"
    );
    assert!(
        out.contains("Kept .env (SSE_EVENTS has your value)\n"),
        "{out}"
    );
    assert!(shop.read(".env").starts_with(env));
    assert_eq!(shop.read("public/js/sse-client.js"), script);
    shop.sse_succeeds(&["uninstall"]);
    assert_eq!(snapshot(shop.path()), before);
}

#[test]
fn a_folder_with_a_manifest_too_is_the_rust_app_if_it_depends_on_actix_web() {
    let shop = shop();
    let manifest = "[package]\nname = \"tool\"\nversion = \"0.1.0\"\n[dependencies]\n";
    shop.write("Cargo.toml", manifest);
    shop.sse_succeeds(&["install"]);
    assert_eq!(shop.read("Cargo.toml"), manifest);
    shop.sse_succeeds(&["uninstall"]);
    shop.write("Cargo.toml", &format!("{manifest}actix-web = \"4\"\n"));
    shop.write("src/main.rs", "fn main() {}\n");
    let out = shop.sse_succeeds(&["install"]);
    assert!(out.contains("Updated Cargo.toml"), "{out}");
    shop.sse_succeeds(&["uninstall"]);
    let out = shop.sse_succeeds(&["install", "--public", "public"]);
    assert!(!out.contains("Cargo.toml"), "{out}");
    assert_eq!(shop.sse(&["status"]).code, 0);
    fs::remove_dir_all(shop.path().join("src")).unwrap();
}
