//! `sse doctor`: finds out why events do not arrive.
//!
//! The checks first collect text, or the times at which a stream's messages arrive. Functions
//! without side effects then turn these into findings. No check changes a file of the app.

mod app;
mod finding;
mod stream;

pub(crate) use self::app::{
    NOT_IGNORED_HELP, NOT_IGNORED_MESSAGE, check_app, git_would_add_env, likely_url,
};
pub(crate) use self::finding::{Finding, verdict};
pub(crate) use self::stream::StreamCheck;
