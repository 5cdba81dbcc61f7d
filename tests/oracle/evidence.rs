//! Checks the stream of each client against the journals.

use std::{collections::HashMap, sync::Arc};

use support::oracle::At;

use crate::{
    archive::Archive,
    audiences::Selection,
    client::Record,
    clock::Clock,
    disk::Entry,
    gaps,
    journal::Journal,
    model::{Filter, Format, Id, Position},
    parser::Block,
    request::SentId,
    revocations::{Revocation, find_revocations},
    server::ServerRun,
    writer::{What, Writer},
};

/// Everything that was recorded in a run.
pub(crate) struct Evidence<'a> {
    pub(crate) archive: &'a Archive,
    pub(crate) clock: &'a Clock,
    /// The server processes, by their number.
    pub(crate) servers: &'a [ServerRun],
    /// When each save that returned has begun.
    pub(crate) began: HashMap<(u64, u64), At>,
    /// In the order of the journals.
    pub(crate) revocations: Vec<Revocation>,
    /// How far each server process had read each journal, and when that was first observed.
    passed: HashMap<(usize, u64), Vec<(At, u64)>>,
}

/// The state of one client while its records are checked.
pub(crate) struct ClientChecker<'a> {
    pub(crate) evidence: &'a Evidence<'a>,
    pub(crate) server: usize,
    pub(crate) selection: Selection,
    format: Format,
    pub(crate) wants_latest: bool,
    /// Whether the client asked for an audience that it was not granted.
    is_forbidden: bool,
    pub(crate) sent: SentId,
    /// When the open stream was requested, and when its response began.
    pub(crate) asked: At,
    pub(crate) answered: At,
    /// When the request of the open stream was authenticated.
    pub(crate) authenticated: At,
    /// The revocations that end the stream.
    pub(crate) revocations: Vec<Revocation>,
    /// Whether the stream must end because it may have missed a revocation.
    pub(crate) must_end: bool,
    /// The entries of the latest values that it has received, in ascending order. `None` once the stream continues
    /// after them.
    pub(crate) latest: Option<Vec<u64>>,
    /// The client's id; `None` before a server has sent one.
    pub(crate) id: Option<Id>,
    /// When a server gave it the position of a new client: it gets no gap for entries that had expired
    /// by then.
    pub(crate) new_at: Option<At>,
    /// Its furthest position in each journal since it last lost its id.
    furthest: HashMap<u64, Position>,
}

impl<'a> Evidence<'a> {
    pub(crate) fn new(
        archive: &'a Archive,
        clock: &'a Clock,
        servers: &'a [ServerRun],
        writers: &[Writer],
        records: &[Vec<Record>],
    ) -> Self {
        let mut events: HashMap<(usize, u64), Vec<(At, u64)>> = HashMap::new();
        for records in records {
            let mut server = 0;
            for record in records {
                match record {
                    Record::Request { server: of, .. } => server = *of,
                    Record::Block {
                        at,
                        block: Block::Event { id, .. },
                    } => {
                        let passed = events.entry((server, id.epoch)).or_default();
                        passed.push((*at, id.position.next - 1));
                    }
                    _ => {}
                }
            }
        }
        for passed in events.values_mut() {
            passed.sort_unstable();
            let mut furthest = 0;
            for (_, number) in passed {
                furthest = furthest.max(*number);
                *number = furthest;
            }
        }
        let began = writers.iter().flat_map(|writer| {
            let saved = writer.saved().into_iter();
            saved.filter_map(|saved| match saved.what {
                What::Save(save) => Some(((writer.name, save), saved.began)),
                What::Revocation(_) => None,
            })
        });
        Self {
            archive,
            clock,
            servers,
            began: began.collect(),
            revocations: find_revocations(archive, writers),
            passed: events,
        }
    }

    /// The newest entry that a server process is known to have read at a moment.
    pub(crate) fn passed(&self, server: usize, epoch: u64, at: At) -> u64 {
        let Some(passed) = self.passed.get(&(server, epoch)) else {
            return 0;
        };
        let before = passed.partition_point(|(when, _)| *when < at);
        before.checked_sub(1).map_or(0, |last| passed[last].1)
    }

