//! What clients do by chance.

use std::time::Duration;

use crate::{
    client::{Client, Phase, Sent},
    model::{Filter, Id, Place},
    server::{Address, lock},
};

impl Client {
    pub(crate) fn some_server(&mut self) -> Option<Address> {
        let running: Vec<Address> = lock(&self.addresses).iter().flatten().cloned().collect();
        (!running.is_empty()).then(|| running[self.rng.usize(..running.len())].clone())
    }

    pub(crate) fn some_absence(&mut self) -> Duration {
        Duration::from_millis(match self.rng.u32(..100) {
            0..60 => self.rng.u64(..20),
            60..95 => self.rng.u64(..300),
            95..99 => self.rng.u64(..2_000),
            _ => self.rng.u64(..6_000),
        })
    }

    pub(crate) fn some_filter(&mut self) -> Filter {
        match self.rng.u32(..10) {
            0..4 => Filter::ALL,
            4 | 5 => Filter(0b100_0000),
            _ => Filter(self.rng.u8(1..128)),
        }
    }

    pub(crate) fn some_id(&mut self, phase: Phase) -> Sent {
        let Some(last) = self.last else {
            return Sent::Nothing;
        };
        if phase != Phase::Chaos {
            return Sent::Last(last);
        }
        let known = last.place.next - 1;
        match self.rng.u32(..100) {
            0..3 => Sent::Nothing,
            3 => Sent::Garbage,
            4 => Sent::Invented(Id::behind(last.epoch, self.rng.u64(..=known))),
            5 => Sent::Invented(Id::behind(last.epoch, known + 1_000_000)),
            6 => Sent::Invented(Id::behind(self.rng.u64(..), known)),
            7 if self.rng.bool() => {
                // One too few parts is a place, too.
                let place = Place {
                    next: known.max(1),
                    parts: 1,
                };
                Sent::Invented(Id { place, ..last })
            }
            _ => Sent::Last(last),
        }
    }
}
