//! The starter app over HTTP/2 in a real browser.

mod shutdown;
mod streams;
