//! Whether the server follows the cache of the app in this folder. The ids of its events begin with an epoch of its
//! journal, which is random.

use std::net::IpAddr;

use actix_web_sse::cli_support::{RedisCache, journal_may_be_at};
use actix_web_sse::{Config, EventId};
use hyper::Uri;

use crate::doctor::finding::{Check, Finding};

const FOLDER_CHECK: Check = Check("folder");
const REDIS_CHECK: Check = Check("redis");

/// `event_id` is the stream's last id. `None` if it is not one of the library, or if the app's cache cannot be read.
pub(super) fn check(config: &Config, url: &str, event_id: &str) -> Option<Finding> {
    let id = event_id.parse::<EventId>().ok()?;
    let (check, cache, kind, help) = match RedisCache::of(config) {
        None => (
            FOLDER_CHECK,
            config.cache_dir().display().to_string(),
            "cache folder",
            OTHER_FOLDER_HELP.to_owned(),
        ),
        Some(redis) => (
            REDIS_CHECK,
            redis.address(),
            "cache",
            other_redis_help(config),
        ),
    };
    let journal_here = match journal_may_be_at(config, id).ok()? {
        Some(true) => return Some(check.ok(format!("the server follows {cache}"))),
        Some(false) => format!("the journal in {cache} has another position"),
        None => format!("{cache} has no journal"),
    };
    let message = format!("the server follows another {kind}: it is at {id}, and {journal_here}");
    Some(if is_on_this_machine(url) {
        check.error(message, help)
    } else {
        check.note(message)
    })
}

const OTHER_FOLDER_HELP: &str = "values that are saved in this folder do not reach this server: stop it and start the app \
     of this folder, or run `sse doctor` in the folder of the app that it runs (another checkout, or a container with a \
     folder of its own); if the server's environment sets SSE_CACHE, set it here, too";

fn other_redis_help(config: &Config) -> String {
    let mut help = "values that are saved with this SSE_CACHE do not reach this server: compare it with the server's, in \
         its .env and its environment (another prefix, database or Redis server, or a folder)"
        .to_owned();
    if config.has_drop_ins() {
        let folder = config.cache_dir().display();
        help.push_str(&format!(
            ". Files in {folder} reach it nevertheless if it takes drop-ins from there"
        ));
    }
    help
}

/// Whether the URL names a loopback address.
fn is_on_this_machine(url: &str) -> bool {
    let uri: Uri = url.parse().unwrap_or_default();
    let host = uri.host().unwrap_or_default().trim_matches(['[', ']']);
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loopback_address_is_on_this_machine() {
        for url in [
            "http://localhost:1/a",
            "http://127.0.0.2",
            "https://[::1]:8443/sse/stream",
        ] {
            assert!(is_on_this_machine(url), "{url}");
        }
        for url in [
            "https://a.example/",
            "http://192.0.2.1:80",
            "http://localhost.example",
        ] {
            assert!(!is_on_this_machine(url), "{url}");
        }
    }
}
