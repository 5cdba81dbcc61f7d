//! What the oracle and the processes that it starts have in common.

use std::{
    fmt::{self, Display},
    path::PathBuf,
    sync::LazyLock,
    time::Duration,
};

use fastrand::Rng;
use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Time since the run began, by the monotonic clock.
pub type At = Duration;

/// One key that feeds two events, one that feeds three, one event with two keys, a rare event, and
/// a key without an event (`k6`).
pub const SSE_EVENTS: &str = "a:k1,b:k1,c:k2,d:k3,e:k3,f:k3,rare:k4,c:k5";

pub const EVENTS: [&str; 7] = ["a", "b", "c", "d", "e", "f", "rare"];

/// Keys, the events of each by their index in [`EVENTS`], and how often each is saved.
pub const KEYS: [(&str, &[u8], u32); 6] = [
    ("k1", &[0, 1], 30),
    ("k2", &[2], 30),
    ("k3", &[3, 4, 5], 15),
    ("k4", &[6], 1),
    ("k5", &[2], 20),
    ("k6", &[], 6),
];

/// How many users, teams and orders have an audience.
const USERS: usize = 200;
const TEAMS: usize = 8;
const ORDERS: usize = 20;

/// The header of a request that lists its grants, see [`GrantText`]. The oracle's server trusts it.
pub const GRANTS: &str = "x-oracle-grants";

/// The header of a response that says when the request was authenticated, in microseconds.
pub const AUTHENTICATED: &str = "x-oracle-authenticated";

/// The stream of an app without the middleware that notes positions.
pub const PATH_WITHOUT_POSITION: &str = "/plain/stream";

/// The environment variable that passes the start of the run to processes under test.
pub const START: &str = "ORACLE_START";

/// The environment variable with the address of the Redis server that has the cache, if it is in Redis.
pub const CACHE: &str = "ORACLE_CACHE";

/// The file in the app's folder in which the oracle notes what it has copied of a cache folder: one line for each
/// journal, with its epoch and its newest number.
pub const COPIED: &str = "copied";

/// How one server is configured; its processes come and go.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ServerSetup {
    pub in_memory: usize,
    pub history: u64,
    pub poll: Duration,
    pub lookback: Duration,
    pub stream: Duration,
    /// Those inside the server.
    pub writers: Vec<SavesOn>,
}

/// Where a writer calls the cache.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum SavesOn {
    /// On a thread that waits for each save.
    Thread,
    /// In an async task that awaits each save.
    Task,
}

/// One writer, in a process of its own or inside a server.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct WriterSetup {
    /// With which each of its values begins.
    pub name: u64,
    pub seed: u64,
    /// The file in which it records its saves.
    pub saved: PathBuf,
    pub saves_on: SavesOn,
    pub role: WriterRole,
    pub traffic: Traffic,
}

/// What a server prints when the writers inside it have ended.
pub const WRITERS_ENDED: &str = "WRITERS ENDED";

/// What a writer does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum WriterRole {
    /// Saves at random until its input ends.
    Random,
    /// Saves so much that several folders are filled and swept.
    Flood,
    /// Saves once under each key, for everyone and for some audiences.
    Final,
    /// Revokes some audiences, and saves nothing.
    Revoke,
}

/// For whom writers save.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub struct Traffic {
    /// The names of these first users are used.
    pub users: usize,
    /// How many saves of a hundred are for everyone.
    pub public_percent: u32,
    /// At most this many saves follow each other without a pause.
    pub burst: u32,
    /// The longest pause after them, in milliseconds.
    pub pause: u64,
    /// One audience is revoked after about this many saves.
    pub saves_per_revocation: u32,
}

/// All audiences: of users, of teams and of orders.
pub static AUDIENCES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let users = (0..USERS).map(|user| format!("user:{user}"));
    let teams = (0..TEAMS).map(|team| format!("team:{team}"));
    let orders = (0..ORDERS).map(|order| format!("order:{order}"));
    users.chain(teams).chain(orders).collect()
});

/// The index of a random audience of one of the first `users` users, a team, or an order.
pub fn random_audience(rng: &mut Rng, users: usize) -> usize {
    match rng.u32(..10) {
        0..6 => rng.usize(..users),
        6 | 7 => USERS + rng.usize(..TEAMS),
        _ => USERS + TEAMS + rng.usize(..ORDERS),
    }
}

/// A grant in the header [`GRANTS`], where a comma follows each: the name, a `*` for a prefix, and perhaps a `@` and
/// the id of the event after which it begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GrantText {
    pub name: String,
    pub is_prefix: bool,
    pub since: Option<String>,
}

impl Display for GrantText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.is_prefix {
            f.write_str("*")?;
        }
        match &self.since {
            Some(id) => write!(f, "@{id}"),
            None => Ok(()),
        }
    }
}

impl GrantText {
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let (pattern, since) = match text.split_once('@') {
            Some((pattern, id)) => (pattern, Some(id.to_owned())),
            None => (text, None),
        };
        let prefix = pattern.strip_suffix('*');
        Self {
            name: prefix.unwrap_or(pattern).to_owned(),
            is_prefix: prefix.is_some(),
            since,
        }
    }
}

/// The monotonic clock, which all processes share.
#[must_use]
pub fn monotonic() -> Duration {
    Duration::try_from(clock_gettime(ClockId::Monotonic)).unwrap()
}

/// The time since the run began, in a process under test.
#[must_use]
pub fn elapsed_in_child() -> At {
    let start = std::env::var(START).unwrap().parse().unwrap();
    monotonic() - Duration::from_nanos(start)
}
