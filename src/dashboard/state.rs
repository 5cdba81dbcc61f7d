//! What the page shows, as JSON. Names of audiences are nowhere in it.

use std::time::Instant;

use serde::Serialize;

use super::{
    feed::Feed,
    history::{Count, History, Point, Sample, counts, counts_by_event},
    server::ServerIdentity,
};
use crate::{
    config::Config,
    error::Error,
    event_id::EventId,
    http::{SharedStreamState, Sse},
    hub::{Hub, RecentEvent},
    journal::CacheAddress,
    observe::Figures,
};

const MAX_RECENT_EVENTS: usize = 50;

/// Everything that changes often.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct State {
    /// Why this server cannot do its work; `None` if it can.
    problem: Option<Problem>,
    /// Why the last edit of `.env` has no effect; `None` if it has.
    config_problem: Option<Problem>,
    server: &'static ServerIdentity,
    streams: Streams,
    opened: Vec<Count>,
    closed: Vec<Count>,
    refused: Vec<Count>,
    saves: Vec<Count>,
    gaps: Vec<Count>,
    journal_errors: Vec<Count>,
    deliveries: Vec<Count>,
    sent_bytes: u64,
    replayed: u64,
    /// How many seconds the recent counts are about.
    recent_seconds: f64,
    /// In seconds, of the recent deliveries.
    lag_median: Option<f64>,
    lag_p99: Option<f64>,
    cache: Option<CacheState>,
    /// How often the journal was replaced or has lost entries recently.
    recent_epoch_changes: u64,
    /// Of the last ten seconds, because a person cannot read what changes with each point.
    saves_per_second: f64,
    deliveries_per_second: f64,
    point: Option<Point>,
    recent_events: Vec<Recent>,
    /// Changes with the settings, which then have to be requested again.
    config_version: Option<u32>,
}

