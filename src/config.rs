//! The configuration: settings in the app's `.env`, and those that only code can change.

mod allowed;
mod app_dir;
mod authority;
mod definition;
mod env_bytes;
mod env_file;
mod env_snapshot;
mod events;
mod parsed_settings;
mod poller;
mod raw_settings;
mod real_variables;
#[cfg(feature = "actix")]
pub(crate) mod server;
mod server_options;
mod setters;
#[cfg(test)]
mod tests;

#[cfg(feature = "actix")]
pub(crate) use self::events::Pair;
pub use self::{app_dir::app_dir, definition::Config, events::Events};
pub(crate) use self::{poller::ConfigPoller, setters::MAX_VALUE_BYTES};
