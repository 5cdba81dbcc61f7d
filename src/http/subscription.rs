//! A client's request for a stream: which events it wants, and from which entry on.

mod query;
#[cfg(test)]
mod tests;

use std::{
    collections::HashSet,
    convert::Infallible,
    future::{Ready, ready},
    net::IpAddr,
    time::{Instant, SystemTime},
};

use actix_web::{
    FromRequest, HttpRequest,
    dev::Payload,
    http::{Version, header::HeaderName},
};

use self::query::Query;
use super::{
    access::Access, grant::Grant, refusal_count::RefusalCount, requested_host::RequestedHost,
    reservation::ReservedPlace,
};
use crate::{
    config::Events,
    error::{Error, ErrorKind, excerpt},
    hub::{DataFormat, Endpoints, EventId, Filter},
};

/// A client's request for a stream, from the parameters of its URL and its `Last-Event-ID`.
///
/// | parameter | meaning |
/// |---|---|
/// | `?events=a,b` | only these events; without it, all |
/// | header `Last-Event-ID`, or `?last_event_id=` | the id of the last event that the client has received; the stream continues after it |
/// | `?data=value` | as data, each saved value alone, see [`without_envelope`](Self::without_envelope) |
/// | `?to=a,b` | also what is saved for these [audiences](Self::grant), if the app grants them; otherwise, the response is 403 |
/// | `?latest=true` | begin with the newest value of each key, see [`with_latest`](Self::with_latest) |
/// | `?lookback=true` | with an id: also the entries of the last few seconds, which a new client receives. For a connection that reconnecting and new pages share |
/// | `?lookback=false` | without an id: only what is saved from now on |
///
/// It is an extractor, and [`Sse::respond`](crate::Sse::respond) responds to it. To extract it never fails:
/// a query that cannot be parsed is refused in the response, so that pages of other origins can read why.
///
/// ```no_run
/// use actix_web::{App, Responder, web::{self, Data}};
/// use actix_web_sse::{Sse, Subscription};
///
/// async fn stream(sse: Data<Sse>, subscription: Subscription) -> impl Responder {
///     sse.respond(subscription.only(["order", "toast"]))
/// }
///
/// App::new().service(web::resource("/my/stream").to(stream));
/// ```
#[derive(Debug, Clone)]
pub struct Subscription {
    pub(crate) filter: Filter,
    pub(crate) format: DataFormat,
    /// The events that the client may receive, and so may know.
    pub(super) allowed: Filter,
    pub(crate) last_event_id: Option<LastEventId>,
    /// Whether the client wants the entries of the last few seconds. By default, only a new client does.
    pub(crate) wants_lookback: bool,
    /// The address whose limit of streams applies.
    pub(crate) address: Option<IpAddr>,
    /// The connection of the request, if it can be shut down when the client does not read.
    pub(crate) connection: Option<Endpoints>,
    pub(super) host: RequestedHost,
    /// Whether the log shows that the stream opens. It always shows a refusal.
    pub(super) is_logged: bool,
    pub(super) access: Access,
    pub(super) wants_latest: bool,
    pub(super) refusal_count: RefusalCount,
    /// Set if the place of the stream was reserved before.
    pub(super) place: Option<ReservedPlace>,
    /// When the request arrived.
    pub(super) requested_at: Instant,
    /// Set if the query cannot be parsed.
    query_error: Option<Error>,
}

/// The id that a client sends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum LastEventId {
    Valid(EventId),
    /// Text that is not an id of this library, so it does not show what the client has received.
    Invalid,
}

impl FromRequest for Subscription {
    type Error = Infallible;
    type Future = Ready<Result<Self, Infallible>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        ready(Ok(Self::new(request)))
    }
}

impl Subscription {
    /// Reads a request. The header overrides the query: a browser that was given an id in the URL
    /// keeps that URL when it reconnects, and sends the newer id in the header.
    #[must_use]
    pub fn new(request: &HttpRequest) -> Self {
        let query = Query::parse(request.query_string());
        let query = query.and_then(|query| Ok((query.format()?, query.asked()?, query)));
        let ((format, asked, query), query_error) = match query {
            Ok(parsed) => (parsed, None),
            Err(error) => (Default::default(), Some(error)),
        };
        let in_header = request
            .headers()
            .get(HeaderName::from_static("last-event-id"))
            .and_then(|value| LastEventId::parse(value.as_bytes()));
        let in_query = query
            .last_event_id
            .as_deref()
            .and_then(|id| LastEventId::parse(id.as_bytes()));
        let last_event_id = in_header.or(in_query);
        Self {
            filter: query.events.as_deref().map_or(Filter::All, parse_filter),
            format,
            allowed: Filter::All,
            last_event_id,
            wants_lookback: query.lookback.unwrap_or(last_event_id.is_none()),
            address: request.peer_addr().map(|peer| peer.ip()),
            connection: endpoints(request),
            host: RequestedHost::new(request),
            is_logged: true,
            access: Access::new(request, asked),
            wants_latest: query.latest.unwrap_or_default(),
            refusal_count: RefusalCount::of(request),
            place: None,
            requested_at: Instant::now(),
            query_error,
        }
    }

