//! What a client asks for in one request.

use std::fmt::Write;

use support::oracle::{GRANTS, PATH_WITHOUT_POSITION};

use crate::{
    audiences::{Grant, Selection},
    client::{Client, Phase},
    model::{Format, Id},
    server::Address,
};

/// The parts of a request that its check needs.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    pub(crate) selection: Selection,
    pub(crate) format: Format,
    pub(crate) wants_latest: bool,
    /// Whether it asks for an audience that it is not granted.
    pub(crate) is_forbidden: bool,
}

/// The id that a request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SentId {
    /// None, like a new client.
    Nothing,
    /// The last one that it received.
    Last(Id),
    /// One that no server has sent to it.
    Invented(Id),
    /// An invalid id.
    Garbage,
}

impl Client {
    /// The HTTP request.
    pub(crate) fn request_text(
        &mut self,
        address: &Address,
        phase: Phase,
        sent: SentId,
        asked: &[String],
    ) -> String {
        let format = self.request.format.parameter().map(str::to_owned);
        let mut parameters: Vec<_> = self
            .request
            .selection
            .filter
            .parameter()
            .into_iter()
            .chain(format)
            .collect();
        if self.request.wants_latest {
            parameters.push("latest=true".into());
        }
        if !asked.is_empty() {
            parameters.push(format!("to={}", asked.join(",")));
        }
        let grants: Vec<_> = self.grants.iter().map(Grant::text).collect();
        let mut headers = format!("{GRANTS}: {}\r\n", grants.join(","));
        let id = match sent {
            SentId::Nothing => None,
            SentId::Last(id) | SentId::Invented(id) => Some(id.to_string()),
            SentId::Garbage => {
                Some(["0", "x-1", "-", "ffffffffffffffff"][self.rng.usize(..4)].into())
            }
        };
        if let Some(id) = id {
            if self.rng.bool() {
                let _ = write!(headers, "Last-Event-ID: {id}\r\n");
            } else {
                parameters.push(format!("last_event_id={id}"));
            }
        }
        let host = &address.address;
        let query = parameters.join("&");
        // Without a position, each revocation of the last ten seconds ends the stream.
        let path = match phase == Phase::Chaos && self.rng.u32(..12) == 0 {
            true => PATH_WITHOUT_POSITION,
            false => "/sse/stream",
        };
        format!("GET {path}?{query} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n")
    }
}
