//! Whether the app can be asked, and who finds out while it cannot.
//!
//! A client can have its own question fail, for example with a session that another request keeps locked. So failed
//! questions of clients raise only a suspicion. A question without credentials, which no client can influence, decides.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::watch;
use tokio::time::timeout;

use super::fault::{Fault, Suspicion};

/// How many questions of clients in a row fail before the server asks one of its own.
const MAX_FAILURES: u32 = 5;

const MIN_BACKOFF: Duration = Duration::from_millis(500);
const MAX_BACKOFF: Duration = Duration::from_secs(5);

/// Limits a `Retry-After` of the app: the clients are to be back soon after the app is.
const MAX_REQUESTED_PAUSE: Duration = Duration::from_secs(20);

/// How much longer than its time limit a probe may take before another begins.
const PROBE_MARGIN: Duration = Duration::from_secs(1);

#[derive(Debug)]
enum State {
    /// Clients are asked about. `failures` questions in a row have failed.
    Working { failures: u32 },
    /// Clients wait until a question of the server's own decides whether they are asked about.
    Suspected { until: Instant },
    /// Clients are refused until the next probe.
    Failing { probe_at: Instant },
    /// Clients are refused, and a probe is open.
    Probing { until: Instant },
}

/// What a request for a stream does first.
pub(super) enum Admission<'a> {
    Ask,
    /// Its question finds out whether the app can be asked again.
    ProbeAsClient(ClientProbe<'a>),
    /// The server asks a question of its own, and this request is refused.
    ProbeAsServer,
    Refuse,
}

/// What the result of a question changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    None,
    /// The question has failed, and another one decides, or has decided, what follows from that.
    Undecided,
    /// The server must ask a question of its own, and [note](Availability::note_probe) its result.
    Suspected,
    /// Clients are refused from now on.
    Failing,
    /// Clients are asked about again.
    Working,
}

/// What clients that wait have to know of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    Working,
    Suspected,
    Failing,
}

pub(super) struct Availability {
    inner: Mutex<Inner>,
    phase: watch::Sender<Phase>,
    /// The longest time that a probe takes.
    probe_timeout: Duration,
}

#[derive(Debug)]
struct Inner {
    state: State,
    /// In this pause.
    failed_probes: u32,
}

/// A probe with the question of a client. If it is dropped, because the client is gone, it has failed.
pub(super) struct ClientProbe<'a> {
    availability: Option<&'a Availability>,
}

impl ClientProbe<'_> {
    pub(super) fn finish(mut self, now: Instant, outcome: Result<(), &Fault>) -> Change {
        let availability = self.availability.take();
        availability.map_or(Change::None, |availability| {
            availability.note_probe(now, outcome)
        })
    }
}

impl Drop for ClientProbe<'_> {
    fn drop(&mut self) {
        if let Some(availability) = self.availability {
            availability.postpone_probe(Instant::now());
        }
    }
}

impl Availability {
    /// `question_timeout` is that of a question.
    pub(super) fn new(question_timeout: Duration) -> Self {
        Self {
            inner: Mutex::new(Inner {
                state: State::Working { failures: 0 },
                failed_probes: 0,
            }),
            phase: watch::Sender::new(Phase::Working),
            // The question of a client may wait for a slot first.
            probe_timeout: question_timeout * 2 + PROBE_MARGIN,
        }
    }

