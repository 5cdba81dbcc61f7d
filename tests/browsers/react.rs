//! The hooks and components of docs/guides/react.md, in React's strict mode.

use std::{
    fs, net::TcpStream, os::unix::fs::symlink, path::Path, process::Command, time::Duration,
};

use serde_json::json;
use support::{
    Browser, HalfClosed, LocalServer, ReservedPort, Running, block_of_document, until, workspace,
};
use tempfile::TempDir;

const GUIDE: &str = "guides/react.md";

/// What most apps set by Vite's plugin for React. Without a list of modules to prepare, Vite reloads the
/// first page, and keeps its stream open.
const REACT: &str = "
  esbuild: { jsx: 'automatic' },
  optimizeDeps: { include: ['react', 'react/jsx-dev-runtime', 'react-dom/client'] },
";

/// A front end that is made from the guide's blocks.
struct FrontEnd {
    dir: TempDir,
}

impl FrontEnd {
    fn new(upstream: &str) -> Self {
        let front_end = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        let write = |name: &str, contents: &str| fs::write(front_end.path().join(name), contents);
        fs::create_dir(front_end.path().join("src")).unwrap();
        let client = workspace().join("assets/js/sse.js");
        fs::copy(client, front_end.path().join("src/sse.js")).unwrap();
        let here = workspace().join("tests/browsers/react");
        for name in ["app.jsx", "main.jsx", "server.jsx"] {
            fs::copy(here.join(name), front_end.path().join("src").join(name)).unwrap();
        }
        write(
            "src/sse-hooks.js",
            &block_of_document(GUIDE, "The hooks", "js"),
        )
        .unwrap();
        write(
            "src/orders.jsx",
            &block_of_document(GUIDE, "In components", "jsx"),
        )
        .unwrap();
        let config = block_of_document(GUIDE, "Vite's development server", "js");
        let config = config.replace("defineConfig({", &format!("defineConfig({{{REACT}"));
        let config = config.replace("http://127.0.0.1:8080", upstream);
        write("vite.config.js", &config).unwrap();
        write("package.json", r#"{"type": "module"}"#).unwrap();
        front_end.link("react", "tests/browsers/packages");
        front_end.link("react-dom", "tests/browsers/packages");
        front_end.link("vite", "tests/types");
        front_end
    }

    fn path(&self) -> &Path {
        self.dir.path()
    }

    fn link(&self, package: &str, from: &str) {
        let target = workspace().join(from).join("node_modules").join(package);
        assert!(
            target.is_dir(),
            "{package} is missing\nhelp: run `tests/setup`"
        );
        let modules = self.path().join("node_modules");
        fs::create_dir_all(&modules).unwrap();
        symlink(target, modules.join(package)).unwrap();
    }

    /// What the server renders. It ends by itself only if it opens no connection.
    fn render_on_the_server(&self) -> String {
        let esbuild = workspace().join("client/node_modules/esbuild/bin/esbuild");
        let bundle = self.path().join("server.cjs");
        let mut command = Command::new(esbuild);
        command
            .args([
                "src/server.jsx",
                "--bundle",
                "--platform=node",
                "--format=cjs",
            ])
            .args(["--jsx=automatic", "--log-level=error"])
            .arg(format!("--outfile={}", bundle.display()))
            .current_dir(self.path());
        assert!(command.status().unwrap().success());
        let output = Command::new("node").arg(bundle).output().unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Serves the rendered page with Vite, and returns its address.
    fn serve(&self, rendered: &str) -> (Running, String) {
        let page = include_str!("react/index.html").replace("<!--rendered-->", rendered);
        fs::write(self.path().join("index.html"), page).unwrap();
        let port = ReservedPort::new();
        let address = port.address();
        let vite = Command::new("node")
            .args(["node_modules/vite/bin/vite.js", "--logLevel", "error"])
            .args([
                "--host",
                "127.0.0.1",
                "--strictPort",
                "--port",
                &port.number().to_string(),
            ])
            .current_dir(self.path())
            .spawn()
            .unwrap();
        let running = Running(vite);
        until("Vite serves the page", || TcpStream::connect(&address).ok());
        (running, format!("http://{address}/"))
    }
}

#[test]
fn hooks_fire_for_equal_values_and_close_the_stream_when_the_last_component_unmounts() {
    let server = LocalServer::start(
        HalfClosed::Closes,
        "order:order",
        |config, _| config.with_stream_duration(Duration::ZERO),
        |app, sse| sse.configure(app),
    );
    let front_end = FrontEnd::new(&server.url(""));
    let rendered = front_end.render_on_the_server();
    assert!(rendered.contains("No order yet."), "{rendered}");
    assert_eq!(server.sse.stats().connections, 0);

    let (_vite, url) = front_end.serve(&rendered);
    let browser = Browser::start();
    browser.open(&url);
    server.wait_for_streams(1);
    let save = |order: u32| {
        server
            .cache
            .save_blocking("order", json!({"order": order}))
            .unwrap()
    };
    let shows = |orders: &str| {
        let list = "[...document.querySelectorAll('#orders li')].map((item) => item.textContent)";
        browser.wait(&format!("{list}.join() === {}", json!(orders)));
    };
    // Each in a chunk of its own, so that React renders for each.
    for (count, list) in [
        (1, "Order 7"),
        (2, "Order 7,Order 7"),
        (3, "Order 7,Order 7,Order 7"),
    ] {
        save(7);
        shows(list);
        browser.wait(&format!(
            "document.querySelector('#rendered').textContent === '{count}'"
        ));
    }
    browser
        .wait("document.querySelector('#newest').textContent.startsWith('Order 7, saved at 20')");
    browser.wait("document.querySelector('#offline').hidden");

    browser.click("#toggle");
    server.wait_for_streams(0);
    save(8);
    browser.click("#toggle");
    shows("Order 8");
    browser.wait("document.querySelector('#newest').textContent.startsWith('Order 8')");
    server.wait_for_streams(1);
    assert_eq!(browser.evaluate("window.errors"), json!([]));
}
