//! What a Redis server has at a moment.

use std::{path::Path, time::Duration};

use redis::{Connection, RedisResult};
use support::oracle::At;

use crate::{
    archive::{Archive, Current},
    entry::parse_epoch,
};

/// A server that is stopped must not delay the others.
const TIMEOUT: Duration = Duration::from_millis(300);

/// The journal in a master.
pub(super) struct View {
    epoch: u64,
    newest: u64,
    /// The epoch that the next save begins, if it begins one.
    pub(super) next: Option<u64>,
}

/// Reads it from the server with this folder; `None` if that is a replica, or has no journal.
pub(super) fn read(dir: &Path, connection: &mut Option<Connection>) -> RedisResult<Option<View>> {
    let open = match connection {
        Some(open) => open,
        None => {
            let url = format!("redis+unix://{}/redis.sock", dir.display());
            let opened = redis::Client::open(url)?.get_connection_with_timeout(TIMEOUT)?;
            opened.set_read_timeout(Some(TIMEOUT))?;
            connection.insert(opened)
        }
    };
    let mut both = redis::pipe();
    both.atomic().cmd("INFO").arg("replication");
    both.cmd("HMGET").arg("{sse}:m").arg("e").arg("n").arg("r");
    let (info, head): (String, Vec<Option<String>>) = both.query(open)?;
    let field = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    let [Some(epoch), Some(newest), Some(replication)] = &head[..] else {
        return Ok(None);
    };
    let (Some(epoch), Ok(newest)) = (parse_epoch(epoch), newest.parse()) else {
        return Ok(None);
    };
    let replid = field("master_replid").unwrap_or_default();
    let (is_master, is_fork) = (field("role") == Some("master"), replid != replication);
    if !is_master {
        return Ok(None);
    }
    let next = match is_fork {
        true => next_epoch(open, epoch, replid)?,
        false => None,
    };
    Ok(Some(View {
        epoch,
        newest,
        next,
    }))
}

/// The documented name of the epoch that begins after another one on a server with this replication id.
fn next_epoch(connection: &mut Connection, epoch: u64, replid: &str) -> RedisResult<Option<u64>> {
    let text = format!("{epoch:016x}:{replid}");
    let mut hash = redis::cmd("EVAL");
    hash.arg("return redis.sha1hex(ARGV[1])").arg(0).arg(text);
    let hash: String = hash.query(connection)?;
    Ok(hash.get(..16).and_then(parse_epoch))
}

impl View {
    /// The journal that the server shows.
    pub(super) fn current(&self, archive: &Archive) -> Option<Current> {
        let journal = archive.journal(self.epoch)?;
        if journal.newest() == self.newest {
            return Some(Current::Epoch(self.epoch));
        }
        Some(Current::Part(Box::new(journal.fork(
            0,
            self.newest,
            journal.born,
        ))))
    }

    /// Notes that an epoch may begin here.
    pub(super) fn expect(&self, archive: &mut Archive, since: At) {
        let Some(next) = self.next.filter(|next| archive.journal(*next).is_none()) else {
            return;
        };
        if let Some(journal) = archive.journal(self.epoch) {
            let mut expected = journal.fork(next, self.newest, since);
            archive.relate(&mut expected);
            archive.expected.push(expected);
        }
    }
}