    pub(super) fn enter(&self, now: Instant) -> Admission<'_> {
        let mut inner = self.lock();
        let is_due = match inner.state {
            State::Working { .. } | State::Suspected { .. } => return Admission::Ask,
            State::Failing { probe_at } => now >= probe_at,
            // Whoever has begun the probe is gone.
            State::Probing { until } => now >= until,
        };
        if !is_due {
            return Admission::Refuse;
        }
        inner.state = State::Probing {
            until: now + self.probe_timeout,
        };
        // In turn: no client can prevent that the probes of the server succeed, and an app may answer only clients that
        // are logged in.
        match inner.failed_probes % 2 {
            0 => Admission::ProbeAsClient(ClientProbe {
                availability: Some(self),
            }),
            _ => Admission::ProbeAsServer,
        }
    }

    /// Waits until no suspicion is open, or until the question that decides must have ended. Returns whether the
    /// client may be asked about.
    pub(super) async fn may_ask(&self) -> bool {
        let mut phase = self.phase.subscribe();
        // Never an error: the sender lives as long as `self`.
        let decided = phase.wait_for(|phase| *phase != Phase::Suspected);
        match timeout(self.probe_timeout, decided).await {
            Ok(Ok(phase)) => *phase == Phase::Working,
            _ => true,
        }
    }

    /// Notes the result of a client's question that was no probe.
    pub(super) fn note(&self, now: Instant, outcome: Result<(), &Fault>) -> Change {
        let suspicion = suspicion(outcome);
        let mut inner = self.lock();
        if suspicion == Suspicion::None {
            return self.resume(&mut inner);
        }
        let failures = match inner.state {
            State::Working { failures } if suspicion == Suspicion::Weak => failures + 1,
            State::Working { .. } => MAX_FAILURES,
            // Whoever has asked is gone.
            State::Suspected { until } if now >= until => MAX_FAILURES,
            _ => return Change::Undecided,
        };
        if failures < MAX_FAILURES {
            inner.state = State::Working { failures };
            return Change::None;
        }
        inner.state = State::Suspected {
            until: now + self.probe_timeout,
        };
        self.phase.send_replace(Phase::Suspected);
        Change::Suspected
    }

    /// Notes the result of a probe.
    pub(super) fn note_probe(&self, now: Instant, outcome: Result<(), &Fault>) -> Change {
        let mut inner = self.lock();
        if suspicion(outcome) == Suspicion::None {
            return self.resume(&mut inner);
        }
        let change = match inner.state {
            State::Suspected { .. } => Change::Failing,
            State::Probing { .. } => Change::None,
            // Another question was answered meanwhile.
            State::Working { .. } | State::Failing { .. } => return Change::None,
        };
        if change == Change::Failing {
            inner.failed_probes = 0;
        } else {
            inner.failed_probes += 1;
        }
        let requested = outcome.err().and_then(Fault::requested_pause);
        let requested = requested.unwrap_or_default().min(MAX_REQUESTED_PAUSE);
        inner.pause(now, requested);
        self.phase.send_replace(Phase::Failing);
        change
    }

    /// A probe has ended without a result, or could not begin.
    pub(super) fn postpone_probe(&self, now: Instant) {
        let mut inner = self.lock();
        if let State::Probing { .. } = inner.state {
            inner.failed_probes += 1;
            inner.pause(now, Duration::ZERO);
        }
    }

    /// The app has answered.
    fn resume(&self, inner: &mut Inner) -> Change {
        let was_failing = matches!(inner.state, State::Failing { .. } | State::Probing { .. });
        inner.state = State::Working { failures: 0 };
        // Most answers change nothing, and wake nobody.
        self.phase
            .send_if_modified(|phase| std::mem::replace(phase, Phase::Working) != Phase::Working);
        match was_failing {
            true => Change::Working,
            false => Change::None,
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        // The state is valid even if another thread has panicked.
        (self.inner.lock()).unwrap_or_else(std::sync::PoisonError::into_inner)
    }
}

impl Inner {
    /// Doubles with each failed probe. Part of the time is random, so that several servers do not probe together.
    fn pause(&mut self, now: Instant, requested: Duration) {
        let doubled = MIN_BACKOFF * 2_u32.pow(self.failed_probes.min(8));
        let backoff = doubled
            .min(MAX_BACKOFF)
            .mul_f32(0.75 + fastrand::f32() / 2.0);
        self.state = State::Failing {
            probe_at: now + backoff.max(requested),
        };
    }
}

/// An answer that does not grant a stream shows that the app works.
fn suspicion(outcome: Result<(), &Fault>) -> Suspicion {
    outcome.err().map_or(Suspicion::None, Fault::suspicion)
}

#[cfg(test)]
mod tests;
