//! Where `.configure(actix_web_sse::routes)` belongs in an app's source, how it gets
//! there, and how it comes out again to the byte.
//!
//! Printing code from a syntax tree would lose its comments and layout. So the tree only
//! tells the position, the call is spliced into the raw text, and the result is parsed
//! again before anything is written. If one file alone does not make the position certain,
//! nothing is changed and the lines are reported: deciding takes a person less time than
//! finding a wrong edit.

pub(crate) mod app_code;
mod attributes;
mod binaries;
mod call_site;
mod chains;
mod names;
mod outline;
mod paths;
mod resolution;
pub(crate) mod rust_file;
mod scope;
pub(crate) mod source_code;
pub(crate) mod splice;
mod tokens;
mod uses;
mod visitor;

#[cfg(test)]
mod tests;
