//! The configuration: keys of the app's `.env`, and settings that only code can change.

mod app_dir;
mod authority;
mod definition;
mod env_file;
mod env_snapshot;
mod environment;
mod events;
#[cfg(feature = "actix")]
pub(crate) mod http;
mod lists;
mod server_options;
mod setters;
mod settings;
#[cfg(test)]
mod tests;
mod values;
mod watcher;

pub use self::{app_dir::app_dir, definition::Config, events::Events};
pub(crate) use self::{setters::MAX_VALUE_BYTES, watcher::ConfigWatcher};
