//! A browser that tests use one after the other has nothing of the test before.

use actix_web::{HttpResponse, http::header, web};
use serde_json::json;
use support::{Browser, Engine, HalfClosed, LocalServer};

/// Answers each request with another number, which browsers may cache.
fn serve() -> LocalServer {
    LocalServer::start(
        HalfClosed::Closes,
        "a:a",
        |config, _| config,
        |app, _| {
            app.default_service(web::get().to(|| async {
                HttpResponse::Ok()
                    .insert_header((header::CACHE_CONTROL, "max-age=600"))
                    .content_type("text/html")
                    .body(fastrand::u32(..).to_string())
            }));
        },
    )
}

/// What pages can store and see.
const STATE: &str = "(async () => [
    document.cookie,
    localStorage.length,
    sessionStorage.length,
    (await indexedDB.databases()).length,
    (await caches.keys()).length,
    history.length,
    document.visibilityState,
    outerWidth,
    innerWidth,
    matchMedia('(prefers-color-scheme: dark)').matches,
])()";

const STORE: &str = "(async () => {
    document.cookie = 'a=b; path=/; max-age=600';
    localStorage.setItem('a', 'b');
    sessionStorage.setItem('a', 'b');
    await new Promise((done) => { indexedDB.open('a').onsuccess = done; });
    await caches.open('a');
    history.pushState(null, '', '/other');
    return true;
})()";

const CACHED: &str = "fetch('/cached').then((answer) => answer.text())";

fn leaves_nothing(engine: Engine) {
    let server = serve();
    let url = server.url("/").replace("127.0.0.1", "localhost");
    let open = || {
        let browser = Browser::start_with(engine);
        browser.open(&url);
        let (state, cached) = (browser.evaluate(STATE), browser.evaluate(CACHED));
        assert_eq!(browser.evaluate(CACHED), cached, "the browser has a cache");
        (browser, state, cached)
    };
    let (browser, fresh, cached) = open();
    assert_eq!(browser.evaluate(STORE), true);
    let left = browser.evaluate(STATE);
    assert_eq!(
        left.as_array().unwrap()[..5],
        [json!("a=b"), json!(1), json!(1), json!(1), json!(1)]
    );
    browser.resize(800, 600);
    if engine == Engine::Chromium {
        browser.set_viewport(300, 300);
        browser.emulate_media(&[("prefers-color-scheme", "dark")]);
    }
    let tab = browser.new_tab();
    browser.switch_to(&tab);
    drop(browser);

    let (browser, state, cached_next) = open();
    assert_eq!(state, fresh);
    assert_ne!(cached_next, cached);
    assert_eq!(browser.tabs().len(), 1);
}

#[test]
fn the_next_test_finds_nothing_in_chromium() {
    leaves_nothing(Engine::Chromium);
}

#[test]
fn the_next_test_finds_nothing_in_firefox() {
    leaves_nothing(Engine::Firefox);
}
