//! The journal in Redis: a stream with one entry for each saved value, numbered by scripts.
//!
//! Several servers on several machines share it. Three rules keep them in one order:
//!
//! 1. A number is assigned by a script, together with the check that the server is still the master that the
//!    numbers are from ([`scripts`]).
//! 2. Redis may lose what it has confirmed, in a failover for example. That shows in its replication id, and begins
//!    a new epoch after the entries that are left.
//! 3. Readers trust what a script has found for their epoch, and nothing else ([`look`], [`watcher`]).

mod appender;
mod connect;
mod error;
mod examination;
mod head;
mod keys;
mod look;
mod outage;
mod random;
mod redis_journal;
mod scripts;
mod seen;
mod server;
#[cfg(feature = "__redis-tests")]
#[cfg(test)]
pub(crate) mod tests;
mod watcher;
mod writer;

use std::sync::{Arc, Mutex, PoisonError};

pub(crate) use self::examination::examine;
use self::{head::Head, redis_journal::RedisJournal, server::RedisServer};
use super::contract::Journal;
use crate::{
    config::{Config, RedisLocation},
    error::Error,
    event_id::{Cursor, EventId},
    observe::Observations,
};

/// Few processes use more servers, one after the other.
const MAX_SERVERS: usize = 16;

/// The servers of this process, the newest last, so that an outage that one attempt to open a journal has found
/// delays no other. They outlive the journals, each of which has only one epoch.
static SERVERS: Mutex<Vec<Arc<RedisServer>>> = Mutex::new(Vec::new());

/// Opens the journal, and creates it if there is none.
pub(super) fn open(
    location: &RedisLocation,
    config: &Config,
    observations: &Observations,
) -> Result<Arc<dyn Journal>, Error> {
    let server = server(location);
    server.report_to(observations);
    let journal = RedisJournal::open(&server, config)?;
    Ok(Arc::new(journal))
}

fn server(location: &RedisLocation) -> Arc<RedisServer> {
    let mut servers = SERVERS.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(server) = servers.iter().find(|server| server.location() == location) {
        return Arc::clone(server);
    }
    if servers.len() >= MAX_SERVERS {
        servers.remove(0);
    }
    let server = Arc::new(RedisServer::new(location.clone()));
    servers.push(Arc::clone(&server));
    server
}

/// Fails if this process cannot read and save there. Creates no journal.
pub(super) fn check(location: &RedisLocation) -> Result<(), Error> {
    check_server(&server(location))
}

fn check_server(server: &Arc<RedisServer>) -> Result<(), Error> {
    let keys = &server.keys;
    server.run("use the cache", |connection| {
        scripts::CHECK
            .key(&keys.stream)
            .key(&keys.head)
            .key(keys.of_writer("check"))
            .invoke::<String>(connection)
    })?;
    Ok(())
}

/// Whether clients of the journal may be at this id, if they have received everything; `None` if there is no
/// journal.
pub(super) fn may_be_at(location: &RedisLocation, id: EventId) -> Result<Option<bool>, Error> {
    let server = server(location);
    let found = server.run("read", |connection| Head::read(connection, &server.keys))?;
    Ok(found.map(|Head { epochs, newest }| {
        // Until the first save in an epoch, the newest entry is of a former one.
        let newest = Cursor::before(newest + 1).event_id(&epochs);
        id.epoch == epochs.current() || (id.epoch == newest.epoch && id <= newest)
    }))
}
