//! The parts of the hub that the fuzz targets test.

use bytes::Bytes;

use super::frame::encode_entry;
use crate::{config::Events, entry::Entry};

/// The encoded events of one entry.
pub(crate) fn frames_of(entry: &Entry, events: &Events) -> Vec<Bytes> {
    let frames = encode_entry(entry, events).expect("allowed event names can be encoded");
    frames.into_iter().map(|frame| frame.bytes).collect()
}
