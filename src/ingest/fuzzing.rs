//! The parts of the ingest that the fuzz targets test.

use serde_json::value::RawValue;

use super::{content, php};

/// A drop-in's value, and whether it came from a CodeIgniter record.
pub(crate) fn value(bytes: &[u8]) -> Result<(Box<RawValue>, bool), String> {
    Ok((content::parse(bytes)?.value, php::starts_like_array(bytes)))
}
