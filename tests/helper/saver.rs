//! `saver APP NAME COUNT`: saves `[NAME, 0]` to `[NAME, COUNT - 1]` in the cache of an app.

use actix_web_sse::{Cache, Config};

pub(crate) fn run(arguments: &[String]) {
    let [app, name, count] = arguments else {
        panic!("saver APP NAME COUNT: {arguments:?}");
    };
    let (name, count): (usize, usize) = (name.parse().unwrap(), count.parse().unwrap());
    let cache = Cache::open(&Config::from_dir(app).unwrap()).unwrap();
    for save in 0..count {
        cache
            .save_blocking("event_cache_key1", [name, save])
            .unwrap();
    }
}
