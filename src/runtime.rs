//! Building blocks of the background threads that a server runs.

mod background_thread;
mod interrupt;
mod limited_log;
mod repeated_error;
mod try_lock;

pub(crate) use self::{
    background_thread::BackgroundThread, interrupt::Interrupt, limited_log::LimitedLog,
    repeated_error::RepeatedError, try_lock::try_lock,
};
#[cfg(feature = "actix")]
pub(crate) use self::{background_thread::ThreadWaker, repeated_error::log_or_print};
