//! The random choices of clients.

use std::time::Duration;

use support::{event_part, oracle::EVENTS};

use crate::{
    client::{Client, Phase, SentId},
    model::{Filter, Id, Position},
    server::{Address, lock},
};

impl Client {
    pub(crate) fn random_server(&mut self) -> Option<Address> {
        let running: Vec<Address> = lock(&self.addresses).iter().flatten().cloned().collect();
        (!running.is_empty()).then(|| running[self.rng.usize(..running.len())].clone())
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
}