    /// Grants the stream an audience: the stream also receives what is saved for this name. Repeated calls add
    /// audiences.
    ///
    /// ```no_run
    /// # use actix_web::{HttpRequest, Responder, error::ErrorUnauthorized, web};
    /// # struct User { id: u64 }
    /// # fn logged_in_user(_: &HttpRequest) -> Option<User> { None }
    /// use actix_web_sse::{Sse, Subscription};
    ///
    /// async fn stream(
    ///     request: HttpRequest,
    ///     sse: web::Data<Sse>,
    ///     subscription: Subscription,
    /// ) -> actix_web::Result<impl Responder> {
    ///     let user = logged_in_user(&request).ok_or_else(|| ErrorUnauthorized("log in"))?;
    ///     Ok(sse.respond(subscription.grant(format!("user:{}", user.id))))
    /// }
    /// ```
    ///
    /// A stream that holds audiences ends when one of them is [revoked](crate::Cache::revoke). It also ends if it
    /// may have missed a revocation, for example after an entry that cannot be read. The client connects again, and
    /// the app decides again.
    ///
    /// A name that is not valid is refused in the response (422), as are more than 1,000 grants.
    #[must_use]
    pub fn grant(mut self, grant: impl Into<Grant>) -> Self {
        self.access.grant(grant.into());
        self
    }

    /// Grants every audience whose name starts with `prefix`, for example `order:` to the staff of a shop. See
    /// [`Grant::prefix`].
    #[must_use]
    pub fn grant_prefix(self, prefix: impl Into<String>) -> Self {
        self.grant(Grant::prefix(prefix))
    }

    /// Iterates over the audiences that the client asks for with `?to=`. The app grants or refuses them: if it
    /// does not grant all of them, the response is 403.
    ///
    /// ```no_run
    /// # use actix_web::{Responder, web};
    /// # async fn owns_order(_: u64, _: &str) -> bool { true }
    /// use actix_web_sse::{Sse, Subscription};
    ///
    /// async fn stream(
    ///     user_id: web::ReqData<u64>,
    ///     sse: web::Data<Sse>,
    ///     mut subscription: Subscription,
    /// ) -> impl Responder {
    ///     let asked: Vec<String> = subscription.asked().map(str::to_owned).collect();
    ///     for name in asked {
    ///         if let Some(order) = name.strip_prefix("order:")
    ///             && owns_order(*user_id, order).await
    ///         {
    ///             subscription = subscription.grant(name);
    ///         }
    ///     }
    ///     sse.respond(subscription)
    /// }
    /// ```
    pub fn asked(&self) -> impl Iterator<Item = &str> {
        self.access.asked()
    }

    /// Ends the stream at this time, for example when the client's session or token expires. The client connects
    /// again, and the app decides again. A time in the past is refused in the response (403). Of several times, the
    /// earliest counts.
    #[must_use]
    pub fn until(mut self, time: SystemTime) -> Self {
        self.access.until(time);
        self
    }

    /// Identifies the user, for example by an id from your database. Tabs of one browser share a connection and
    /// its cookies, so after a login in one tab, the connection of the others may be another user's. A page accepts
    /// only the user that it began with. If the connection is another user's, the page receives nothing of it, stops,
    /// and reports `sse.identity-changed`.
    ///
    /// Clients receive a hash of `value`. Without this call, it is a hash of the names that are granted without
    /// being asked for. So call it if these may change for one user.
    #[must_use]
    pub fn identify(mut self, value: impl Into<String>) -> Self {
        self.access.identify(value.into());
        self
    }

    /// Sets the position that this server had reached in the cache before the request was authenticated:
    /// revocations after it end the stream, and earlier ones do not. [`Sse::position`](crate::Sse::position) returns
    /// the position. The middleware [`track_authorization`](crate::track_authorization()) does this for every
    /// request.
    ///
    /// Without a position, every revocation of the last ten seconds ends the stream.
    #[must_use]
    pub fn authorized_at(mut self, position: EventId) -> Self {
        self.access.position = Some(position);
        self
    }

    /// Begins the stream with the newest value of each key, for everyone and for each audience that was granted
    /// by its name. `?latest=true` in the request does the same. A client that resumes after its last event id
    /// receives what it missed instead.
    ///
    /// The values are those that [`Cache::get`](crate::Cache::get) returns: none that has expired. The events have
    /// their own ids and times, and come before all others, the oldest first.
    #[must_use]
    pub fn with_latest(mut self) -> Self {
        self.wants_latest = true;
        self
    }

