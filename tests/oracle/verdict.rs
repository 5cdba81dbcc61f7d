//! The verdict: what each client was told, held against what the journals had.

use std::collections::HashMap;

use support::oracle::At;

use crate::{
    client::{Record, Sent},
    clock::Clock,
    disk::Entry,
    gaps,
    model::{Filter, Id, Place},
    parser::Block,
    server::Life,
    truth::Truth,
    writer::Writer,
};

/// What is known of a run when it is over.
pub(crate) struct Case<'a> {
    pub(crate) truth: &'a Truth,
    pub(crate) clock: &'a Clock,
    /// The server processes, by their number.
    pub(crate) servers: &'a [Life],
    /// When each save began that its writer was told is made.
    pub(crate) began: HashMap<(u64, u64), At>,
    /// How far each server process had come in each journal, and when that was seen first.
    passed: HashMap<(usize, u64), Vec<(At, u64)>>,
}

/// One client on its way through its records.
pub(crate) struct Judge<'a> {
    pub(crate) case: &'a Case<'a>,
    pub(crate) server: usize,
    pub(crate) filter: Filter,
    pub(crate) sent: Sent,
    /// When the open stream was asked for, and when its answer began.
    pub(crate) asked: At,
    pub(crate) answered: At,
    /// Where it is; `None`: it has not been told yet.
    pub(crate) id: Option<Id>,
    /// Whether it has a right to be told of what is over: not where it is new, or was told of a
    /// gap that put it there, before this moment.
    pub(crate) new_at: Option<At>,
    /// How far it has come in each journal since it last forgot its id.
    furthest: HashMap<u64, Place>,
}

impl<'a> Case<'a> {
    pub(crate) fn new(
        truth: &'a Truth,
        clock: &'a Clock,
        servers: &'a [Life],
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
                        passed.push((*at, id.place.next - 1));
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
            saved.map(|saved| ((writer.name, saved.save), saved.began))
        });
        Self {
            truth,
            clock,
            servers,
            began: began.collect(),
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

    /// The first thing that is wrong with what a client was told, and at which record.
    pub(crate) fn judge(&self, records: &[Record], end: At) -> Result<(), (usize, String)> {
        let mut judge = Judge {
            case: self,
            server: 0,
            filter: Filter::ALL,
            sent: Sent::Nothing,
            asked: At::ZERO,
            answered: At::ZERO,
            id: None,
            new_at: None,
            furthest: HashMap::new(),
        };
        for (at, record) in records.iter().enumerate() {
            judge.record(record).map_err(|why| (at, why))?;
        }
        judge.end(end).map_err(|why| (records.len(), why))
    }
}

