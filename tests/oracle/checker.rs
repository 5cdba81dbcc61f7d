//! Checks the stream of one client.

use std::{collections::HashMap, sync::Arc};

use support::oracle::At;

use crate::{
    audiences::Selection,
    client::Record,
    entry::Entry,
    evidence::Evidence,
    gaps,
    journal::Journal,
    model::{Filter, Format, Id, Position},
    parser::Block,
    request::SentId,
    revocations::Revocation,
};

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
    pub(crate) furthest: HashMap<u64, Position>,
}

impl<'a> ClientChecker<'a> {
    pub(crate) fn new(evidence: &'a Evidence<'a>) -> Self {
        Self {
            evidence,
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
        }
    }
}

impl ClientChecker<'_> {
    pub(crate) fn record(&mut self, record: &Record) -> Result<(), String> {
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
        let from = match &self.latest {
            Some(_) => Position { next: 1, part: 0 },
            None => self.position_in(id)?,
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
        if entry.is_loss {
            return Err(format!("entry {number} has no value"));
        }
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
        self.check_latest_order(at, number)?;
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
        let latest = self.latest.take();
        if self.id.is_none() {
            self.new_at = Some(at);
            if latest.is_none() {
                gaps::check_lookback(self, at, id)?;
            }
        }
        let from = match (self.id, &latest) {
            (None, _) | (_, Some(_)) => id.position,
            _ => self.position_in(id)?,
        };
        if id.position < from {
            return Err("the client is moved back".into());
        }
        if let Some(latest) = latest {
            // The stream continues before the last of them if it began again.
            self.furthest.clear();
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
            Some(current) => {
                let journal = self.evidence.archive.journal(id.epoch);
                let continues = journal.is_some_and(|journal| {
                    journal.continues(self.canonical(current)) || journal.continues(current)
                });
                continues
                    .then_some(current.position)
                    .ok_or("the stream continues in another journal without a gap".into())
            }
        }
    }

    /// The id that the position of an invented id has.
    pub(crate) fn canonical(&self, id: Id) -> Id {
        let journal = self.evidence.archive.journal(id.epoch);
        let epoch = journal.map_or(id.epoch, |journal| journal.epoch_of(id.entry()));
        Id { epoch, ..id }
    }

    /// The client continues in another journal, where it may receive again what it has received in the former one.
    pub(crate) fn start_again(&mut self, id: Id) {
        self.furthest.clear();
        self.advance(id);
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
                    "lost: entry {number}, event {part:08x} of it; seen at {:?}",
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
        // A server that has not noticed an epoch yet cannot tell what was saved before the request.
        let is_settled = !self.evidence.has_outage(self.asked, at);
        if is_replayed && is_settled && entry.ttl > 0 && earliest > entry.time + entry.ttl + 10 {
            return Err(format!(
                "it had expired: {entry:?}, now it is {earliest} or later"
            ));
        }
        Ok(())
    }

    /// At the end the client must have received everything.
    pub(crate) fn end(&self, at: At) -> Result<(), String> {
        let journal = self.evidence.archive.current().ok_or("no journal")?;
        let id = self.id.ok_or("the client never got an id")?;
        if !journal.continues(id) {
            return Err(format!("the client is still in another journal, at {id}"));
        }
        self.check_nothing_lost(at, journal, id.position, journal.end())
    }
}
