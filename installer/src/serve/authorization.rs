//! `--auth-url`: asks the app what each client may receive.
//!
//! A *question* is a request to that URL with the client's credentials. No answer is cached. The number of questions,
//! each queue and each wait are bounded. While the app cannot be asked, clients are refused at once, and one question
//! at a time finds out when it can be asked again.

mod address_limits;
mod answer;
mod availability;
mod client_headers;
mod connections;
mod endpoint;
mod fault;
mod fault_log;
mod refusal;

use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use actix_web::HttpRequest;
use actix_web_sse::cli_support::reserve_stream;
use actix_web_sse::{Sse, StreamRefusal, Subscription};
use hyper::HeaderMap;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use self::address_limits::{AddressLimits, client_address};
use self::answer::{Answer, Permission};
use self::availability::{Admission, Availability, Change, ClientProbe};
use self::endpoint::{Endpoint, Exchange};
use self::fault::Fault;
use self::fault_log::FaultLog;
use self::refusal::Refusal;
use super::settings::AuthSettings;
use super::slots::{Slot, Slots};
use crate::exit::Failure;

/// Each request that waits takes memory. Further ones are refused, and their clients try again later.
const MAX_WAITING: usize = 4096;

/// Authorizes the requests for streams. All workers share one, so its limits are those of the process.
#[derive(Clone)]
pub(super) struct Authorizer {
    shared: Arc<Shared>,
}

struct Shared {
    sse: Sse,
    endpoint: Endpoint,
    slots: Slots,
    addresses: AddressLimits,
    availability: Availability,
    log: FaultLog,
    /// For the wait for a slot, and again for the question.
    timeout: Duration,
    is_closing: watch::Sender<bool>,
}

/// The permission to ask a question of a client.
struct Turn {
    slot: Slot,
    _address: Option<OwnedSemaphorePermit>,
}

impl Authorizer {
    /// Fails if this machine cannot check the certificate of the URL.
    pub(super) fn new(sse: &Sse, settings: &AuthSettings) -> Result<Self, Failure> {
        let endpoint = Endpoint::new(settings)?;
        let shared = Shared {
            sse: sse.clone(),
            log: FaultLog::new(endpoint.name()),
            endpoint,
            slots: Slots::new(settings.concurrency, MAX_WAITING),
            addresses: AddressLimits::new(settings.concurrency, MAX_WAITING),
            availability: Availability::new(settings.timeout),
            timeout: settings.timeout,
            is_closing: watch::Sender::new(false),
        };
        Ok(Self {
            shared: Arc::new(shared),
        })
    }

    /// Adds what the app grants the client, or refuses the client's stream. If the future is
    /// dropped, because the client is gone, its question ends, too.
    pub(super) async fn authorize(
        &self,
        request: &HttpRequest,
        subscription: Subscription,
    ) -> Result<Subscription, StreamRefusal> {
        let sse = &self.shared.sse;
        let subscription = reserve_stream(sse, request, subscription)?;
        let mut closing = self.shared.is_closing.subscribe();
        let authorized = tokio::select! {
            // Never an error: the sender lives as long as `self`.
            _ = closing.wait_for(|is_closing| *is_closing) => Err(Refusal::ShuttingDown),
            authorized = self.shared.authorize(request, subscription) => authorized,
        };
        authorized.map_err(|refusal| sse.refuse(refusal.into_response()))
    }

    /// At the first SIGTERM or SIGINT, refuses the clients that wait, and all later ones.
    pub(super) fn close_at_signal(
        self,
    ) -> Result<impl Future<Output = ()> + Send + use<>, Failure> {
        let listen = |kind| {
            signal(kind).map_err(|error| Failure::error(format!("cannot handle signals: {error}")))
        };
        let (mut terminate, mut interrupt) = (
            listen(SignalKind::terminate())?,
            listen(SignalKind::interrupt())?,
        );
        Ok(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            self.shared.is_closing.send_replace(true);
        })
    }
}

