//! One module for each command.

mod change;
pub(crate) mod completions;
pub(crate) mod doctor;
pub(crate) mod install;
pub(crate) mod listen;
pub(crate) mod save;
pub(crate) mod status;
pub(crate) mod uninstall;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
