//! The worked example of docs/getting-started.md, word for word, on a new app: from `cargo install` to
//! an event in the browser, and back to the app as it was.

use std::{
    fs,
    net::TcpListener,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use support::{Browser, Running, get, guide_blocks, until, workspace};
use tempfile::TempDir;

/// A user with a new app and the checkout, and without our tools.
struct User {
    home: TempDir,
}

impl User {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        Self { home }
    }

    fn app(&self) -> PathBuf {
        self.home.path().join("shop")
    }

    /// A command in this folder. Compiled crates are kept for the next run.
    fn command(&self, program: impl AsRef<Path>, dir: &Path, arguments: &[&str]) -> Command {
        let mut command = Command::new(program.as_ref());
        let kept = workspace().join("target/first-use");
        command
            .args(arguments)
            .current_dir(dir)
            .env("CARGO_TARGET_DIR", kept)
            .env_remove("CARGO_MANIFEST_DIR")
            .stdin(Stdio::null());
        command
    }

    #[track_caller]
    fn run(&self, program: impl AsRef<Path>, dir: &Path, arguments: &[&str]) -> String {
        let output = self.command(program, dir, arguments).output().unwrap();
        let error = String::from_utf8(output.stderr).unwrap();
        assert!(output.status.success(), "{arguments:?}: {error}");
        String::from_utf8(output.stdout).unwrap() + &error
    }

    #[track_caller]
    fn cargo(&self, arguments: &[&str]) {
        self.run(env!("CARGO"), &self.app(), arguments);
    }

    #[track_caller]
    fn git(&self, arguments: &[&str]) -> String {
        let identity = ["-c", "user.name=user", "-c", "user.email=user@localhost"];
        self.run("git", &self.app(), &[&identity[..], arguments].concat())
    }

    fn sse(&self) -> PathBuf {
        self.home.path().join("tools/bin/sse")
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.app().join(name), text).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        let old = fs::read_to_string(self.app().join(name)).unwrap();
        self.write(name, &(old + text));
    }
}

#[test]
fn the_guide_leads_from_nothing_to_an_event_and_back() {
    let user = User::new();
    let tools = user.home.path().join("tools");
    let root = tools.to_str().unwrap();
    user.run(
        env!("CARGO"),
        workspace(),
        &[
            "install",
            "--path",
            "installer",
            "--locked",
            "--debug",
            "--root",
            root,
        ],
    );

    // 1. Create an app.
    let heading = "Add it to an app";
    user.run(env!("CARGO"), user.home.path(), &["new", "shop", "--quiet"]);
    // Compiles with the crates that are tested here.
    fs::copy(
        workspace().join("Cargo.lock"),
        user.app().join("Cargo.lock"),
    )
    .unwrap();
    user.cargo(&["add", "actix-web", "--quiet"]);
    let port = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let address = format!("127.0.0.1:{port}");
    let [page, tag, listener] = guide_blocks(heading, "html").try_into().unwrap();
    let main = guide_blocks(heading, "rust").remove(0);
    user.write("src/main.rs", &main.replace("8080", &port.to_string()));
    user.write("src/index.html", &page);
    user.cargo(&["fmt"]);
    user.cargo(&["build", "--quiet"]);
    user.git(&["add", "--all"]);
    user.git(&["commit", "--quiet", "--message", "A shop"]);

    // 2. Install.
    let printed = user.run(user.sse(), &user.app(), &["install"]);
    assert!(
        printed.contains("Next steps:\n  1. At the end of the <body> of your page:\n"),
        "{printed}"
    );
    assert!(printed.contains(tag.trim()), "{printed}");
    let formatted = user.git(&["diff", "src/main.rs"]);
    user.cargo(&["fmt"]);
    assert_eq!(
        user.git(&["diff", "src/main.rs"]),
        formatted,
        "rustfmt agrees"
    );

    // 3. One script tag.
    user.append("src/index.html", &tag);

    // 4. See it.
    user.cargo(&["build", "--quiet"]);
    let program = user
        .command(
            workspace().join("target/first-use/debug/shop"),
            &user.app(),
            &[],
        )
        .spawn();
    let running = Running(program.unwrap());
    until("the shop answers", || {
        std::net::TcpStream::connect(&address).ok()
    });
    assert!(get(&address, "/").body.contains("sse-client.js"));
    let browser = Browser::start();
    browser.open(&format!("http://{address}/"));
    browser.wait("window.sse !== undefined && window.sse.readyState === 1");
    browser.execute(
        "window.logged = []; const log = console.log;
         console.log = (...what) => { window.logged.push(what.join(' ')); log(...what); };",
    );
    let script = listener.replace("<script>", "").replace("</script>", "");
    browser.execute(&script);
    let save = ["save", "event_cache_key1", "{\"order\": 42}"];
    user.run(user.sse(), &user.app(), &save);
    browser.wait("window.logged.some((line) => line.startsWith('event_name1 2'))");
    browser.wait("document.querySelector('#news').textContent.startsWith('Order 42 at 2')");
    drop((browser, running));

    // Out again.
    let printed = user.run(user.sse(), &user.app(), &["uninstall"]);
    assert!(
        !printed.contains("Kept") && !printed.contains("warning"),
        "{printed}"
    );
    user.cargo(&["build", "--quiet"]);
    assert_eq!(user.git(&["status", "--porcelain"]), " M src/index.html\n");
    let diff = user.git(&["diff"]);
    let added: Vec<&str> = diff.lines().filter(|line| line.starts_with('+')).collect();
    assert_eq!(added, ["+++ b/src/index.html", &format!("+{}", tag.trim())]);
    assert!(!user.app().join("writable").exists());
}
