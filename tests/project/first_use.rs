//! The worked example of docs/getting-started.md, word for word, on a new app: from `cargo install` to
//! an event in the browser, and back to the app as it was.

use std::{
    fs,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use support::{Browser, ReservedPort, Running, get, guide_blocks, until, workspace};
use tempfile::TempDir;

const NO_APP: &str = "If you have no app yet";

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
            .env("CARGO_PROFILE_DEV_DEBUG", "none")
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
    user.run(env!("CARGO"), user.home.path(), &["new", "shop", "--quiet"]);
    // Compiles with the crates that are tested here.
    fs::copy(
        workspace().join("Cargo.lock"),
        user.app().join("Cargo.lock"),
    )
    .unwrap();
    user.cargo(&["add", "actix-web", "--quiet"]);
    let port = ReservedPort::new();
    let address = port.address();
    let only = |heading: &str, language: &str| guide_blocks(heading, language).remove(0);
    let first = "The first notification";
    let (main, page) = (only(NO_APP, "rust"), only(NO_APP, "html"));
    let (tag, save) = (only(first, "html"), only(first, "rust"));
    let listener = only("The next steps", "html");
    user.write(
        "src/main.rs",
        &main.replace("8080", &port.number().to_string()),
    );
    user.write("src/index.html", &page);
    user.cargo(&["build", "--quiet"]);
    user.git(&["add", "--all"]);
    user.git(&["commit", "--quiet", "--message", "A shop"]);

    // 2. Install.
    let printed = user.run(user.sse(), &user.app(), &["install"]);
    assert!(
        printed.contains("Next steps:\n  1. In src/index.html:11, before </body>:\n"),
        "{printed}"
    );
    assert!(printed.contains(tag.trim()), "{printed}");
    let changed = user.git(&["diff", "--numstat", "src/main.rs"]);
    assert_eq!(changed.trim(), "1\t0\tsrc/main.rs", "one line is added");

    // 3. One script tag, and 4. one save.
    let with_tag = page.replace("</body>", &format!("{tag}</body>"));
    user.write("src/index.html", &with_tag);
    let code = fs::read_to_string(user.app().join("src/main.rs")).unwrap();
    let order = "async fn order(number: web::Path<u32>) -> impl Responder {\n";
    let with_save = code.replace(order, &format!("{order}{save}"));
    user.write("src/main.rs", &with_save);

    // 5. See it.
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
    let toasts =
        "[...document.querySelectorAll('.sse-toast')].map((toast) => toast.innerText).join()";
    browser.click("form button");
    browser.wait(&format!("{toasts}.includes('Somebody pressed a button')"));
    let script = listener.replace("<script>", "").replace("</script>", "");
    browser.execute(&script);
    let command = ["save", "event_cache_key1", "{\"order\": 42}"];
    user.run(user.sse(), &user.app(), &command);
    browser.wait(&format!("{toasts}.includes('Order 42')"));
    browser.wait("document.querySelector('#news').textContent.startsWith('Order 42 at 2')");
    drop((browser, running));

    // Out again: the user removes the save, and is told of the tag.
    let code = fs::read_to_string(user.app().join("src/main.rs")).unwrap();
    user.write("src/main.rs", &code.replace(&save, ""));
    let printed = user.run(user.sse(), &user.app(), &["uninstall"]);
    assert!(!printed.contains("Kept"), "{printed}");
    assert!(
        printed.contains("no longer serves") && printed.contains("\n  src/index.html:11\n"),
        "{printed}"
    );
    user.cargo(&["build", "--quiet"]);
    assert_eq!(user.git(&["status", "--porcelain"]), " M src/index.html\n");
    let diff = user.git(&["diff"]);
    let added: Vec<&str> = diff.lines().filter(|line| line.starts_with('+')).collect();
    assert_eq!(added, ["+++ b/src/index.html", &format!("+{}", tag.trim())]);
    assert!(!user.app().join("writable").exists());
}
