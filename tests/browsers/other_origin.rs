//! The page of docs/guides/other-origin.md, on another origin than the stream.

use actix_web::{
    HttpRequest, HttpResponse, Responder,
    http::header,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Config, Sse, Subscription};
use serde_json::json;
use support::{Browser, HalfClosed, LocalServer, block_of_document, blocks_of_document};

const GUIDE: &str = "guides/other-origin.md";
const PAGE_ORIGIN: &str = "https://app.example";
const STREAM_ORIGIN: &str = "https://events.example";

/// A server whose first port serves the stream, and the second the page.
struct Site(LocalServer);

impl Site {
    fn start(page: &str) -> Self {
        let page = page.to_owned();
        let configure = |config: Config, addresses: &[String; 2]| {
            let env = blocks_of_document(GUIDE, "Allow the page", "").remove(0);
            let (name, origin) = env.trim().split_once('=').unwrap();
            assert_eq!((name, origin), ("SSE_ALLOWED_ORIGINS", PAGE_ORIGIN));
            let [_, page] = addresses;
            config
                .with_allowed_origins([format!("http://{page}")])
                .unwrap()
        };
        let routes = move |app: &mut ServiceConfig, sse: &Sse| {
            actix_web_sse::scripts(app);
            app.app_data(Data::new(sse.clone()))
                .app_data(Data::new(page.clone()))
                .service(web::resource("/sse/stream").to(stream))
                .default_service(web::get().to(show_page));
        };
        let events = "news:news,invoice:invoice";
        Self(LocalServer::start(
            HalfClosed::Closes,
            events,
            configure,
            routes,
        ))
    }

    /// Saves an event of each name. The one that everybody receives is the last.
    fn save(&self, value: u32) {
        for key in ["invoice", "news"] {
            self.0.cache.save_blocking(key, value).unwrap();
        }
    }
}

/// Visitors without a cookie receive the public events only.
async fn stream(
    request: HttpRequest,
    sse: Data<Sse>,
    subscription: Subscription,
) -> impl Responder {
    if request.headers().contains_key(header::COOKIE) {
        sse.respond(subscription)
    } else {
        sse.respond(subscription.only(["news"]))
    }
}

/// The address names the host of the stream.
async fn show_page(request: HttpRequest, page: Data<String>) -> HttpResponse {
    let stream = format!("http://{}", request.query_string());
    HttpResponse::Ok()
        .content_type("text/html; charset=utf-8")
        .body(page.replace(STREAM_ORIGIN, &stream))
}

/// Checks what the page shows after a save.
#[track_caller]
fn shown(page: &str, host: &str, expected: &[&str]) {
    let site = Site::start(page);
    let browser = Browser::start();
    let [_, origin] = site.0.origins();
    let origin = origin.replace("127.0.0.1", host);
    let url = format!("{origin}/js/news.html?{}", site.0.address());
    browser.open(&format!("{origin}/favicon.svg"));
    browser.set_cookie("visitor", "anna");
    browser.open(&url);
    if expected.is_empty() {
        browser.wait("document.querySelector('#status').textContent === 'reconnecting'");
    } else {
        browser.wait("document.querySelector('#status').textContent === 'open'");
        site.0.wait_for_streams(1);
    }
    site.save(1);
    let items = "[...document.querySelectorAll('#news li')].map((item) => item.textContent)";
    browser.wait(&format!("{items}.length >= {}", expected.len()));
    assert_eq!(browser.evaluate(items), json!(expected));
}

#[test]
fn a_page_without_credentials_receives_what_everybody_does() {
    let page = block_of_document(GUIDE, "The page", "html");
    shown(&page, "127.0.0.1", &["news 1"]);
}

#[test]
fn a_page_with_credentials_receives_what_its_cookie_permits() {
    let page = block_of_document(GUIDE, "The page", "html");
    let line = block_of_document(GUIDE, "With cookies", "js");
    let without = "const sse = new SseClient('https://events.example/sse/stream');";
    assert!(page.contains(without));
    let page = page.replace(without, line.trim());
    shown(&page, "127.0.0.1", &["invoice 1", "news 1"]);
}

#[test]
fn a_page_of_an_origin_that_is_not_allowed_receives_nothing() {
    let page = block_of_document(GUIDE, "The page", "html");
    shown(&page, "localhost", &[]);
}
