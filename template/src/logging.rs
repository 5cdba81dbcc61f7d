//! The log: the app's lines and the library's, and a line for each request.

use std::{
    io::{self, IsTerminal},
    time::Instant,
};

use actix_web::{
    Error, HttpMessage,
    body::MessageBody,
    dev::{ServiceRequest, ServiceResponse},
};
use actix_web_sse::request_line;
use tracing::{Span, info, info_span};
use tracing_actix_web::{RequestId, RootSpanBuilder, TracingLogger};
use tracing_subscriber::{
    filter::{LevelFilter, Targets},
    layer::SubscriberExt,
    util::SubscriberInitExt,
};

/// Without the errors for requests that are not valid HTTP: any client can send thousands of them in a
/// second, and actix-web logs each. `RUST_LOG` replaces this.
const FILTER: &str = "info,actix_http::h1::dispatcher=off,actix_http::h2::dispatcher=off";

/// The start page asks for the last one every two seconds.
const QUIET_PATHS: [&str; 2] = ["/health", "/info"];

/// Writes to standard error what `RUST_LOG` selects.
pub(crate) fn start() {
    let chosen = std::env::var("RUST_LOG").unwrap_or_else(|_| FILTER.to_owned());
    let filter = chosen.parse().unwrap_or_else(|error| {
        eprintln!("warning: RUST_LOG is not valid, and is ignored: {error}");
        Targets::new().with_default(LevelFilter::INFO)
    });
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    tracing_subscriber::registry()
        .with(lines)
        .with(filter)
        .init();
}

/// A span for each request, in which everything happens that its handler does, and a line at its end.
pub(crate) fn requests() -> TracingLogger<RequestSpan> {
    TracingLogger::new()
}

/// Not tracing-actix-web's own: every line of a request would repeat its URL, address and browser.
pub(crate) struct RequestSpan;

struct Start(Instant);

impl RootSpanBuilder for RequestSpan {
    fn on_request_start(request: &ServiceRequest) -> Span {
        if QUIET_PATHS.contains(&request.path()) {
            return Span::none();
        }
        request.extensions_mut().insert(Start(Instant::now()));
        let id = request
            .extensions()
            .get::<RequestId>()
            .map(RequestId::to_string);
        // Enough to find the lines of one request.
        info_span!("request", id = id.as_deref().and_then(|id| id.get(..8)))
    }

    fn on_request_end<B: MessageBody>(_: Span, outcome: &Result<ServiceResponse<B>, Error>) {
        let Ok(response) = outcome else {
            return;
        };
        let request = response.request();
        if let Some(Start(start)) = request.extensions().get() {
            // Long URLs are cut off.
            let (line, status) = (request_line(request), response.status().as_u16());
            info!("{line} {status} {:.6}s", start.elapsed().as_secs_f64());
        }
    }
}