impl Judge<'_> {
    fn record(&mut self, record: &Record) -> Result<(), String> {
        match record {
            Record::Request {
                at,
                server,
                filter,
                sent,
            } => {
                self.server = *server;
                self.filter = *filter;
                self.sent = *sent;
                (self.asked, self.answered) = (*at, *at);
                self.new_at = None;
                match sent {
                    Sent::Last(id) => assert_eq!(self.id, Some(*id), "the harness lost an id"),
                    Sent::Invented(id) => self.forget(Some(*id)),
                    Sent::Nothing | Sent::Garbage => self.forget(None),
                }
                Ok(())
            }
            Record::Answer { status: 200, at } => {
                self.answered = *at;
                Ok(())
            }
            // A server that was stopped may find that the request took too long.
            Record::Answer { status: 408, .. } => Ok(()),
            Record::Answer { status, .. } => Err(format!("it is answered with {status}")),
            Record::Block { at, block } => match block {
                Block::Event { event, id, digest } => self.event(*at, *event, *id, *digest),
                Block::Gap { reason, id } => gaps::judge(self, *at, *reason, *id),
                Block::Heartbeat { id: None } => Ok(()),
                Block::Heartbeat { id: Some(id) } => self.heartbeat(*at, *id),
                Block::Strange(what) => Err(format!("the server sends {what}")),
            },
        }
    }

    fn forget(&mut self, id: Option<Id>) {
        self.id = id;
        self.furthest.clear();
    }

    fn event(&mut self, at: At, event: u8, id: Id, digest: u64) -> Result<(), String> {
        let from = self.place_in(id)?;
        let journal = self.case.truth.journal(id.epoch).ok_or("no such journal")?;
        let number = match id.place.parts {
            0 => id.place.next - 1,
            _ => id.place.next,
        };
        let Some(entry) = journal.entry(number) else {
            // What came last in a journal that was cleared was perhaps never copied.
            let may_be_lost = journal.damaged.is_some();
            self.go(id);
            return may_be_lost
                .then_some(())
                .ok_or("there is no such entry".into());
        };
        let part = match id.place.parts {
            0 => entry.events().len().saturating_sub(1),
            parts => parts - 1,
        };
        if entry.events().get(part) != Some(&event) || entry.digest != digest {
            let saved_as = self.case.truth.find(digest);
            return Err(format!(
                "this is not what was saved as entry {number}, but what was saved as {saved_as:?}"
            ));
        }
        let place = Place {
            next: number,
            parts: part,
        };
        let furthest = self.furthest.get(&id.epoch);
        if place < from || furthest.is_some_and(|furthest| place < *furthest) {
            return Err(format!(
                "repeated: it had had all before {from:?}, {furthest:?}"
            ));
        }
        if !self.filter.wants(event) {
            return Err("it did not ask for this event".into());
        }
        self.nothing_lost(at, from, place)?;
        self.not_over(at, number, entry)?;
        self.go(id);
        Ok(())
    }

    fn heartbeat(&mut self, at: At, id: Id) -> Result<(), String> {
        if self.sent == Sent::Garbage && self.id.is_none() {
            return Err("what was no id is taken for one".into());
        }
        if self.id.is_none() {
            self.new_at = Some(at);
            gaps::judge_lookback(self, at, id)?;
            self.go(id);
            return Ok(());
        }
        let from = self.place_in(id)?;
        if id.place < from {
            return Err("it is put back".into());
        }
        self.nothing_lost(at, from, id.place)?;
        self.go(id);
        Ok(())
    }

    /// Where it is in the journal of `id`.
    fn place_in(&self, id: Id) -> Result<Place, String> {
        match self.id {
            None => Err("this comes before it was told where it is".into()),
            Some(own) if own.epoch != id.epoch => {
                Err("it goes on in another journal, and was told of no gap".into())
            }
            Some(own) => Ok(own.place),
        }
    }

    pub(crate) fn go(&mut self, id: Id) {
        self.id = Some(id);
        let furthest = self.furthest.entry(id.epoch).or_insert(id.place);
        *furthest = id.place.max(*furthest);
    }

    /// Between two blocks there is nothing that it should have heard.
    fn nothing_lost(&self, at: At, from: Place, to: Place) -> Result<(), String> {
        let epoch = self.id.map_or(0, |id| id.epoch);
        let journal = self.case.truth.journal(epoch).ok_or("no such journal")?;
        for (number, part, entry) in journal.wanted(self.filter, from, to) {
            if !self.is_nothing_to_it(entry, at) {
                return Err(format!(
                    "lost: entry {number}, event {part} of it; seen on the disk at {:?}",
                    entry.seen
                ));
            }
        }
        Ok(())
    }

    /// What was there before a client was put where it is as one that is new, and was over when
    /// this stream passed it, is nothing to it.
    pub(crate) fn is_nothing_to_it(&self, entry: &Entry, at: At) -> bool {
        self.new_at
            .is_some_and(|new| entry.absent <= new && self.may_be_over(entry, at))
    }

    /// Whether its time to live may have been over when this stream passed it.
    pub(crate) fn may_be_over(&self, entry: &Entry, at: At) -> bool {
        let clock = self.case.clock;
        let (earliest, _) = clock.wall(entry.absent, at);
        let (_, latest) = clock.wall(self.asked, at);
        entry.ttl > 0 && latest >= entry.time.min(earliest) + entry.ttl
    }

    /// What was certainly read by the server before this client came, and over by then, is not
    /// sent any more.
    fn not_over(&self, at: At, number: u64, entry: &Entry) -> Result<(), String> {
        let epoch = self.id.map_or(0, |id| id.epoch);
        let clock = self.case.clock;
        let (earliest, _) = clock.wall(self.asked, at);
        let is_replayed = self.case.passed(self.server, epoch, self.asked) >= number;
        if is_replayed && entry.ttl > 0 && earliest > entry.time + entry.ttl + 10 {
            return Err("its time to live was over".into());
        }
        Ok(())
    }

    /// At the end everybody has had everything.
    fn end(&self, at: At) -> Result<(), String> {
        let journal = self.case.truth.current().ok_or("no journal")?;
        let id = self.id.ok_or("it was never told where it is")?;
        if id.epoch != journal.epoch {
            return Err(format!("it is still in another journal, at {id}"));
        }
        self.nothing_lost(at, id.place, journal.end())
    }
}
