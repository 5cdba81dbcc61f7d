//! The configuration: settings in the app's `.env`, and those that only code can change.

mod allowed;
mod app_dir;
mod authority;
mod definition;
mod env_bytes;
mod env_file;
mod env_lines;
mod event_mistakes;
mod events;
mod options;
mod parsers;
mod poller;
mod private_mark;
mod raw_settings;
mod setting_methods;
mod settings;
mod table;
#[cfg(test)]
mod tests;

pub use self::{
    app_dir::app_dir,
    definition::Config,
    events::{EXAMPLE_EVENTS, Events},
    settings::{Origin, Setting},
};
#[cfg(feature = "actix")]
pub(crate) use self::{
    authority::{Authority, Host},
    events::Pair,
};
pub use self::{
    env_file::EnvFile,
    env_lines::{EnvLine, EnvLineKind},
    settings::SettingInfo,
    table::{SETTINGS, rows},
};
pub(crate) use self::{options::MAX_VALUE_BYTES, poller::ConfigPoller};
