//! A user of an app, in a browser of their own.

use serde_json::Value;
use support::{Stream, http};

use crate::site::{ADDRESS_HEADER, Site};

const ADDRESS: (&str, &str) = (ADDRESS_HEADER, "203.0.113.9");
const FORM: (&str, &str) = ("Content-Type", "application/x-www-form-urlencoded");

pub(crate) struct Account<'a> {
    site: &'a Site,
    cookie: String,
}

impl<'a> Account<'a> {
    pub(crate) fn log_in(site: &'a Site, name: &str, password: &str) -> Self {
        let form = format!("name={name}&password={password}");
        let response = http::request(site.nginx.address(), "POST /login", &[ADDRESS, FORM], &form);
        assert_eq!(response.status / 100, 3, "{}", site.logs());
        let cookie = response.header("set-cookie").unwrap();
        let cookie = cookie.split(';').next().unwrap().to_owned();
        Self { site, cookie }
    }

    /// What the app knows about the session, for one page.
    pub(crate) fn session(&self) -> Value {
        let text = self.request("GET /session");
        let json = text.find('{').zip(text.rfind('}'));
        let (start, end) = json.unwrap_or_else(|| panic!("{text}{}", self.site.logs()));
        serde_json::from_str(&text[start..=end]).unwrap()
    }

    /// Has an event saved for this user.
    pub(crate) fn order(&self) {
        let answer = self.request("POST /order");
        let is_saved = answer.starts_with("HTTP/1.1 200");
        assert!(is_saved, "{answer}{}", self.site.logs());
    }

    pub(crate) fn log_out(&self) {
        let answer = self.request("POST /logout");
        let is_out = answer.starts_with("HTTP/1.1 30");
        assert!(is_out, "{answer}{}", self.site.logs());
    }

    pub(crate) fn stream(&self) -> Stream {
        self.stream_with("/sse/stream", None)
    }

    /// As a proxy with HTTPS forwards the request.
    #[cfg(feature = "codeigniter")]
    pub(crate) fn stream_over_https(&self) -> Stream {
        let headers = [
            ("Cookie", &*self.cookie),
            ("X-Forwarded-For", ADDRESS.1),
            ("X-Forwarded-Proto", "https"),
        ];
        Stream::request(self.site.server.address(), "/sse/stream", &headers)
    }

    pub(crate) fn stream_with(&self, path: &str, last_id: Option<&str>) -> Stream {
        let mut headers = vec![ADDRESS, ("Cookie", &*self.cookie)];
        headers.extend(last_id.map(|id| ("Last-Event-ID", id)));
        Stream::request(self.site.nginx.address(), path, &headers)
    }

    fn request(&self, method_and_target: &str) -> String {
        let headers = [ADDRESS, FORM, ("Cookie", &*self.cookie)];
        http::request(self.site.nginx.address(), method_and_target, &headers, "").read_text()
    }
}
