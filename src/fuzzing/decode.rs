//! Decodes event streams with another project's parser.

use std::{
    convert::Infallible,
    pin::pin,
    task::{Context, Poll, Waker},
};

use futures_util::{Stream, stream};

/// Returns the id, name and data of each event in `bytes`.
#[must_use]
pub(crate) fn decode(bytes: &[u8]) -> Vec<(String, String, String)> {
    let chunks = stream::iter([Ok::<_, Infallible>(bytes::Bytes::copy_from_slice(bytes))]);
    let mut events = pin!(sseer::EventStream::new(chunks));
    let mut decoded = Vec::new();
    while let Poll::Ready(Some(event)) = events
        .as_mut()
        .poll_next(&mut Context::from_waker(Waker::noop()))
    {
        let event = event.unwrap();
        decoded.push((
            event.id.to_string(),
            event.event.to_string(),
            event.data.to_string(),
        ));
    }
    decoded
}
