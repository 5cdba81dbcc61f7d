//! Runs the app: a saved value reaches a client as an event.

use std::{
    error::Error,
    fs,
    io::{self, BufRead, BufReader, Write},
    net::TcpStream,
    process::{Child, Command, Stdio},
    time::Duration,
};

use actix_web_sse::{Cache, Config};
use tempfile::TempDir;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// The app's program. Its name changes with the package.
const PROGRAM: &str = env!(concat!("CARGO_BIN_EXE_", env!("CARGO_PKG_NAME")));

/// An event and its cache key.
const EVENTS: &str = "order_placed:order";

/// The app on a free port, with its cache in a temporary folder. It ends with the test.
struct App {
    process: Child,
    address: String,
    folder: TempDir,
}

impl App {
    fn start() -> Result<Self> {
        let folder = tempfile::tempdir()?;
        fs::write(folder.path().join(".env"), "")?;
        fs::create_dir(folder.path().join("public"))?;
        let mut process = Command::new(PROGRAM)
            .current_dir(&folder)
            // Cargo sets this to the app's folder, which has the real cache.
            .env_remove("CARGO_MANIFEST_DIR")
            .envs([("HOST", "127.0.0.1"), ("PORT", "0"), ("RUST_LOG", "warn")])
            .env("ADMIN_LISTEN", "off")
            .env("SSE_EVENTS", EVENTS)
            .env("SSE_CACHE", "writable/cache")
            .stdout(Stdio::piped())
            .spawn()?;
        let output = process
            .stdout
            .take()
            .ok_or("the app has no standard output")?;
        let address = BufReader::new(output)
            .lines()
            .map_while(io::Result::ok)
            .find_map(|line| Some(line.split_once("http://")?.1.to_owned()))
            .ok_or("the app ended before it listened")?;
        Ok(Self {
            process,
            address,
            folder,
        })
    }
}

impl Drop for App {
    fn drop(&mut self) {
        let _ = self.process.kill().and_then(|()| self.process.wait());
    }
}

#[test]
fn a_saved_value_arrives_as_an_event() -> Result<()> {
    let app = App::start()?;
    let mut connection = TcpStream::connect(&app.address)?;
    connection.set_read_timeout(Some(Duration::from_secs(30)))?;
    write!(connection, "GET /sse/stream HTTP/1.0\r\n\r\n")?;
    let mut lines = BufReader::new(connection).lines().map_while(io::Result::ok);

    let config = Config::new(app.folder.path(), EVENTS)?;
    Cache::open(&config)?.save_blocking("order", 42)?;

    assert!(lines.any(|line| line == "event: order_placed"));
    let data = lines.next().ok_or("the event has no data")?;
    assert!(data.ends_with(r#","value":42}"#), "{data}");
    Ok(())
}
