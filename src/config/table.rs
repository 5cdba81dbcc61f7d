//! The table of all settings that `.env` and the environment can have.
//!
//! It is the only list of them: the library, the `sse` command and the check of the documentation read it.

use std::time::Duration;

use super::{
    authority::Authority,
    cache_location::CacheLocation,
    drop_in_prefix::DropInPrefix,
    events::Events,
    parsers,
    public_folder::PublicFolder,
    redis_settings::{DropIns, RedisWait},
    settings::{Origin, RawValue, Setting, SettingInfo, Value},
};
use crate::error::Error;

/// Declares [`Settings`] with one field for each row, and the table itself.
macro_rules! settings {
    ($($field:ident: $type:ty = $name:literal, $default:tt, $parse:expr, $show:expr, $help:literal;)*) => {
        /// The value of each setting.
        #[derive(Debug, Clone, PartialEq)]
        pub(super) struct Settings {
            $(pub(super) $field: Value<$type>,)*
        }

        /// The rows of the table, which have the names of their fields.
        #[allow(non_upper_case_globals, reason = "each row has the name of its field")]
        pub mod rows {
            use super::*;

            $(#[doc = $help]
            pub static $field: SettingInfo = SettingInfo {
                name: $name,
                default: default_value!($default),
                help: $help,
                check: |raw| $parse(raw).map(drop),
            };)*
        }

        /// All rows, in the order of the documentation.
        pub static SETTINGS: &[&SettingInfo] = &[$(&rows::$field),*];

        impl Settings {
            /// Parses the values that `lookup` returns, and fails at the first that cannot be used.
            pub(super) fn parse<'a>(lookup: &Lookup<'a>) -> Result<Self, Error> {
                Ok(Self { $($field: Self::$field(lookup)?,)* })
            }

            $(pub(super) fn $field<'a>(lookup: &Lookup<'a>) -> Result<Value<$type>, Error> {
                let raw = lookup(&rows::$field)?;
                Ok(Value { value: $parse(&raw)?, origin: raw.origin })
            })*

            /// Keeps the values that code has set.
            pub(super) fn keep_values_from_code(&mut self, former: &Self) {
                $(if former.$field.origin == Origin::Code {
                    self.$field.clone_from(&former.$field);
                })*
            }

            pub(super) fn list(&self) -> Vec<Setting> {
                vec![$(Setting {
                    name: $name,
                    value: $show(&self.$field.value),
                    origin: self.$field.origin.clone(),
                }),*]
            }
        }

        /// The table in the documentation of `Config`.
        macro_rules! settings_in_markdown {
            () => {
                concat!(
                    "| setting in `.env` | default | meaning |\n|---|---|---|\n",
                    $("| `", $name, "` | ", $crate::config::table::in_words!($default), " | ", $help, " |\n"),*
                )
            };
        }
        pub(super) use settings_in_markdown;
    };
}

macro_rules! default_value {
    (required) => {
        None
    };
    (none) => {
        Some("")
    };
    ($text:literal) => {
        Some($text)
    };
}

macro_rules! in_words {
    (required) => {
        "none, required"
    };
    (none) => {
        "none"
    };
    ($text:literal) => {
        concat!("`", $text, "`")
    };
}
pub(super) use in_words;

/// Returns the text of a setting's value, which may be its default.
pub(super) type Lookup<'a> = dyn Fn(&'static SettingInfo) -> Result<RawValue<'a>, Error> + 'a;

// field: type = name, default, parser, value in words, help. The defaults of the times are those of the
// CodeIgniter module, so that apps that move from it behave the same.
settings! {
    events: Events = "SSE_EVENTS", required, parsers::events, ToString::to_string,
        "the events, and the cache keys that trigger them: `event:key,event:key`; `event:key:private` refuses saves without an audience";
    stream_duration: Duration = "SSE_STREAM_DURATION", "15", parsers::stream_duration, in_seconds,
        "seconds until the server ends a stream, varied by up to a third per stream; 0: never";
    poll_interval: Duration = "SSE_POLL_INTERVAL", "2", parsers::poll_interval, in_seconds,
        "seconds between two reads of the cache without a notification, 0.05 to 3600; fractions are allowed";
    cache: CacheLocation = "SSE_CACHE", "writable/cache", parsers::cache, ToString::to_string,
        "the cache folder, a relative path is resolved against the app's folder; or a Redis server, such as `redis://:PASSWORD@host:6379/0?prefix=shop`";
    redis_wait: Option<RedisWait> = "SSE_REDIS_WAIT", none, parsers::redis_wait, in_words_or_none,
        "`REPLICAS:MILLISECONDS`: a save to Redis fails if fewer replicas confirm it within this time";
    drop_ins: DropIns = "SSE_DROP_INS", "writable/cache", parsers::drop_ins, ToString::to_string,
        "the folder where other programs put drop-ins if the cache is in Redis; `off`: nowhere";
    drop_in_prefix: DropInPrefix = "SSE_DROP_IN_PREFIX", none, parsers::drop_in_prefix, ToString::to_string,
        "what other programs put in front of the cache key in the name of a drop-in, such as CodeIgniter's `$prefix`";
    public: PublicFolder = "SSE_PUBLIC", "public", parsers::public, ToString::to_string,
        "the folder of the app's public files, whose `js` has the scripts; a relative path is resolved against the app's folder";
    ttl: Duration = "SSE_TTL", "60", parsers::ttl, in_seconds,
        "an entry's time to live in seconds, unless the save sets another; 0: until it is swept";
    allowed_origins: Vec<String> = "SSE_ALLOWED_ORIGINS", none, parsers::allowed_origins, as_list,
        "exact origins of cross-origin pages that may read the stream, separated by commas";
    allowed_hosts: Vec<Authority> = "SSE_ALLOWED_HOSTS", none, parsers::allowed_hosts, as_list,
        "hosts besides loopback names that requests may be for, separated by commas";
    // 10,000 idle streams take about 100 MiB, which a small machine has.
    max_connections: usize = "SSE_MAX_CONNECTIONS", "10000", parsers::max_connections, ToString::to_string,
        "streams at once; the server answers further requests with 503 and `Retry-After`";
}

fn in_seconds(duration: &Duration) -> String {
    format!("{} s", duration.as_secs_f64())
}

fn in_words_or_none<T: ToString>(value: &Option<T>) -> String {
    (value.as_ref()).map_or_else(|| "none".to_owned(), T::to_string)
}

fn as_list<T: ToString>(items: &[T]) -> String {
    if items.is_empty() {
        return "none".to_owned();
    }
    let items: Vec<String> = items.iter().map(T::to_string).collect();
    items.join(",")
}
