//! The `sse` command in apps whose cache is in Redis.

mod away;
mod doctor;
mod drop_in_folder;
mod running_server;
mod secrets;
mod uninstall;

use support::redis::{RedisOptions, RedisServer};

use crate::{doctor::findings::installed, hello::Hello};

/// What a server without any finding has.
fn durable() -> RedisOptions {
    RedisOptions::new().append_only("everysec")
}

/// An app with a complete installation whose cache is there.
fn app_with_cache(url: &str) -> Hello {
    let hello = installed();
    set_cache(&hello, url);
    hello
}

/// Puts the setting above the others, so that it is the one that counts.
fn set_cache(hello: &Hello, url: &str) {
    let env = hello.read(".env");
    hello.write(".env", &format!("SSE_CACHE='{url}'\n{env}"));
}

fn url(server: &RedisServer) -> String {
    format!("redis://{}", server.address())
}
