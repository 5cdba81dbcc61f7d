//! Checks and reserves a stream before the app is asked who the request is from.

use std::{fmt, sync::Arc};

use actix_web::HttpRequest;

use super::{
    access_log::log_stream, host_check::public_reason, lazy_stream_state::SharedStreamState,
    limits::StreamGuard, sse::Sse, stream_response::StreamRefusal, subscription::Subscription,
};
use crate::error::{Error, ErrorKind};

/// The place of a stream among those that the limits allow.
#[derive(Clone)]
pub(super) struct ReservedPlace {
    _guard: Arc<StreamGuard>,
}

impl ReservedPlace {
    /// Fails if a limit is reached.
    pub(super) fn acquire(
        state: &SharedStreamState,
        subscription: &Subscription,
    ) -> Result<Self, Error> {
        let config = state.hub.config();
        let guard = state.limits.acquire(&config, subscription.address)?;
        Ok(Self {
            _guard: Arc::new(guard),
        })
    }
}

impl fmt::Debug for ReservedPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReservedPlace")
    }
}

impl Sse {
    /// Checks everything that does not depend on what the client may receive, and reserves the place of its stream.
    /// A refusal is logged like that of a stream.
    pub(crate) fn reserve(
        &self,
        request: &HttpRequest,
        subscription: Subscription,
    ) -> Result<Subscription, StreamRefusal> {
        let reserved = self.try_reserve(subscription);
        if reserved.is_err() {
            log_stream(request, &reserved);
        }
        reserved.map_err(|error| StreamRefusal::of_error(self, &error))
    }

    fn try_reserve(&self, mut subscription: Subscription) -> Result<Subscription, Error> {
        let state = self.state();
        let state = state.map_err(|error| public_reason(&subscription.host, error))?;
        let config = state.hub.config();
        subscription.host.check(config.allowed_authorities())?;
        subscription.check(config.events())?;
        if state.hub.is_closing() {
            return Err(Error::new(ErrorKind::Busy, "this server is shutting down"));
        }
        subscription.place = Some(ReservedPlace::acquire(state, &subscription)?);
        Ok(subscription)
    }
}

#[cfg(test)]
mod tests {
    use actix_web::test::TestRequest;

    use super::*;
    use crate::Config;

    fn reserve(sse: &Sse, uri: &str) -> Result<Subscription, Error> {
        let request = TestRequest::with_uri(uri).to_http_request();
        sse.try_reserve(Subscription::new(&request))
    }

    fn sse(max_connections: usize) -> (tempfile::TempDir, Sse) {
        let dir = tempfile::tempdir().unwrap();
        let config = Config::new(dir.path(), "a:k").unwrap();
        let sse = Sse::new(&config.with_max_connections(max_connections)).unwrap();
        (dir, sse)
    }

    #[actix_web::test]
    async fn a_reserved_place_counts_once_until_its_stream_ends() {
        let (_dir, sse) = sse(1);
        let reserved = reserve(&sse, "/").unwrap();
        let refused = reserve(&sse, "/").unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Busy);
        let stream = sse.subscribe(reserved).unwrap();
        assert_eq!(sse.stats().connections, 1);
        drop(stream);
        drop(reserve(&sse, "/").unwrap());
        assert_eq!(sse.stats().connections, 0);
    }

    #[actix_web::test]
    async fn a_request_that_gets_no_stream_anyway_is_refused_before_its_place_is_reserved() {
        let (_dir, sse) = sse(10);
        for uri in ["/?events=b", "/?latest=perhaps", "/?to=*"] {
            let refused = reserve(&sse, uri).unwrap_err();
            assert_eq!(refused.kind(), ErrorKind::Request, "{uri}");
        }
        drop(sse.close());
        assert_eq!(reserve(&sse, "/").unwrap_err().kind(), ErrorKind::Busy);
        assert_eq!(sse.stats().connections, 0);
    }
}
