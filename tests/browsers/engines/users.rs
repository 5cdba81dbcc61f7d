//! Pages of an app with users: what they receive, and what becomes of them after a login and a logout.

mod audiences;
mod login_site;
mod logins;
mod sessions;

use support::{Browser, Engine, Tab};

use self::login_site::LoginSite;

/// One server and one browser, for one test after the other. Each has its own users.
struct Setup {
    engine: Engine,
    site: LoginSite,
    browser: Browser,
}

pub(crate) fn are_kept_apart(engine: Engine) {
    let setup = Setup {
        engine,
        site: LoginSite::start(),
        browser: Browser::start_with(engine),
    };
    for test in [
        audiences::reach_the_pages_that_ask_for_them,
        audiences::that_are_refused_close_only_the_pages_that_ask_for_them,
        audiences::begin_with_their_latest_values_in_a_tab_that_joins,
        sessions::that_end_stop_the_page_until_the_next_login,
        sessions::with_tokens_share_no_connection,
        logins::as_another_user_end_the_pages_of_the_first,
        logins::are_noticed_when_a_stream_is_revoked,
        logins::are_noticed_in_the_back_forward_cache,
    ] {
        test(&setup);
        setup.leave();
    }
}

impl Setup {
    /// Logs in, which replaces the user of all tabs.
    fn log_in(&self, user: &str) {
        self.browser.open(&self.site.url(&format!("/login/{user}")));
    }

    /// Logs out or in, while the page stays.
    fn fetch(&self, method: &str, path: &str) {
        let fetched = format!("fetch('{path}', {{ method: '{method}' }}).then(({{ ok }}) => ok)");
        assert_eq!(self.browser.evaluate(&fetched), true);
    }

    /// Opens the page in the current tab.
    fn open(&self, path: &str) -> Tab {
        self.browser.open(&self.site.url(path));
        self.browser
            .wait("window.sse !== undefined && sse.status !== 'connecting'");
        self.browser.current_tab()
    }

    /// Opens the page in another tab, which becomes the current one.
    fn open_tab(&self, path: &str) -> Tab {
        self.browser.switch_to(&self.browser.new_tab());
        self.open(path)
    }

    /// Waits until the page has received this value, and returns all values that it has received.
    #[track_caller]
    fn received_up_to(&self, tab: &Tab, last: usize) -> Vec<u64> {
        super::tabs::received_up_to(&self.browser, tab, last)
    }

    /// Expects this value of an expression in the page of a tab.
    #[track_caller]
    fn expect(&self, tab: &Tab, expression: &str, value: &serde_json::Value) {
        self.browser.switch_to(tab);
        assert_eq!(self.browser.evaluate(expression), *value, "{expression}");
    }

    /// Leaves one tab, which is as new.
    fn leave(&self) {
        let mut others = self.browser.tabs();
        let kept = others.remove(0);
        for tab in &others {
            self.browser.close_tab(tab);
        }
        self.browser.switch_to(&kept);
        self.browser.open(&self.site.url("/idle"));
        self.browser.execute("sessionStorage.clear()");
        self.browser.delete_cookies();
        self.site.has_streams(0);
    }
}