#[derive(Serialize)]
struct Problem {
    message: String,
    help: Option<String>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Streams {
    open: u64,
    limit: Option<usize>,
    public: u64,
    private: u64,
    /// Entries that the slowest has not read yet.
    slowest_entries: u64,
    by_event: Vec<StreamsOfEvent>,
}

#[derive(Serialize)]
struct StreamsOfEvent {
    name: String,
    streams: u64,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct CacheState {
    kind: &'static str,
    location: String,
    epoch: String,
    newest: u64,
    /// In seconds.
    tail_age: Option<f64>,
    epoch_changes: u64,
    redis_reconnects: u64,
}

#[derive(Serialize)]
struct Recent {
    number: u64,
    key: String,
    events: Vec<String>,
    bytes: usize,
    /// In seconds.
    age: Option<f64>,
    audience: &'static str,
    value: Option<String>,
}

/// What a page loads when it opens, and after a change of the configuration.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Snapshot {
    version: &'static str,
    server: &'static ServerIdentity,
    shows_values: bool,
    allows_test_events: bool,
    state: State,
    points: Vec<Point>,
    settings: Vec<SettingInForce>,
    keys: Vec<Key>,
}

#[derive(Serialize)]
struct SettingInForce {
    name: &'static str,
    value: String,
    origin: String,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Key {
    key: String,
    events: Vec<String>,
    is_private: bool,
}

/// The figures now.
pub(super) fn figures(sse: &Sse) -> Sample {
    Sample {
        at: Instant::now(),
        figures: sse.observations().figures(),
        position: position(sse),
    }
}

fn position(sse: &Sse) -> EventId {
    let state = sse.state();
    state.map_or_else(|_| EventId::default(), |state| state.hub.ring().end())
}

/// The whole page.
pub(super) fn snapshot(feed: &Feed, history: &History) -> String {
    let config = feed.sse.config().ok();
    let config = config.as_deref();
    let now = figures(&feed.sse);
    let snapshot = Snapshot {
        version: env!("CARGO_PKG_VERSION"),
        server: ServerIdentity::of_this_process(),
        shows_values: feed.shows_values,
        allows_test_events: feed.allows_test_events,
        state: state(feed, history, &now),
        points: history.points(&now),
        settings: config.map(settings).unwrap_or_default(),
        keys: config.map(keys).unwrap_or_default(),
    };
    // It fails only for maps with keys that are not text.
    serde_json::to_string(&snapshot).unwrap_or_default()
}

/// The state at the time of this sample.
pub(super) fn state(feed: &Feed, history: &History, sample: &Sample) -> State {
    let now = &sample.figures;
    let recent = history.recent(sample);
    let former = recent.map(|sample| &sample.figures);
    let lag = former.map(|former| now.lag.since(&former.lag));
    let quantile = |share| lag.as_ref().and_then(|lag| lag.quantile(share));
    let labelled = |of: fn(&Figures) -> &Vec<(&'static str, u64)>| {
        counts(of(now), former.map(|former| of(former).as_slice()))
    };
    let shared = feed.sse.state().ok();
    let hub = shared.map(|shared| &*shared.hub);
    State {
        problem: feed.sse.check_ready().err().map(problem),
        config_problem: hub.and_then(Hub::config_problem).map(problem),
        server: ServerIdentity::of_this_process(),
        streams: Streams {
            open: now.open.count,
            limit: shared.map(SharedStreamState::max_streams),
            public: now.open.count.saturating_sub(now.open.private),
            private: now.open.private,
            slowest_entries: now.slowest_stream,
            by_event: hub
                .map(|hub| streams_by_event(hub, now))
                .unwrap_or_default(),
        },
        opened: labelled(|figures| &figures.opened),
        closed: labelled(|figures| &figures.closed),
        refused: labelled(|figures| &figures.refused),
        saves: labelled(|figures| &figures.saves),
        gaps: labelled(|figures| &figures.gaps),
        journal_errors: labelled(|figures| &figures.journal_errors),
        deliveries: counts_by_event(
            &now.deliveries,
            former.map(|former| former.deliveries.as_slice()),
        ),
        sent_bytes: now.sent_bytes,
        replayed: now.replayed,
        recent_seconds: recent.map_or(0.0, |recent| (sample.at - recent.at).as_secs_f64()),
        lag_median: quantile(0.5),
        lag_p99: quantile(0.99),
        cache: hub.map(|hub| cache(hub, sample)),
        recent_epoch_changes: former.map_or(0, |former| {
            now.epoch_changes.saturating_sub(former.epoch_changes)
        }),
        saves_per_second: history.saves_per_second(sample),
        deliveries_per_second: history.deliveries_per_second(sample),
        point: history.newest_point(sample),
        recent_events: hub
            .map(|hub| recent_events(hub, feed.shows_values))
            .unwrap_or_default(),
        config_version: hub.map(Hub::config_version),
    }
}

/// The whole text, with the place of the mistake: it is for operators.
#[expect(clippy::needless_pass_by_value, reason = "it is what a result has")]
fn problem(error: Error) -> Problem {
    Problem {
        message: error.to_string(),
        help: error.help().map(str::to_owned),
    }
}

fn streams_by_event(hub: &Hub, figures: &Figures) -> Vec<StreamsOfEvent> {
    let config = hub.config();
    let public = config.events().public_names();
    let names = config.events().names();
    let streams = names.map(|name| StreamsOfEvent {
        name: name.to_owned(),
        streams: figures.open.of_event(name, !public.contains(name)),
    });
    streams.collect()
}

fn cache(hub: &Hub, sample: &Sample) -> CacheState {
    let address = hub.address();
    let position = sample.position;
    CacheState {
        kind: match &address {
            CacheAddress::Folder(_) => "folder",
            CacheAddress::Redis(_) => "Redis",
            CacheAddress::Memory => "memory",
        },
        location: address.to_string(),
        epoch: position.epoch.to_string(),
        newest: position.cursor.next.saturating_sub(1),
        tail_age: sample.figures.tail_age.map(|age| age.as_secs_f64()),
        epoch_changes: sample.figures.epoch_changes,
        redis_reconnects: sample.figures.redis_reconnects,
    }
}

fn recent_events(hub: &Hub, with_values: bool) -> Vec<Recent> {
    let events = hub
        .recent_events(MAX_RECENT_EVENTS, with_values)
        .into_iter();
    let recent = |event: RecentEvent| Recent {
        number: event.number,
        key: event.key,
        events: event.events.iter().map(ToString::to_string).collect(),
        bytes: event.byte_count,
        age: event.age.map(|age| age.as_secs_f64()),
        audience: if event.is_private {
            "private"
        } else {
            "public"
        },
        value: event.value,
    };
    events.map(recent).collect()
}

fn settings(config: &Config) -> Vec<SettingInForce> {
    let settings = config.settings().map(|setting| SettingInForce {
        name: setting.name(),
        value: setting.value().to_owned(),
        origin: setting.origin().to_string(),
    });
    settings.collect()
}

fn keys(config: &Config) -> Vec<Key> {
    let events = config.events();
    let keys = events.keys().map(|key| Key {
        key: key.to_owned(),
        events: events.of_key(key).map(str::to_owned).collect(),
        is_private: events.is_private(key),
    });
    keys.collect()
}
