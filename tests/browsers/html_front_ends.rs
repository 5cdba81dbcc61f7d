//! Libraries that insert HTML, with the pages and commands of docs/guides/html-front-ends.md.

use std::{
    env, fs,
    os::unix::fs::symlink,
    path::Path,
    process::Command,
    thread,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use support::{
    App, Browser, ReservedPort, Server, blocks_of_document, refuse_stream, sse, workspace,
};

const GUIDE: &str = "guides/html-front-ends.md";

/// Several streams end as planned in this time, with one second each.
const PLANNED_ENDS_TIME: Duration = Duration::from_secs(5);

/// A client that connects without an id does not receive what was saved before this time.
const LONGER_THAN_LOOKBACK: Duration = Duration::from_secs(6);

/// A page of the guide, and the server of its app.
struct Recipe {
    app: App,
    port: ReservedPort,
    server: Option<Server>,
    browser: Browser,
    /// The command that saves a fragment with the number 42.
    save: String,
    saved: u32,
}

impl Recipe {
    /// `packages` are the names of npm packages and of their folders, if these differ.
    fn follow(heading: &str, packages: &[(&str, &str)]) -> Self {
        let [install, save] = blocks(heading, "sh").try_into().unwrap();
        let [page] = blocks(heading, "html").try_into().unwrap();
        let env = blocks("Fragments", "").remove(0);
        let app = App::with_env(&format!("SSE_STREAM_DURATION=1\n{env}"));
        install_packages(&app, &install, packages);
        Self::open(app, &page, save)
    }

    fn open(app: App, page: &str, save: String) -> Self {
        fs::write(app.path().join("public/news.html"), page).unwrap();
        let port = ReservedPort::new();
        let server = app.start_on(&port);
        let browser = Browser::start();
        browser.open(&server.url("/news.html"));
        Self {
            app,
            port,
            server: Some(server),
            browser,
            save,
            saved: 0,
        }
    }

    /// Saves the next fragment.
    fn save(&mut self) {
        self.saved += 1;
        let command = self.save.replace("42", &self.saved.to_string());
        run(self.app.path(), &command);
    }

    /// Waits until the page shows every fragment. Each must be there once, in its order.
    #[track_caller]
    fn wait_for_all(&self) {
        let last = format!("Order {} was sent.", self.saved);
        let shown = "[...document.querySelectorAll('#news li')].map((item) => item.textContent)";
        self.browser.wait(&format!(
            "{shown}.at(-1) === {} || {shown}.length >= {}",
            json!(last),
            self.saved
        ));
        let orders = (1..=self.saved).map(|number| format!("Order {number} was sent."));
        let expected: Vec<Value> = orders.map(Value::from).collect();
        assert_eq!(self.browser.evaluate(shown), Value::Array(expected));
    }

    /// Ends the server, saves while it is down, and starts it again on the same port, after `meanwhile`.
    fn restart(&mut self, end: impl FnOnce(Server), meanwhile: impl FnOnce(&str)) {
        let server = self.server.take().unwrap();
        end(server);
        self.save();
        self.save();
        meanwhile(&self.port.address());
        self.server = Some(self.app.start_on(&self.port));
    }

    fn show_each_fragment_once(mut self) {
        self.save();
        self.wait_for_all();
        let start = Instant::now();
        while start.elapsed() < PLANNED_ENDS_TIME {
            self.save();
            self.wait_for_all();
        }
        self.restart(Server::kill, |_| ());
        self.wait_for_all();
        self.restart(|server| assert!(server.terminate().success()), |_| ());
        self.save();
        self.wait_for_all();
        self.restart(Server::kill, |address| {
            refuse_stream(address);
            thread::sleep(LONGER_THAN_LOOKBACK);
        });
        self.save();
        self.wait_for_all();
    }

    /// The page asks for everything anew.
    fn reload_after_a_gap(mut self) {
        self.save();
        self.wait_for_all();
        self.browser.execute("window.isSamePage = true;");
        // Not removed, because the server may write to it meanwhile.
        fs::rename(self.app.cache(), self.app.path().join("aside")).unwrap();
        self.browser.wait("window.isSamePage === undefined");
        self.saved = 0;
        self.save();
        self.browser.wait(
            "document.querySelector('#news')?.innerText.includes('Order 1 was sent.') === true",
        );
    }
}

/// The guide's recipe for Datastar, with the names that the guide lists for the version on npm.
#[test]
fn datastar_shows_each_fragment_once_after_a_connection_breaks() {
    const FROM_NPM: &str = "Datastar from npm";
    let [install] = blocks(FROM_NPM, "sh").try_into().unwrap();
    let [page] = blocks("Datastar", "html").try_into().unwrap();
    let [save] = blocks("Datastar", "sh").try_into().unwrap();
    let env = blocks("Datastar", "").remove(0);
    let guide = fs::read_to_string(workspace().join("docs").join(GUIDE)).unwrap();
    let (_, table) = guide
        .split_once("| 1.0 | 1.0.0-beta.11 |\n|---|---|\n")
        .unwrap();
    let rows = table.lines().take_while(|line| line.starts_with('|'));
    let names: Vec<_> = rows
        .map(|row| {
            let [_, new, _, old, _] = row.split('`').collect::<Vec<_>>().try_into().unwrap();
            (new, old)
        })
        .collect();
    let rename = |text: String| {
        names
            .iter()
            .fold(text, |text, (new, old)| text.replace(new, old))
    };
    let app = App::with_env(&format!("SSE_STREAM_DURATION=0\n{}", rename(env)));
    install_packages(&app, &install, &[]);
    let mut recipe = Recipe::open(app, &rename(page), rename(save));
    for _ in 0..3 {
        recipe.save();
        recipe.wait_for_all();
    }
    recipe.restart(Server::kill, |_| ());
    recipe.save();
    recipe.wait_for_all();
}

fn blocks(heading: &str, language: &str) -> Vec<String> {
    blocks_of_document(GUIDE, heading, language)
}

/// Runs the guide's commands, except that `tests/setup` has installed the packages.
fn install_packages(app: &App, commands: &str, packages: &[(&str, &str)]) {
    let here = workspace().join("tests/browsers/html_front_ends");
    let manifest = fs::read_to_string(here.join("package.json")).unwrap();
    let manifest: Value = serde_json::from_str(&manifest).unwrap();
    let (install, copy) = commands.split_once('\n').unwrap();
    let names = install.strip_prefix("npm install ").unwrap().split(' ');
    for name_and_version in names {
        let (name, version) = name_and_version.rsplit_once('@').unwrap();
        let renamed = packages.iter().find(|(package, _)| *package == name);
        let folder = renamed.map_or(name, |(_, folder)| folder);
        let dependency = manifest["devDependencies"][folder].as_str().unwrap();
        assert!(dependency.ends_with(version), "{name}: {dependency}");
        let target = here.join("node_modules").join(folder);
        assert!(
            target.is_dir(),
            "{name} is missing\nhelp: run `tests/setup`"
        );
        let link = app.path().join("node_modules").join(name);
        fs::create_dir_all(link.parent().unwrap()).unwrap();
        symlink(target, link).unwrap();
    }
    run(app.path(), copy);
}

/// Runs commands in a shell that finds `sse`.
#[track_caller]
fn run(folder: &Path, commands: &str) {
    let programs = sse().parent().unwrap().to_owned();
    let path = env::var_os("PATH").unwrap_or_default();
    let path = env::join_paths([programs].into_iter().chain(env::split_paths(&path)));
    let mut shell = Command::new("sh");
    shell.args(["-ec", commands]).env("PATH", path.unwrap());
    shell.env_remove("CARGO_MANIFEST_DIR").current_dir(folder);
    let output = shell.output().unwrap();
    assert!(output.status.success(), "{commands}: {output:?}");
}

/// The same tests for each library.
macro_rules! recipe {
    ($module:ident, $heading:literal, $packages:expr) => {
        mod $module {
            use super::Recipe;

            #[test]
            fn shows_each_fragment_once_across_planned_ends_restarts_and_refusals() {
                Recipe::follow($heading, &$packages).show_each_fragment_once();
            }

            #[test]
            fn reloads_the_page_after_a_gap() {
                Recipe::follow($heading, &$packages).reload_after_a_gap();
            }
        }
    };
}

recipe!(htmx_2, "htmx 2", []);
recipe!(htmx_4, "htmx 4", [("htmx.org", "htmx4")]);
recipe!(turbo, "Turbo", []);
