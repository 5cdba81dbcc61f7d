//! What a stream gets from one read of the ring or the journal.

use bytes::Bytes;

use super::cursor::Cursor;

/// Frames, possibly none, and the cursor after them.
#[derive(Debug)]
pub(crate) struct ReadFrames {
    pub(crate) bytes: Bytes,
    pub(crate) cursor: Cursor,
    /// The stream holds audiences, one of which was revoked here or may have been: the app has to authorize the
    /// request again before the stream continues.
    pub(crate) must_reauthorize: bool,
    /// Whether the result would be another one for a stream that holds other audiences.
    pub(super) depends_on_grants: bool,
}
