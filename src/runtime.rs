//! Building blocks of the background threads that a server runs.

mod background_thread;
mod interrupt;
mod repeated_error;

pub(crate) use self::{
    background_thread::{BackgroundThread, ThreadWaker},
    interrupt::Interrupt,
    repeated_error::{RepeatedError, log_or_print},
};
