//! One module for each command.

mod audiences;
pub(crate) mod completions;
pub(crate) mod delete;
pub(crate) mod doctor;
pub(crate) mod get;
pub(crate) mod install;
mod json_slip;
mod key_suggestions;
pub(crate) mod listen;
pub(crate) mod man;
mod planned_change;
pub(crate) mod revoke;
pub(crate) mod save;
pub(crate) mod status;
pub(crate) mod uninstall;

#[cfg(feature = "serve")]
pub(crate) use self::key_suggestions::no_event_warning;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod tests;
