//! Building blocks of the background threads that a server runs.

mod background_thread;
mod limited_log;
mod lock;
mod repeated_error;
mod timed_mutex;

#[cfg(feature = "actix")]
pub(crate) use self::repeated_error::log_or_print;
pub(crate) use self::{
    background_thread::BackgroundThread,
    limited_log::LimitedLog,
    lock::{lock, try_lock},
    repeated_error::RepeatedError,
    timed_mutex::{TimedGuard, TimedMutex},
};
pub(crate) use crate::platform::Interrupt;
