//! A checkout of CodeIgniter 4, which `tests/codeigniter` names.

use std::{
    env, fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use support::Engine;

use crate::{
    account::Account,
    app::{App, Language, Settings, append, copy_source, edit, read_source, write_file},
    pages::{an_alert_shows_an_event, pages_of_users_show_their_own_events},
    private::{PRIVATE, no_stream_outlives_its_session, users_receive_their_own_events},
    saves::{Load, Saves},
    site::Site,
};

const CODEIGNITER: App = App {
    write,
    language: Language::Php,
    command: Some("spark"),
    sessions: Some("writable/session"),
    install_options: &[],
};

const ROUTES: &str = "
$routes->get('bursts', 'Bursts::index');
$routes->get('session', 'Account::show');
$routes->get('login', fn () => 'Log in');
$routes->post('login', 'Account::login');
$routes->post('order', 'Account::order');
$routes->post('logout', 'Account::logout');
";

fn checkout() -> PathBuf {
    let dir = env::var_os("CODEIGNITER").expect("CODEIGNITER is not set: run `tests/codeigniter`");
    PathBuf::from(dir)
}

fn write(dir: &Path, settings: &Settings) {
    let copied = Command::new("cp")
        .args(["-r", "--no-target-directory"])
        .args([checkout().as_path(), dir])
        .status();
    assert!(copied.unwrap().success());
    let env = format!(
        "\napp.baseURL = '{}'\napp.indexPage = ''\nsession.matchIP = true\ncache.prefix = '{}'\n",
        settings.url, settings.prefix
    );
    append(&dir.join(".env"), &env);
    let block = |part: &str| settings.block("CodeIgniter 4", "php", part);
    let routes = format!("{ROUTES}{}", block("$routes->get('sse/auth'"));
    append(&dir.join("app/Config/Routes.php"), &routes);
    let methods = block("public function logout()");
    let account =
        read_source("codeigniter/Account.php").replace("    // The guide's methods.\n", &methods);
    for (file, code) in [
        ("app/Controllers/Account.php", account),
        ("app/Controllers/SseAuth.php", block("class SseAuth")),
        ("app/Filters/LoggedIn.php", block("class LoggedIn")),
        ("app/Helpers/sse_helper.php", settings.php_functions()),
    ] {
        write_file(&dir.join(file), &code);
    }
    for (source, target) in [
        ("php/bursts.php", "app/Helpers/bursts_helper.php"),
        ("codeigniter/Bursts.php", "app/Controllers/Bursts.php"),
        (
            "codeigniter/BurstsCommand.php",
            "app/Commands/BurstsCommand.php",
        ),
    ] {
        copy_source(source, &dir.join(target));
    }
}

const LOAD: Load = Load {
    bursts: 100,
    saves_per_burst: 25,
    clears: 5,
    p99: Duration::from_millis(100),
};

#[test]
fn the_last_value_of_each_burst_arrives() {
    let figures = Saves::start(&CODEIGNITER, "", &LOAD).run();
    log("without a prefix", &figures);
}

#[test]
fn the_last_value_of_each_burst_arrives_with_a_prefix() {
    let figures = Saves::start(&CODEIGNITER, "shop_", &LOAD).run();
    log("with a prefix", &figures);
}

/// docs/guides/codeigniter.md and what `sse install` prints lead to this.
fn write_example(dir: &Path, settings: &Settings) {
    write(dir, settings);
    edit(
        &dir.join("app/Controllers/Home.php"),
        "        return view('welcome_message');",
        "        cache()->save('event_cache_key1', '1');\n        return view('welcome_message');",
    );
    edit(
        &dir.join("app/Views/welcome_message.php"),
        "</body>",
        "<script src=\"/js/sse-client.js\"></script>\n</body>",
    );
}

#[test]
fn an_alert_shows_an_event_of_a_codeigniter_app() {
    const EXAMPLE: App = App {
        write: write_example,
        ..CODEIGNITER
    };
    for engine in Engine::ALL {
        an_alert_shows_an_event(&EXAMPLE, engine);
    }
}

#[test]
fn the_pages_of_users_show_their_own_events() {
    pages_of_users_show_their_own_events(&CODEIGNITER);
}

#[test]
fn users_of_a_codeigniter_app_receive_their_own_events() {
    users_receive_their_own_events(&CODEIGNITER);
}

#[test]
fn a_logout_ends_the_streams_that_are_about_to_begin() {
    no_stream_outlives_its_session(&CODEIGNITER, 50);
}

#[test]
fn an_app_that_requires_https_is_asked_about_clients_of_https() {
    let site = Site::start(&CODEIGNITER, &PRIVATE);
    let anne = Account::log_in(&site, "anne", "garden");
    append(
        &site.path().join(".env"),
        "app.forceGlobalSecureRequests = true\n",
    );
    let refused = anne.stream();
    assert_eq!(refused.status, 503, "{}", refused.body);
    site.server.wait_for_log("X-Forwarded-Proto: https");
    assert_eq!(anne.stream_over_https().status, 200, "{}", site.logs());
}

/// CodeIgniter gives a session a new id every five minutes, but not in a request of a script.
#[test]
fn a_question_does_not_replace_the_session_id() {
    let site = Site::start(&CODEIGNITER, &PRIVATE);
    let anne = Account::log_in(&site, "anne", "garden");
    let files = |site: &Site| site.sessions().into_iter().map(|(path, ..)| path);
    for file in files(&site) {
        let session = fs::read_to_string(&file).unwrap();
        // In seconds since 1970.
        let old = session.replace("__ci_last_regenerate|i:1", "__ci_last_regenerate|i:0");
        fs::write(file, old).unwrap();
    }
    let before: Vec<_> = files(&site).collect();
    assert_eq!(anne.stream().status, 200, "{}", site.logs());
    assert_eq!(files(&site).collect::<Vec<_>>(), before);
    anne.session();
    assert_ne!(files(&site).collect::<Vec<_>>(), before, "the id was old");
}

/// Appends a line to the file that `tests/codeigniter` names.
fn log(what: &str, figures: &str) {
    if let Some(path) = env::var_os("CODEIGNITER_FIGURES") {
        append(Path::new(&path), &format!("{what}: {figures}\n"));
    }
}
