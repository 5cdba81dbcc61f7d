//! `--auth-url`: the app says what each client may receive.

mod answers;
mod checks;
mod endpoints;
mod ends;
mod fairness;
#[cfg(feature = "tools")]
mod tls;

use support::{Answer, AuthEndpoint, Question, Server, Stream};

use crate::app::{ENV, OtherApp};

/// A server that asks an endpoint.
struct Site {
    app: OtherApp,
    endpoint: AuthEndpoint,
    server: Server,
}

impl Site {
    fn new(answer: impl Fn(&Question) -> Answer + Send + Sync + 'static) -> Self {
        Self::with_options(ENV, &[], AuthEndpoint::start(answer))
    }

    fn with_options(env: &str, options: &[&str], endpoint: AuthEndpoint) -> Self {
        let app = OtherApp::new(env);
        let url = endpoint.url();
        let server = app.serve(&[&["--auth-url", &*url], options].concat());
        Self {
            app,
            endpoint,
            server,
        }
    }

    fn open(&self, headers: &[(&str, &str)]) -> Stream {
        self.open_path("/sse/stream", headers)
    }

    fn open_path(&self, path: &str, headers: &[(&str, &str)]) -> Stream {
        Stream::request(self.server.address(), path, headers)
    }

    /// Saves for this audience.
    fn save(&self, value: &str, audience: &str) {
        let output = self
            .app
            .sse(&["save", "event_cache_key1", value, "--to", audience]);
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{text}");
    }
}
