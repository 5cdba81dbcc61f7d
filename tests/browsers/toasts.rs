//! The toasts of the listeners that `sse install` writes, in three real browsers.

use actix_web::{
    HttpResponse,
    http::header,
    web::{self, Data, ServiceConfig},
};
use actix_web_sse::{Sse, Subscription, client_files};
use serde_json::{Value, json, value::RawValue};
use support::{Browser, Engine, HalfClosed, LocalServer};

/// A page may load everything from its own origin only.
const POLICY: &str = "default-src 'self'";

/// A page whose own rules would disfigure a toast, and which loads the listeners twice, as a page does whose layout
/// has the tag, too.
const PAGE: &str = "<!doctype html>
<html lang=en>
<head>
<title>Shop</title>
<link rel=stylesheet href=/page.css>
<script src=/violations.js></script>
<script src=/js/sse-client.js></script>
</head>
<body>
<h1>Shop</h1>
<script src=/js/sse-client.js></script>
</body>
</html>";

const PAGE_STYLES: &str =
    "button { width: 100%; padding: 3em; background: blue; } p { margin: 3em; }";

const VIOLATIONS: &str = "window.violations = [];
addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));";

const TOASTS: &str = "[...document.querySelectorAll('.sse-toast')]";

fn routes(app: &mut ServiceConfig, sse: &Sse) {
    let file = |kind: &'static str, text: &'static str| {
        web::get().to(move || async move {
            HttpResponse::Ok()
                .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
                .content_type(kind)
                .body(text)
        })
    };
    let listeners = client_files().find(|file| file.name == "sse-client.js");
    app.app_data(Data::new(sse.clone()))
        .route("/", file("text/html; charset=utf-8", PAGE))
        .route("/page.css", file("text/css", PAGE_STYLES))
        .route("/violations.js", file("text/javascript", VIOLATIONS))
        .route(
            "/js/sse-client.js",
            file(
                "text/javascript; charset=utf-8",
                listeners.unwrap().contents,
            ),
        )
        .route(
            "/sse/stream",
            web::get()
                .to(async |sse: Data<Sse>, subscription: Subscription| sse.respond(subscription)),
        )
        .configure(actix_web_sse::scripts);
}

struct Shop {
    server: LocalServer,
    browser: Browser,
}

impl Shop {
    fn open(engine: Engine) -> Self {
        let events = "event_name1:event_cache_key1,event_name2:event_cache_key2";
        let server = LocalServer::start(HalfClosed::Stays, events, |config, _| config, routes);
        let browser = Browser::start_with(engine);
        browser.open(&server.url("/"));
        browser.wait("window.sse?.status === 'open'");
        Self { server, browser }
    }

    fn save(&self, key: &str, value: impl Into<Value>) {
        self.server.cache.save_blocking(key, value.into()).unwrap();
    }

    /// Waits until exactly these toasts are shown, as their titles and texts.
    #[track_caller]
    fn wait_for(&self, toasts: &Value) {
        let shown = format!(
            "{TOASTS}.map((toast) => [...toast.querySelectorAll('p')].map((p) => p.textContent))"
        );
        self.browser.wait(&format!(
            "JSON.stringify({shown}) === {:?}",
            toasts.to_string()
        ));
    }
}

fn show_sentences_under_a_strict_policy(engine: Engine) {
    let shop = Shop::open(engine);
    let markup = "<img src=x onerror=alert(1)>";
    shop.save("event_cache_key1", markup);
    // Deeper than browsers can walk through with functions that call themselves.
    let nested = format!("{}1{}", "[".repeat(9_000), "]".repeat(9_000));
    let nested = RawValue::from_string(nested).unwrap();
    let cache = &shop.server.cache;
    cache.save_blocking("event_cache_key2", nested).unwrap();
    shop.save(
        "event_cache_key1",
        json!({"order": 42, "paid": true, "shipped_at": null, "things": ["tea", "cake"]}),
    );
    shop.wait_for(&json!([
        ["event_name1", markup],
        ["event_name2", "…"],
        [
            "event_name1",
            "Order 42, paid yes, shipped at none, things tea, cake"
        ],
    ]));
    // The styles apply, and the page's own do not.
    let looks = format!(
        "((style, button) => [style.borderLeftWidth, button.offsetWidth, style.backgroundColor])
        (getComputedStyle({TOASTS}[0]), {TOASTS}[0].querySelector('button'))"
    );
    assert_eq!(
        shop.browser.evaluate(&looks),
        json!(["4px", 45, "rgb(255, 255, 255)"])
    );
    assert_eq!(shop.browser.evaluate("violations"), json!([]));
    // Nobody touches them, so they go.
    shop.wait_for(&json!([]));
}

fn stack_and_are_closed_by_key_and_button(engine: Engine) {
    let shop = Shop::open(engine);
    let area =
        "document.querySelector('body > .sse-toasts[role=status][aria-atomic=false]') !== null";
    assert_eq!(shop.browser.evaluate(area), true);
    for value in ["one", "two", "three", "four"] {
        shop.save("event_cache_key1", value);
    }
    let toasts = |texts: &[&str]| {
        json!(
            texts
                .iter()
                .map(|text| ["event_name1", text])
                .collect::<Vec<_>>()
        )
    };
    // The oldest makes room.
    shop.wait_for(&toasts(&["two", "three", "four"]));
    let inside = format!(
        "{TOASTS}.map((toast) => toast.getBoundingClientRect()).every(({{ left, right, bottom }}) =>
            left >= 0 && right <= innerWidth && bottom <= innerHeight)"
    );
    shop.browser.wait("document.getAnimations().length === 0");
    for width in [500, 1280] {
        shop.browser.resize(width, 700);
        assert_eq!(shop.browser.evaluate(&inside), true, "{width}");
    }
    shop.browser
        .execute("document.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' }))");
    shop.wait_for(&toasts(&["two", "three"]));
    // The focus stays among the toasts.
    shop.browser
        .execute(&format!("{TOASTS}[1].querySelector('button').focus()"));
    shop.browser
        .click(".sse-toast:last-child button[aria-label=Close]");
    shop.wait_for(&toasts(&["two"]));
    let focused =
        "document.activeElement.closest('.sse-toast')?.innerText.includes('two') === true";
    assert_eq!(shop.browser.evaluate(focused), true);
}

/// The same tests for each engine.
macro_rules! in_engine {
    ($module:ident, $engine:ident) => {
        mod $module {
            use support::Engine;

            #[test]
            fn toasts_show_sentences_under_a_strict_policy() {
                super::show_sentences_under_a_strict_policy(Engine::$engine);
            }

            #[test]
            fn toasts_stack_and_are_closed_by_key_and_button() {
                super::stack_and_are_closed_by_key_and_button(Engine::$engine);
            }
        }
    };
}

in_engine!(chromium, Chromium);
in_engine!(firefox, Firefox);
in_engine!(webkit, WebKit);
