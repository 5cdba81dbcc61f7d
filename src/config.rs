//! The configuration: settings in the app's `.env`, and those that only code can change.

mod allowed;
mod app_dir;
mod authority;
mod cache_location;
mod definition;
mod drop_in_prefix;
mod env_bytes;
mod env_file;
mod env_lines;
mod event_mistakes;
mod events;
mod options;
mod parsers;
mod poller;
mod private_mark;
mod public_folder;
mod raw_settings;
mod redis_settings;
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
pub(crate) use self::{
    cache_location::{CacheLocation, RedisLocation, RedisServers, ServerAddress},
    options::MAX_VALUE_BYTES,
    poller::ConfigPoller,
};
#[cfg(feature = "redis")]
pub(crate) use self::{
    cache_location::{Credentials, Tls},
    redis_settings::RedisWait,
};
pub use self::{
    env_file::EnvFile,
    env_lines::{EnvLine, EnvLineKind},
    settings::SettingInfo,
    table::{SETTINGS, rows},
};
