//! Why no event arrives: what `sse doctor` looks at, and what it makes of it.
//!
//! What is looked at is collected first, and judged by functions from text, or
//! from times, to findings. Nothing is changed, and nothing is left behind.

mod app;
mod finding;
mod stream;

pub(crate) use self::app::{
    NOT_IGNORED, examine as examine_app, has_listening_page, is_not_ignored,
};
pub(crate) use self::finding::Finding;
pub(crate) use self::stream::{Plan, examine as examine_stream};