    /// The first error in the stream of a client, and the record at which it was found.
    pub(crate) fn check(&self, records: &[Record], end: At) -> Result<(), (usize, String)> {
        let mut checker = ClientChecker {
            evidence: self,
            server: 0,
            selection: Selection {
                filter: Filter::ALL,
                held: Arc::default(),
            },
            format: Format::Envelope,
            wants_latest: false,
            is_forbidden: false,
            sent: SentId::Nothing,
            asked: At::ZERO,
            answered: At::ZERO,
            authenticated: At::ZERO,
            revocations: Vec::new(),
            must_end: false,
            latest: None,
            id: None,
            new_at: None,
            furthest: HashMap::new(),
        };
        for (at, record) in records.iter().enumerate() {
            checker.record(record).map_err(|why| (at, why))?;
        }
        checker.end(end).map_err(|why| (records.len(), why))
    }
}

impl ClientChecker<'_> {
    fn record(&mut self, record: &Record) -> Result<(), String> {
        match record {
            Record::Request {
                at,
                server,
                request,
                sent,
            } => {
                self.server = *server;
                self.selection = request.selection.clone();
                self.format = request.format;
                self.wants_latest = request.wants_latest;
                self.is_forbidden = request.is_forbidden;
                self.sent = *sent;
                self.revocations.clear();
                self.must_end = false;
                self.latest = None;
                (self.asked, self.answered) = (*at, *at);
                self.new_at = None;
                match sent {
                    SentId::Last(id) => {
                        assert_eq!(self.id, Some(*id), "the oracle's client lost an id");
                    }
                    SentId::Invented(id) => self.forget(Some(*id)),
                    SentId::Nothing | SentId::Garbage => self.forget(None),
                }
                Ok(())
            }
            Record::Answer {
                status: 200,
                at,
                authenticated,
            } => {
                self.answered = *at;
                if self.is_forbidden {
                    return Err(
                        "the client has a stream for audiences that it was not granted".into(),
                    );
                }
                let authenticated =
                    authenticated.ok_or("the response does not say when it was authenticated")?;
                self.authenticated = authenticated;
                self.revocations = self
                    .evidence
                    .revocations_after(authenticated, &self.selection.held);
                if self.wants_latest && self.sent == SentId::Nothing {
                    self.new_at = Some(*at);
                    self.latest = Some(Vec::new());
                }
                Ok(())
            }
            Record::Answer { status: 403, .. } if self.is_forbidden => Ok(()),
            // A server that was stopped may find that the request timed out.
            Record::Answer { status: 408, .. } => Ok(()),
            Record::Answer { status, .. } => Err(format!("the response has the status {status}")),
            Record::Block { at, block } => match block {
                Block::Event { event, id, digest } => self.event(*at, *event, *id, *digest),
                Block::Gap { reason, id } => gaps::check(self, *at, *reason, *id),
                Block::Heartbeat { id: None } => Ok(()),
                Block::Heartbeat { id: Some(id) } => self.heartbeat(*at, *id),
                Block::Unexpected(what) => Err(format!("the server sends {what}")),
            },
        }
    }

    fn forget(&mut self, id: Option<Id>) {
        self.id = id;
        self.furthest.clear();
    }

    fn event(&mut self, at: At, event: u8, id: Id, digest: u64) -> Result<(), String> {
        let from = match (self.id, &self.latest) {
            (None, Some(_)) => Position { next: 1, part: 0 },
            _ => self.position_in(id)?,
        };
        let journal = self
            .evidence
            .archive
            .journal(id.epoch)
            .ok_or("no such journal")?;
        let number = id.entry();
        let Some(entry) = journal.entry(number) else {
            // The last entries of a cleared journal may not have been copied.
            let may_be_lost = journal.damaged.is_some();
            self.advance(id);
            return may_be_lost
                .then_some(())
                .ok_or("this entry does not exist".into());
        };
        // The last event of an entry has the entry's own id.
        let expected = match (id.position.part, entry.events()) {
            (0, [.., last]) => Some(last),
            (part, [others @ .., _]) => others.iter().find(|(other, _)| *other == part),
            (_, []) => None,
        };
        let Some((part, _)) = expected
            .filter(|(_, expected)| *expected == event && entry.digest(self.format) == digest)
        else {
            let saved_as = self.evidence.archive.find(self.format, digest);
            return Err(format!(
                "this is not what was saved as entry {number}; it was saved as {saved_as:?}"
            ));
        };
        let before = Position {
            next: number,
            part: part - 1,
        };
        let furthest = self.furthest.get(&id.epoch);
        if before < from || furthest.is_some_and(|furthest| before < *furthest) {
            return Err(format!(
                "repeated: the client had received everything before {from:?}, {furthest:?}"
            ));
        }
        if !self.selection.filter.wants(event) {
            return Err("the client did not ask for this event".into());
        }
        self.check_authorized(journal, number, entry)?;
        self.check_not_expired(at, journal, number, entry)?;
        if let Some(latest) = &mut self.latest {
            latest.push(number);
            self.advance(id);
            return Ok(());
        }
        self.check_nothing_lost(at, journal, from, before)?;
        self.advance(id);
        Ok(())
    }

    fn heartbeat(&mut self, at: At, id: Id) -> Result<(), String> {
        if self.sent == SentId::Garbage && self.id.is_none() {
            return Err("the server accepted an invalid id".into());
        }
        let journal = (self.evidence.archive.journal(id.epoch)).ok_or("no such journal")?;
        let mut from = match self.id {
            None => {
                self.new_at = Some(at);
                if self.latest.is_none() {
                    gaps::check_lookback(self, at, id)?;
                }
                id.position
            }
            Some(_) => self.position_in(id)?,
        };
        if id.position < from {
            return Err("the client is moved back".into());
        }
        if let Some(latest) = self.latest.take() {
            from = id.position;
            // A stream that ends as soon as it opens, to be authorized again, has no latest values.
            let has_ended = latest.is_empty() && !self.selection.held.is_public();
            if !has_ended {
                self.check_latest(at, journal, &latest, id.position.next)?;
            }
        }
        self.check_nothing_lost(at, journal, from, id.position)?;
        self.advance(id);
        Ok(())
    }

    /// The client's position in the journal of `id`.
    fn position_in(&self, id: Id) -> Result<Position, String> {
        match self.id {
            None => Err("this arrives before the client has an id".into()),
            Some(current) if current.epoch != id.epoch => {
                Err("the stream continues in another journal without a gap".into())
            }
            Some(current) => Ok(current.position),
        }
    }

    pub(crate) fn advance(&mut self, id: Id) {
        self.id = Some(id);
        let furthest = self.furthest.entry(id.epoch).or_insert(id.position);
        *furthest = id.position.max(*furthest);
    }

    /// The client should have received no event between these positions.
    fn check_nothing_lost(
        &self,
        at: At,
        journal: &Journal,
        from: Position,
        to: Position,
    ) -> Result<(), String> {
        for (number, part, entry) in journal.wanted(&self.selection, from, to) {
            if !self.is_irrelevant(entry, at) {
                return Err(format!(
                    "lost: entry {number}, event {part:08x} of it; seen on the disk at {:?}",
                    entry.seen
                ));
            }
        }
        Ok(())
    }

    /// An entry from before the client got the position of a new client, which had expired when this
    /// stream passed it, is irrelevant to the client.
    pub(crate) fn is_irrelevant(&self, entry: &Entry, at: At) -> bool {
        self.new_at
            .is_some_and(|new| entry.absent <= new && self.may_be_expired(entry, at))
    }

    /// Whether it may have expired when this stream passed it.
    pub(crate) fn may_be_expired(&self, entry: &Entry, at: At) -> bool {
        let clock = self.evidence.clock;
        let (earliest, _) = clock.wall(entry.absent, at);
        let (_, latest) = clock.wall(self.asked, at);
        entry.ttl > 0 && latest >= entry.time.min(earliest) + entry.ttl
    }

    /// An entry that the server had certainly read before this client connected, and that had expired
    /// by then, must not be sent.
    fn check_not_expired(
        &self,
        at: At,
        journal: &Journal,
        number: u64,
        entry: &Entry,
    ) -> Result<(), String> {
        let clock = self.evidence.clock;
        let (earliest, _) = clock.wall(self.asked, at);
        let is_replayed = self.evidence.passed(self.server, journal.epoch, self.asked) >= number;
        if is_replayed && entry.ttl > 0 && earliest > entry.time + entry.ttl + 10 {
            return Err("it had expired".into());
        }
        Ok(())
    }

    /// At the end the client must have received everything.
    fn end(&self, at: At) -> Result<(), String> {
        let journal = self.evidence.archive.current().ok_or("no journal")?;
        let id = self.id.ok_or("the client never got an id")?;
        if id.epoch != journal.epoch {
            return Err(format!("the client is still in another journal, at {id}"));
        }
        self.check_nothing_lost(at, journal, id.position, journal.end())
    }
}