    /// Restricts the subscription to these events. Use it if a client may receive some events and not
    /// others. If the request names events, the client receives those that are in both lists. Names that
    /// `SSE_EVENTS` does not contain are ignored. If no event is left, the request is refused, with a text
    /// that names no other events than these.
    #[must_use]
    pub fn only<S: Into<String>>(mut self, events: impl IntoIterator<Item = S>) -> Self {
        let events: HashSet<String> = events.into_iter().map(Into::into).collect();
        self.filter = self.filter.restricted_to(&events);
        self.allowed = self.allowed.restricted_to(&events);
        self
    }

    /// Sends each saved value alone, instead of the envelope `{"timestamp":…,"value":…}`: a JSON string as its
    /// text, and any other value as JSON. Events named `message` have no `event` field, so that clients which
    /// handle only unnamed events receive them. `?data=value` in the request does the same.
    ///
    /// Libraries such as htmx and Turbo insert the data of an event into the page. So the values are HTML, and
    /// the program that saves them must escape the text of users.
    #[must_use]
    pub fn without_envelope(mut self) -> Self {
        self.format = DataFormat::Value;
        self
    }

    /// Returns whether the events have their [envelope](Self::without_envelope).
    #[must_use]
    pub fn has_envelope(&self) -> bool {
        self.format == DataFormat::Envelope
    }

    /// Sets the client's address, for the limit of
    /// [`with_max_connections_per_address`](crate::Config::with_max_connections_per_address). The
    /// default is the address that the request comes from.
    ///
    /// Behind a proxy, that is the proxy's address. Take the client's from the proxy's header, for
    /// example `X-Forwarded-For`, but only if clients can reach the app through the proxy alone: any
    /// client can send that header.
    #[must_use]
    pub fn with_address(mut self, address: IpAddr) -> Self {
        self.address = Some(address);
        self
    }

    /// Returns the client's address; `None` for a Unix socket.
    #[must_use]
    pub fn address(&self) -> Option<IpAddr> {
        self.address
    }

    /// Returns the names of the events that the client asks for and [`only`](Self::only) allows, in no
    /// particular order; `None` for all.
    #[must_use]
    pub fn events(&self) -> Option<impl Iterator<Item = &str>> {
        Some(self.filter.names()?.iter().map(String::as_str))
    }

    /// For a stream that is not the app's: it makes no check of the host, because that was made with the list of
    /// another `Sse`, and its opening has no line in the log.
    pub(crate) fn for_dashboard(mut self) -> Self {
        self.host = RequestedHost::default();
        self.is_logged = false;
        self
    }

    /// Fails if the query cannot be parsed, if it asks for an unknown event, or if no event is left that
    /// the client asks for, may receive, and that exists.
    pub(crate) fn check(&self, events: &Events) -> Result<(), Error> {
        if let Some(error) = &self.query_error {
            return Err(error.clone());
        }
        let unknown = match self.allowed {
            Filter::All => self.filter.unknown(events).next(),
            // A name that the app allows need not be in SSE_EVENTS, and no client is to blame for that.
            Filter::Only(_) => None,
        };
        let message = if let Some(name) = unknown {
            format!(
                "the event `{}` does not exist",
                excerpt(name).escape_debug()
            )
        } else if !self.filter.wants_any(events) {
            "the request asks for no event that is available".into()
        } else {
            return Ok(());
        };
        Err(Error::new(ErrorKind::Request, message).with_help(self.available_events(events)))
    }

    /// Does not name the events that [`only`](Self::only) hides, since the text is for the client.
    fn available_events(&self, events: &Events) -> String {
        let names = events.names().filter(|name| self.allowed.wants(name));
        let names = names.collect::<Vec<_>>().join(", ");
        match self.allowed {
            Filter::All => format!("the events in SSE_EVENTS are {names}"),
            Filter::Only(_) if names.is_empty() => {
                "SSE_EVENTS contains none of the events that this client may receive".into()
            }
            Filter::Only(_) => format!("the events that this client may receive are {names}"),
        }
    }
}

/// Parses a comma-separated list of events.
fn parse_filter(events: &str) -> Filter {
    let names = events.split(',').map(str::trim);
    let names = names.filter(|name| !name.is_empty());
    Filter::only(names.map(str::to_owned).collect())
}

impl LastEventId {
    /// `None` for an empty id: "If the EventSource object's last event ID string is not the empty
    /// string" (HTML). Browsers send ids as raw UTF-8, so these are bytes.
    pub(crate) fn parse(bytes: &[u8]) -> Option<Self> {
        if bytes.is_empty() {
            return None;
        }
        let id = std::str::from_utf8(bytes)
            .ok()
            .and_then(|text| text.parse().ok());
        Some(id.map_or(Self::Invalid, Self::Valid))
    }
}

/// Both ends of the request's connection. `None` if they do not identify the connection, as over a
/// Unix socket, or if the connection does not belong to the stream alone: HTTP/2 carries other
/// requests over it.
fn endpoints(request: &HttpRequest) -> Option<Endpoints> {
    if request.version() > Version::HTTP_11 {
        return None;
    }
    let server_port = request.app_config().local_addr().port();
    Some(Endpoints::new(request.peer_addr()?, server_port))
}
