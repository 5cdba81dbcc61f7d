//! Journals in Redis.

mod aof;
mod archive;
mod deployment;
mod faults;
mod history;
mod plan;
mod storage;
mod view;

pub(crate) use self::{plan::RedisPlan, storage::RedisStorage};
