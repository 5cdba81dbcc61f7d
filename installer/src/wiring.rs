//! Where `.configure(actix_web_sse::routes)` belongs in somebody's code, how it gets
//! there, and how it comes out again to the byte.
//!
//! Code that is printed from a syntax tree has lost its comments and its layout. So
//! the tree only says where, one call is spliced into the raw text, and the result is
//! read again before anybody writes it. What cannot be told for certain from the one
//! file is refused with its lines: a person decides faster than a wrong edit is found.

mod attributes;
mod chains;
mod code;
mod files;
mod imports;
mod names;
mod place;
mod reader;
mod source;
mod splice;
mod targets;
mod tokens;
mod uses;

pub(crate) use place::Place;
use place::Unclear;
pub(crate) use source::{Source, Unwire};
pub(crate) use targets::binary_sources;
pub(crate) use uses::{Uses, places, uses_in};

/// The library, as code names it.
const LIBRARY: &str = "actix_web_sse";

#[cfg(test)]
mod tests;
