//! The lines for web servers that serve the app themselves, and forward only the stream.

use std::fs;

use support::{App, ReverseProxy, Server, blocks_of_document, get};

use super::{GUIDE, swap};
use crate::{
    doctor::findings::{Finding, assert_one_by_one, examine_app_and_url, findings, of_check},
    hello::Ran,
};

const HEADING: &str = "The stream alone";

/// The page of the app, which comes from the web server itself.
const PAGE: &str = "<!doctype html><p>the app</p>";

struct Site {
    app: App,
    server: Server,
}

impl Site {
    fn new() -> Self {
        let app = App::with_lasting_streams();
        fs::write(app.path().join("public/page.html"), PAGE).unwrap();
        let server = app.start();
        Self { app, server }
    }

    fn pasted(&self, language: &str) -> String {
        let blocks = blocks_of_document(GUIDE, HEADING, language);
        swap(&blocks[0], "127.0.0.1:8090", self.server.address())
    }

    fn public(&self) -> String {
        self.app.path().join("public").display().to_string()
    }

    #[track_caller]
    fn check(&self, proxy: &ReverseProxy) {
        assert_eq!(get(proxy.address(), "/page.html").body, PAGE);
        let url = format!("http://{}", proxy.address());
        let ran: Ran = examine_app_and_url(&self.app, &url, &["--save", "event_cache_key1"]);
        let found = findings(&ran);
        for check in ["response", "headers", "timing", "saves"] {
            let found = of_check(&found, check);
            assert!(
                !found.iter().copied().any(Finding::is_problem),
                "{found:#?}"
            );
        }
        assert_one_by_one(&found);
    }
}

#[test]
fn apache_forwards_the_stream_before_the_rules_of_the_app() {
    let site = Site::new();
    let public = site.public();
    fs::write(
        format!("{public}/.htaccess"),
        "RewriteEngine On\nRewriteCond %{REQUEST_FILENAME} !-f\nRewriteRule ^ page.html [L]\n",
    )
    .unwrap();
    let modules = ["rewrite", "proxy", "proxy_http", "headers"];
    let proxy = ReverseProxy::apache_with(site.app.path(), &modules, |port| {
        format!(
            "Listen 127.0.0.1:{port}\n<VirtualHost *:{port}>\nDocumentRoot {public}\n\
             <Directory {public}>\nAllowOverride All\nOptions FollowSymLinks\nRequire all granted\n</Directory>\n\
             {}</VirtualHost>\n",
            site.pasted("apache")
        )
    });
    assert_eq!(
        get(proxy.address(), "/orders").body,
        PAGE,
        "the rules are in effect"
    );
    site.check(&proxy);
}

#[test]
fn caddy_forwards_the_stream_alone() {
    let site = Site::new();
    let public = site.public();
    let proxy = ReverseProxy::caddy_with(site.app.path(), |port| {
        let text = swap(&site.pasted("caddy"), "/var/www/shop/public", &public);
        let address = format!("http://127.0.0.1:{port} {{");
        format!(
            "{{\n admin off\n auto_https off\n}}\n{}",
            swap(&text, "app.example {", &address)
        )
    });
    site.check(&proxy);
}

#[test]
fn haproxy_forwards_the_stream_alone() {
    let site = Site::new();
    let rest = ReverseProxy::nginx(site.app.path(), |port| {
        format!("listen 127.0.0.1:{port}; root {};", site.public())
    });
    let proxy = ReverseProxy::haproxy_with(site.app.path(), |port| {
        let lines = site.pasted("haproxy");
        format!(
            "defaults\n    mode http\n    option http-no-delay\n    timeout connect 5s\n    timeout client 60s\n    \
             timeout server 60s\nfrontend public\n    bind 127.0.0.1:{port}\n    default_backend app\n\
             {lines}backend app\n    server app1 {}\n",
            rest.address()
        )
    });
    site.check(&proxy);
}
