//! What a client asks for and what the app grants it.

#[cfg(test)]
mod tests;

use std::{
    fmt::Write,
    time::{Instant, SystemTime},
};

use actix_web::{
    HttpMessage, HttpRequest,
    http::header::{self, HeaderMap},
};
use sha2::{Digest, Sha256};

use super::{authorization_position::AuthorizationPosition, grant::Grant};
use crate::{
    epoch::Epochs,
    error::{Error, ErrorKind, excerpt},
    event_id::EventId,
    hub::{Grants, NameGrant},
};

/// Upper bound for the grants of one stream: each private value is compared with all of them. An app that needs
/// more can save to the audience of a whole group.
const MAX_GRANTS: usize = 1_000;

/// How many bytes of a hash identify a user: enough that no two users ever have the same.
const IDENTITY_BYTES: usize = 16;

#[derive(Debug, Clone, Default)]
pub(super) struct Access {
    /// Sorted, each once.
    asked: Vec<String>,
    grants: Vec<Grant>,
    /// Set if a name that was granted is not valid.
    error: Option<Error>,
    until: Option<SystemTime>,
    identity: Option<String>,
    /// The end of the journal when the request was authenticated, if the app has noted it.
    pub(super) position: Option<EventId>,
    /// The origin of a request that a page of another site made.
    cross_site_origin: Option<Vec<u8>>,
}

impl Access {
    pub(super) fn new(request: &HttpRequest, asked: Vec<String>) -> Self {
        let position = request.extensions().get::<AuthorizationPosition>().copied();
        Self {
            asked,
            position: position.map(|AuthorizationPosition(position)| position),
            cross_site_origin: cross_site_origin(request.headers()),
            ..Self::default()
        }
    }

    pub(super) fn asked(&self) -> impl Iterator<Item = &str> {
        self.asked.iter().map(String::as_str)
    }

    pub(super) fn grant(&mut self, grant: Grant) {
        let result = grant.check().and_then(|()| match self.grants.len() {
            MAX_GRANTS.. => Err(Error::new(
                ErrorKind::Audience,
                format!("a stream was granted more than {MAX_GRANTS} audiences"),
            )
            .with_help("save to the audience of a group, and grant that")),
            _ => Ok(()),
        });
        match result {
            Ok(()) if !self.grants.contains(&grant) => self.grants.push(grant),
            Ok(()) => {}
            Err(error) => self.error = Some(error),
        }
    }

    /// The earliest of several times counts.
    pub(super) fn until(&mut self, time: SystemTime) {
        self.until = Some(self.until.map_or(time, |until| until.min(time)));
    }

    pub(super) fn identify(&mut self, value: String) {
        self.identity = Some(value);
    }

    /// Fails if the client may not have the stream. The error does not show whether an audience exists.
    pub(super) fn check(&self, allowed_origins: &[String]) -> Result<(), Error> {
        if let Some(error) = &self.error {
            return Err(error.clone());
        }
        let refused = self.asked().filter(|name| !self.is_granted(name));
        let refused: Vec<_> = refused.map(|name| format!("`{}`", excerpt(name))).collect();
        if !refused.is_empty() {
            let message = "the client asks for audiences that it may not receive";
            let help = format!("log in, or ask without {}", refused.join(", "));
            return Err(Error::new(ErrorKind::Forbidden, message).with_help(help));
        }
        if self.until.is_some_and(|until| until <= SystemTime::now()) {
            let message = "the authorization of this request has expired";
            return Err(Error::new(ErrorKind::Forbidden, message).with_help("log in again"));
        }
        match &self.cross_site_origin {
            Some(origin) if !self.grants.is_empty() => {
                let is_allowed =
                    (allowed_origins.iter()).any(|allowed| allowed.as_bytes() == origin);
                is_allowed.then_some(()).ok_or_else(cross_site_error)
            }
            _ => Ok(()),
        }
    }

    fn is_granted(&self, name: &str) -> bool {
        self.grants.iter().any(|grant| grant.covers(name))
    }

    /// The grants of a stream in the journal with these epochs.
    pub(super) fn grants(&self, epochs: &Epochs) -> Grants {
        Grants::new(self.grants.iter().flat_map(|grant| {
            let after = grant.since.map_or(0, |event| last_number(event, epochs));
            let asked = self
                .asked()
                .filter(|name| grant.is_prefix && grant.covers(name));
            let mut names: Vec<_> = asked.map(|name| (name, false)).collect();
            if names.is_empty() {
                names.push((&grant.name, grant.is_prefix));
            }
            (names.into_iter()).map(move |(name, is_prefix)| NameGrant {
                name,
                is_prefix,
                after,
            })
        }))
    }

    /// When the stream ends; `None` if the app has not limited that, or not within the reach of this clock.
    pub(super) fn ends_at(&self) -> Option<Instant> {
        let left = self.until?.duration_since(SystemTime::now());
        Instant::now().checked_add(left.unwrap_or_default())
    }

    /// Identifies the user to pages, which must not receive the events of another one. `None` if the stream is the
    /// same for everybody.
    pub(super) fn identity(&self) -> Option<String> {
        if let Some(value) = &self.identity {
            return Some(hash("identity", value));
        }
        let is_asked = |grant: &&Grant| self.asked.contains(&grant.name) && !grant.is_prefix;
        let own = self.grants.iter().filter(|grant| !is_asked(grant));
        let mut own: Vec<_> = own
            // No name contains a `*`, so a prefix differs from every name.
            .map(|grant| format!("{}{}", grant.name, if grant.is_prefix { "*" } else { "" }))
            .collect();
        own.sort_unstable();
        own.dedup();
        (!own.is_empty()).then(|| hash("grants", &own.join(",")))
    }
}

/// The newest number up to and including this event. A journal that does not know the event was created later.
fn last_number(event: EventId, epochs: &Epochs) -> u64 {
    let last_kept = epochs.last_number_shared_with(event.epoch);
    last_kept.map_or(0, |last_kept| event.cursor.last_received().min(last_kept))
}

/// `kind` keeps equal texts of two kinds apart.
fn hash(kind: &str, text: &str) -> String {
    let digest = Sha256::digest(format!("{kind}:{text}"));
    let mut hex = String::with_capacity(2 * IDENTITY_BYTES);
    for byte in digest.iter().take(IDENTITY_BYTES) {
        // Writing to a string cannot fail.
        let _ = write!(hex, "{byte:02x}");
    }
    hex
}

/// "`cross-site`: The request initiator and the server hosting the resource have a different site" (Fetch
/// Metadata). The origin is empty if the browser did not send it.
fn cross_site_origin(headers: &HeaderMap) -> Option<Vec<u8>> {
    let is_cross_site = headers
        .get("sec-fetch-site")
        .is_some_and(|site| site == "cross-site");
    let origin = headers.get(header::ORIGIN);
    is_cross_site.then(|| origin.map_or_else(Vec::new, |origin| origin.as_bytes().to_vec()))
}

fn cross_site_error() -> Error {
    let message = "a page of another site may not receive the events of this site's users";
    Error::new(ErrorKind::Forbidden, message)
        .with_help("add the page's origin to SSE_ALLOWED_ORIGINS if it may")
}