impl Shared {
    async fn authorize(
        self: &Arc<Self>,
        request: &HttpRequest,
        subscription: Subscription,
    ) -> Result<Subscription, Refusal> {
        let headers = client_headers::for_client(request, subscription.asked())?;
        let probe = match self.availability.enter(Instant::now()) {
            Admission::Ask => None,
            Admission::ProbeAsClient(probe) => Some(probe),
            Admission::ProbeAsServer => {
                self.probe_if_free();
                return Err(Refusal::Unavailable);
            }
            Admission::Refuse => return Err(Refusal::Unavailable),
        };
        let turn = self.wait_for_turn(request, probe.is_some()).await?;
        // Before the question: a revocation after it may concern what the app answers.
        let position = self.sse.position();
        match self.ask(&headers, turn, probe).await? {
            Answer::Granted(permission) => {
                Ok(grant(subscription, permission).authorized_at(position))
            }
            Answer::LogIn => Err(Refusal::LogIn),
            Answer::Forbidden => Err(Refusal::Forbidden),
        }
    }

    async fn wait_for_turn(&self, request: &HttpRequest, is_probe: bool) -> Result<Turn, Refusal> {
        let waiting = async {
            let address = match client_address(request) {
                Some(address) => Some(self.addresses.acquire(address).await?),
                None => None,
            };
            let slot = self.slots.acquire(self.timeout).await?;
            Some(Turn {
                slot,
                _address: address,
            })
        };
        let turn = timeout(self.timeout, waiting).await.ok().flatten();
        let turn = turn.ok_or(Refusal::Unavailable)?;
        // The app may have begun to fail meanwhile.
        match is_probe || self.availability.may_ask().await {
            true => Ok(turn),
            false => Err(Refusal::Unavailable),
        }
    }

    /// Asks the question of a client. Its turn ends when its connection can be used for another question.
    async fn ask(
        self: &Arc<Self>,
        headers: &HeaderMap,
        turn: Turn,
        probe: Option<ClientProbe<'_>>,
    ) -> Result<Answer, Refusal> {
        let result = self.question(headers).await;
        let outcome = result.as_ref().map(|_| ());
        let now = Instant::now();
        let change = match probe {
            Some(probe) => probe.finish(now, outcome),
            None => self.availability.note(now, outcome),
        };
        if !matches!(change, Change::Suspected | Change::Undecided) {
            self.log.note(now, outcome, change);
        }
        match result {
            Ok((answer, exchange)) => {
                self.finish(exchange, turn);
                return Ok(answer);
            }
            Err(fault) if change == Change::Suspected => self.probe(turn.slot, Some(fault)),
            Err(_) => {}
        }
        Err(Refusal::Unavailable)
    }

    async fn question(&self, headers: &HeaderMap) -> Result<(Answer, Exchange), Fault> {
        let asked = timeout(self.timeout, self.endpoint.ask(headers)).await;
        let exchange = asked.unwrap_or(Err(Fault::NoAnswer(self.timeout)))?;
        Ok((
            answer::parse(&exchange.head, self.endpoint.url())?,
            exchange,
        ))
    }

    /// `held` is free again after that.
    fn finish(self: &Arc<Self>, exchange: Exchange, held: impl Send + 'static) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            shared.endpoint.finish(exchange).await;
            drop(held);
        });
    }

    fn probe_if_free(self: &Arc<Self>) {
        match self.slots.try_acquire() {
            Some(slot) => self.probe(slot, None),
            // Questions from before the pause are still open. They end soon.
            None => self.availability.postpone_probe(Instant::now()),
        }
    }

    /// Asks a question of the server's own, perhaps because the app is suspected to fail.
    fn probe(self: &Arc<Self>, slot: Slot, suspicion: Option<Fault>) {
        let shared = Arc::clone(self);
        tokio::spawn(async move {
            let result = shared.question(&client_headers::without_client()).await;
            let now = Instant::now();
            let outcome = result.as_ref().map(|_| ());
            let change = shared.availability.note_probe(now, outcome);
            match &suspicion {
                // The fault was that of one client.
                Some(fault) if change == Change::None => shared.log.note(now, Err(fault), change),
                // The app may answer nobody but its users in another way.
                None if change == Change::None => {}
                _ => shared.log.note(now, outcome, change),
            }
            if let Ok((_, exchange)) = result {
                shared.finish(exchange, slot);
            }
        });
    }
}

fn grant(mut subscription: Subscription, permission: Permission) -> Subscription {
    for audience in permission.audiences {
        subscription = subscription.grant(audience);
    }
    if let Some(identity) = permission.identity {
        subscription = subscription.identify(identity);
    }
    match permission.max_age {
        // A time that the clock cannot show is never reached.
        Some(age) => match SystemTime::now().checked_add(age) {
            Some(end) => subscription.until(end),
            None => subscription,
        },
        None => subscription,
    }
}
