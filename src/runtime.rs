//! What the background threads of a server are made of.

mod background;
mod interrupt;
mod repeated_error;

pub(crate) use self::{
    background::{Background, Nudger},
    interrupt::Interrupt,
    repeated_error::{Fault, report},
};
