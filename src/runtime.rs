//! Building blocks of the background threads that a server runs.

mod background_thread;
mod limited_log;
mod lock;
mod repeated_error;

#[cfg(feature = "actix")]
pub(crate) use self::repeated_error::log_or_print;
pub(crate) use self::{
    background_thread::BackgroundThread,
    limited_log::LimitedLog,
    lock::{lock, try_lock},
    repeated_error::RepeatedError,
};
pub(crate) use crate::platform::Interrupt;
