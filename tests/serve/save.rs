//! `POST /sse/save/{key}`: saves over HTTP.

#[cfg(feature = "tools")]
mod guide;
mod limits;
mod once;
mod refusals;
mod revocation;
mod token;
mod values;

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use serde_json::Value;
use support::{Backend, Server, Stream, http};

use crate::app::OtherApp;

const ENV: &str = "SSE_STREAM_DURATION=0\nSSE_POLL_INTERVAL=0.2\n\
    SSE_EVENTS=order:orders,invoice:invoices:private\n";

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

const JSON: (&str, &str) = ("Content-Type", "application/json");

/// An app whose server saves over HTTP.
struct Shop(OtherApp);

/// The answer to a request.
struct Saved {
    status: u16,
    /// The status line, the headers and the body.
    text: String,
}

impl Shop {
    fn new() -> Self {
        Self::with_env(ENV)
    }

    fn on(backend: Backend) -> Self {
        match backend.redis_url() {
            None => Self::new(),
            Some(url) => Self::with_env(&format!("{ENV}SSE_CACHE={url}\n")),
        }
    }

    fn with_env(env: &str) -> Self {
        let shop = Self(OtherApp::new(env));
        shop.write_token(TOKEN);
        shop
    }

    fn token_file(&self) -> PathBuf {
        self.0.path().join("token")
    }

    fn write_token(&self, token: &str) {
        let path = self.token_file();
        fs::write(&path, token).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    fn serve(&self) -> Server {
        self.0.serve(&["--save-token-file", "token"])
    }

    /// The newest value of `orders`; `None` if nothing was saved.
    fn saved(&self) -> Option<Value> {
        let output = self.0.sse(&["get", "orders"]);
        let text = String::from_utf8(output.stdout).unwrap();
        (output.status.success() && !text.is_empty()).then(|| serde_json::from_str(&text).unwrap())
    }
}

impl Saved {
    fn id(&self) -> String {
        let (_, body) = self.text.split_once("\r\n\r\n").unwrap();
        let body: Value = serde_json::from_str(body).expect(&self.text);
        body["id"].as_str().unwrap().to_owned()
    }

    #[track_caller]
    fn assert_refused(&self, status: u16, problem: &str) {
        let text = &self.text;
        assert_eq!(self.status, status, "{text}");
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(body.starts_with("error: "), "{text}");
        assert!(body.contains(problem), "{problem}: {text}");
        assert!(body.contains("\nhelp: ") && body.ends_with('\n'), "{text}");
        assert!(head.contains("text/plain; charset=utf-8"), "{text}");
        assert!(head.contains("nosniff"), "{text}");
        assert!(!text.contains(TOKEN), "{text}");
    }
}

/// Sends a request with the token. `target` is, for example, `orders?ttl=5`.
fn save(server: &Server, target: &str, headers: &[(&str, &str)], body: &str) -> Saved {
    let token = format!("Bearer {TOKEN}");
    let headers = [headers, &[("Authorization", &*token)]].concat();
    request(server, &format!("POST /sse/save/{target}"), &headers, body)
}

fn request(server: &Server, request: &str, headers: &[(&str, &str)], body: &str) -> Saved {
    let mut response = http::request(server.address(), request, headers, body);
    Saved {
        status: response.status,
        text: response.read_text(),
    }
}

fn listen(server: &Server) -> Stream {
    let stream = Stream::open(server.address(), "/sse/stream", None);
    stream.next();
    stream
}
