//! The random choices of clients.

use std::time::Duration;

use support::{
    event_part,
    oracle::{AUDIENCES, EVENTS, random_audience},
};

use crate::{
    audiences::Grant,
    client::{Client, Phase},
    model::{Filter, Id, Position},
    request::SentId,
    server::{Address, lock},
};

impl Client {
    pub(crate) fn random_server(&mut self) -> Option<Address> {
        let running: Vec<Address> = lock(&self.addresses).iter().flatten().cloned().collect();
        (!running.is_empty()).then(|| running[self.rng.usize(..running.len())].clone())
    }

    /// How long a stream stays open; usually at most this many milliseconds.
    pub(crate) fn random_stay(&mut self, milliseconds: u64) -> Duration {
        Duration::from_millis(self.rng.u64(1..milliseconds)) * self.population.patience
    }

    pub(crate) fn random_absence(&mut self) -> Duration {
        Duration::from_millis(match self.rng.u32(..100) {
            0..60 => self.rng.u64(..20),
            60..95 => self.rng.u64(..300),
            95..99 => self.rng.u64(..2_000),
            _ => self.rng.u64(..6_000),
        })
    }

    pub(crate) fn random_filter(&mut self) -> Filter {
        match self.rng.u32(..10) {
            0..4 => Filter::ALL,
            4 | 5 => Filter(0b100_0000),
            _ => Filter(self.rng.u8(1..128)),
        }
    }

    pub(crate) fn random_id(&mut self, phase: Phase) -> SentId {
        let Some(last) = self.last else {
            return SentId::Nothing;
        };
        if phase != Phase::Chaos {
            return SentId::Last(last);
        }
        let known = last.position.next - 1;
        match self.rng.u32(..100) {
            0..3 => SentId::Nothing,
            3 => SentId::Garbage,
            4 => SentId::Invented(Id::after(last.epoch, self.rng.u64(..=known))),
            5 => SentId::Invented(Id::after(last.epoch, known + 1_000_000)),
            6 => SentId::Invented(Id::after(self.rng.u64(..), known)),
            7 if known > 0 && self.rng.bool() => {
                // Any part of an existing entry is a valid position, even if no event has it.
                let position = Position {
                    next: known,
                    part: match self.rng.usize(..EVENTS.len() + 1) {
                        0 => self.rng.u32(1..),
                        event => event_part(EVENTS[event - 1]),
                    },
                };
                SentId::Invented(Id { position, ..last })
            }
            _ => SentId::Last(last),
        }
    }

    /// What the app grants this client from now on.
    pub(crate) fn random_grants(&mut self) -> Vec<Grant> {
        let mut names: Vec<(String, bool)> = Vec::new();
        if self.rng.u32(..8) == 0 {
            return Vec::new();
        }
        if self.rng.u32(..10) > 0 {
            names.push((format!("user:{}", self.user), false));
        }
        for _ in 0..self.rng.usize(..4) {
            let name = random_audience(&mut self.rng, self.population.traffic.users);
            names.push((AUDIENCES[name].clone(), false));
        }
        match self.rng.u32(..12) {
            0 => names.push(("order:".into(), true)),
            1 => names.push(("order:1".into(), true)),
            _ => {}
        }
        let grant = |(name, is_prefix)| Grant {
            name,
            is_prefix,
            since: self.random_since(),
        };
        names.into_iter().map(grant).collect()
    }

    /// Some grants begin after an event that the client knows, or a few earlier or later.
    fn random_since(&mut self) -> Option<Id> {
        let last = self.last.filter(|_| self.rng.u32(..5) == 0)?;
        let known = last.position.next - 1;
        let number = (known + self.rng.u64(..200)).saturating_sub(100);
        Some(match self.rng.bool() {
            true => last,
            false => Id::after(last.epoch, number),
        })
    }

    /// The audiences in the query: usually some of those that were granted.
    pub(crate) fn random_asked(&mut self, phase: Phase) -> Vec<String> {
        if self.rng.u32(..5) > 0 {
            return Vec::new();
        }
        let count = self.rng.usize(1..3);
        let mut asked: Vec<String> = (0..count.min(self.grants.len()))
            .map(|_| {
                let grant = &self.grants[self.rng.usize(..self.grants.len())];
                match grant.is_prefix {
                    true => format!("order:1{}", self.rng.u32(..10)),
                    false => grant.name.clone(),
                }
            })
            .collect();
        if phase == Phase::Chaos && self.rng.u32(..10) == 0 {
            let name = random_audience(&mut self.rng, self.population.traffic.users);
            asked.push(AUDIENCES[name].clone());
        }
        asked
    }

    pub(crate) fn wants_latest(&mut self, sent: SentId) -> bool {
        let often = match sent {
            SentId::Last(_) => 20,
            _ => 2,
        };
        self.rng.u32(..often) == 0
    }
}
