//! Counts what happens, for metrics. No other module knows how it is counted and who reads the counts.
//!
//! The counts are the library's own, so that they exist without a recorder. With the feature `metrics`, each is
//! also recorded through the facade of that name.

#[cfg(feature = "actix")]
mod deliveries;
#[cfg(feature = "actix")]
mod figures;
mod instruments;
mod journal;
mod labels;
#[cfg_attr(
    not(all(feature = "actix", feature = "metrics")),
    allow(
        dead_code,
        unreachable_pub,
        reason = "only the facade needs the names, and only the HTTP side has streams"
    )
)]
mod metric;
mod saves;
#[cfg(feature = "actix")]
mod streams;
#[cfg(test)]
pub(crate) mod tests;

#[cfg(feature = "actix")]
use std::time::Instant;
use std::{fmt, sync::Arc};

pub(crate) use self::labels::{JournalOperation, SaveResult};
#[cfg(feature = "metrics")]
pub use self::metric::{Metric, MetricKind, metrics};
#[cfg(feature = "actix")]
use self::{deliveries::DeliveryCounts, streams::StreamCounts};
#[cfg(feature = "actix")]
pub(crate) use self::{
    deliveries::{DELIVERIES_PER_LAG, DeliveryTally, SentEvents},
    figures::Figures,
    labels::{CloseReason, RefusalReason, StreamKind},
    streams::{StreamObservation, StreamTopics},
};
use self::{journal::JournalCounts, saves::SaveCounts};

/// What happens in one cache and its streams. Clones share the counts.
#[derive(Clone)]
pub(crate) struct Observations(Arc<Counts>);

struct Counts {
    #[cfg(feature = "actix")]
    created_at: Instant,
    #[cfg(feature = "actix")]
    streams: StreamCounts,
    #[cfg(feature = "actix")]
    deliveries: DeliveryCounts,
    saves: SaveCounts,
    journal: JournalCounts,
}

impl Observations {
    /// With the feature `metrics`, records with the recorder that is installed now, also later.
    pub(crate) fn new() -> Self {
        #[cfg(feature = "metrics")]
        instruments::describe_all();
        Self::with_handles(true)
    }

    /// Records nothing: for streams that are not the app's.
    #[cfg(feature = "actix")]
    pub(crate) fn unrecorded() -> Self {
        instruments::unrecorded(|| Self::with_handles(false))
    }

    #[cfg_attr(
        not(feature = "actix"),
        expect(unused_variables, reason = "only deliveries make handles later")
    )]
    fn with_handles(is_recorded: bool) -> Self {
        Self(Arc::new(Counts {
            #[cfg(feature = "actix")]
            created_at: Instant::now(),
            #[cfg(feature = "actix")]
            streams: StreamCounts::new(),
            #[cfg(feature = "actix")]
            deliveries: DeliveryCounts::new(is_recorded),
            saves: SaveCounts::new(),
            journal: JournalCounts::new(),
        }))
    }

    /// When the counts were zero.
    #[cfg(feature = "actix")]
    pub(crate) fn created_at(&self) -> Instant {
        self.0.created_at
    }
}

impl fmt::Debug for Observations {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observations").finish_non_exhaustive()
    }
}
