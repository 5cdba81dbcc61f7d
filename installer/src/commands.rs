//! One module for each command.

pub(crate) mod install;
pub(crate) mod listen;
pub(crate) mod save;
pub(crate) mod status;
pub(crate) mod uninstall;

#[cfg(test)]
mod tests;
