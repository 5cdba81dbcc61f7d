//! Why a question had no answer that says what the client may receive.

use std::fmt::{self, Display};
use std::time::Duration;

#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Fault {
    /// No connection, with the reason.
    NotConnected(String),
    NoAnswer(Duration),
    /// The connection broke, or the response is not valid HTTP, with the reason.
    Broken(String),
    Status {
        code: u16,
        /// In seconds.
        retry_after: Option<u32>,
    },
    /// A redirect, with this status, to the path of the question.
    Redirect(u16),
    /// Success, with this status, but without `SSE-Audiences`.
    NoAudiences(u16),
    /// A header of the answer cannot be used.
    Invalid {
        header: &'static str,
        problem: String,
    },
}

/// What a fault shows about other questions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Suspicion {
    /// The app works, although this answer is of no use.
    None,
    /// The app may fail for this client only.
    Weak,
    /// It hardly depends on the client.
    Strong,
}

impl Fault {
    pub(super) fn suspicion(&self) -> Suspicion {
        match self {
            Self::NotConnected(_) | Self::Status { code: 429, .. } => Suspicion::Strong,
            Self::NoAnswer(_) | Self::Broken(_) | Self::Status { code: 500.., .. } => {
                Suspicion::Weak
            }
            // An app may send a login page to some clients, and its answers to others.
            Self::Status { .. }
            | Self::Redirect(_)
            | Self::NoAudiences(_)
            | Self::Invalid { .. } => Suspicion::None,
        }
    }

    /// How long the app asks to wait.
    pub(super) fn requested_pause(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => {
                retry_after.map(|seconds| Duration::from_secs(seconds.into()))
            }
            _ => None,
        }
    }

    pub(super) fn help(&self) -> String {
        match self {
            Self::NotConnected(_) => "start the app, or correct SSE_AUTH_URL".to_owned(),
            Self::NoAnswer(_) => {
                "let the app answer faster (a PHP session is locked while another request of the user runs), or raise \
                 SSE_AUTH_TIMEOUT".to_owned()
            }
            Self::Broken(_) => {
                "check that SSE_AUTH_URL names an HTTP server, and https if it uses TLS; the head of its answers may \
                 have up to 64 KiB".to_owned()
            }
            Self::Status { code: 404 | 405, .. } => {
                "let SSE_AUTH_URL name the route of the app that answers GET with SSE-Audiences".to_owned()
            }
            Self::Status { code: 429, .. } => {
                "let the app accept SSE_AUTH_CONCURRENCY requests at once from this server".to_owned()
            }
            Self::Status { code: 500.., .. } => "read the log of the app".to_owned(),
            Self::Status { .. } => {
                "let the app answer with SSE-Audiences, or with 401 if the user is not logged in".to_owned()
            }
            Self::Redirect(_) => {
                "let SSE_AUTH_URL name the address that answers without a redirect; if the app redirects to HTTPS, let \
                 the proxy in front of `sse serve` send X-Forwarded-Proto: https, and the app trust it".to_owned()
            }
            Self::NoAudiences(_) => {
                "it is probably a login page: answer 401 if the user is not logged in, and otherwise send \
                 SSE-Audiences, which may be empty".to_owned()
            }
            Self::Invalid { header, .. } => match *header {
                "SSE-Max-Age" => "send whole seconds, such as SSE-Max-Age: 3600".to_owned(),
                "SSE-Identity" => "send the id of the user once, such as SSE-Identity: 42".to_owned(),
                _ => "send names such as SSE-Audiences: user:4, order:*, with other characters percent-encoded"
                    .to_owned(),
            },
        }
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnected(reason) => write!(f, "no connection: {reason}"),
            Self::NoAnswer(limit) => write!(f, "no answer within {} s", limit.as_secs_f64()),
            Self::Broken(reason) => write!(f, "no valid HTTP response: {reason}"),
            Self::Status { code, .. } => write!(f, "the answer is {code}"),
            Self::Redirect(code) => {
                write!(f, "the answer is {code}, a redirect to the same path")
            }
            Self::NoAudiences(code) => write!(f, "the answer is {code} without SSE-Audiences"),
            Self::Invalid { header, problem } => write!(f, "{header} of the answer {problem}"),
        }
    }
}
