//! The starter's page in a real browser.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    process::{Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use support::{App, Browser, Server, Stream, until};

const A_SECOND: Duration = Duration::from_secs(1);

const HOLDS: &str = "This tab holds the connection for all tabs";
const SHARES: &str = "Shares the connection of another tab";

/// Opens the page and waits until it listens.
fn listening(browser: &Browser, server: &Server) {
    browser.open(&server.url("/"));
    listens(browser);
}

fn listens(browser: &Browser) {
    has_status(browser, "open");
    browser.wait("document.querySelector('[data-event-button=event_name2]') !== null");
}

fn has_status(browser: &Browser, status: &str) {
    browser.wait(&format!(
        "document.querySelector('#status')?.dataset.status === '{status}'"
    ));
}

/// Waits until what is seen of an element contains the text.
#[track_caller]
fn says(browser: &Browser, css: &str, text: &str) {
    let text = serde_json::json!(text);
    browser.wait(&format!(
        "document.querySelector('{css}')?.innerText.includes({text}) === true"
    ));
}

#[track_caller]
fn is_hidden(browser: &Browser, css: &str) {
    browser.wait(&format!(
        "document.querySelector('{css}')?.checkVisibility() === false"
    ));
}

fn toasts(browser: &Browser) -> String {
    browser
        .evaluate(
            "[...document.querySelectorAll('.toast')].map((toast) => toast.textContent).join()",
        )
        .to_string()
}

/// Waits until the page shows so many events, and says how long after `triggered` that was.
fn shown(browser: &Browser, count: usize, triggered: Instant) -> Duration {
    browser.wait(&format!(
        "document.querySelectorAll('#arrived [data-id]').length >= {count}"
    ));
    triggered.elapsed()
}

fn newest(browser: &Browser) -> String {
    browser
        .evaluate("document.querySelector('#arrived [data-id]').innerText")
        .to_string()
}

#[test]
fn the_page_shows_an_event_within_a_second_whatever_triggers_it() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    let drop_in = app.cache().join("event_cache_key1");

    let triggered = Instant::now();
    browser.click("[data-event-button=event_name2]");
    assert!(shown(&browser, 1, triggered) < A_SECOND);
    assert!(newest(&browser).contains("event_name2"));
    browser.wait("document.querySelector('.toast') !== null");

    let triggered = Instant::now();
    app.save("event_cache_key1", "{\"order\":42}");
    assert!(shown(&browser, 2, triggered) < A_SECOND);
    assert!(newest(&browser).contains("42"), "{}", newest(&browser));

    let triggered = Instant::now();
    let echo = Command::new("sh")
        .args(["-c", "echo 1 > writable/cache/event_cache_key1"])
        .current_dir(app.path())
        .status();
    assert!(echo.unwrap().success());
    assert!(shown(&browser, 3, triggered) < A_SECOND);

    let triggered = Instant::now();
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let record = format!(
        "a:3:{{s:4:\"time\";i:{now};s:3:\"ttl\";i:60;s:4:\"data\";s:16:\"from CodeIgniter\";}}"
    );
    fs::write(&drop_in, record).unwrap();
    assert!(shown(&browser, 4, triggered) < A_SECOND);
    assert!(
        newest(&browser).contains("from CodeIgniter"),
        "{}",
        newest(&browser)
    );
}

#[test]
fn two_browsers_and_curl_each_get_every_event_once() {
    let app = App::new();
    let server = app.start();
    let browsers = [Browser::start(), Browser::start()];
    for browser in &browsers {
        listening(browser, &server);
    }
    let output = app.path().join("curl.out");
    let mut curl = Command::new("curl")
        .args([
            "--silent",
            "--no-buffer",
            &server.url("/sse/stream?events=event_name1"),
        ])
        .stdout(fs::File::create(&output).unwrap())
        .stdin(Stdio::null())
        .spawn()
        .expect("curl is missing");
    until("curl listens", || {
        fs::read_to_string(&output)
            .unwrap()
            .contains("id: ")
            .then_some(())
    });
    for value in 1..=20 {
        app.save("event_cache_key1", &format!("\"value {value}.\""));
    }
    app.save("event_cache_key1", "\"last\"");
    for browser in &browsers {
        browser.wait(
            "document.querySelector('#arrived [data-id]')?.innerText.includes('last') === true",
        );
        assert_eq!(
            browser.evaluate("document.querySelectorAll('#arrived [data-id]').length"),
            21
        );
        for value in 1..=20 {
            let times = format!(
                "[...document.querySelectorAll('#arrived [data-id]')].filter((item) => item.innerText.includes('value {value}.')).length"
            );
            assert_eq!(browser.evaluate(&times), 1, "value {value}");
        }
    }
    let heard = until("curl has heard the last", || {
        Some(fs::read_to_string(&output).unwrap()).filter(|heard| heard.contains("\"last\""))
    });
    let _ = curl.kill();
    let _ = curl.wait();
    let values: Vec<&str> = heard
        .lines()
        .filter(|line| line.contains("\"value\":\"value "))
        .collect();
    assert_eq!(values.len(), 20, "{heard}");
}

/// What visitors of a deployed app see.
#[test]
fn without_development_tools_the_page_shows_how_to_send_an_event() {
    let app = App::new();
    let server = Server::start(app.path(), &[("DEV_TOOLS", "off")]);
    let browser = Browser::start();
    browser.open(&server.url("/"));
    has_status(&browser, "open");
    says(&browser, "#no-tools", "sse save KEY VALUE");
    is_hidden(&browser, "#tools");
    is_hidden(&browser, "#terminal");
    is_hidden(&browser, "#trigger-error");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#buttons button').length"),
        0
    );
    app.save("event_cache_key1", "\"arrived.\"");
    says(&browser, "#arrived", "arrived.");
    says(&browser, "#toasts", "arrived.");
    is_hidden(&browser, "#tools");
}

#[test]
fn a_page_gets_an_event_saved_while_it_was_served() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    let stream = Stream::open(server.address(), "/sse/stream", None);
    browser.open(&server.url("/"));
    browser.click("#place-order");
    says(&browser, "#heard", "event_name1");
    assert_eq!(browser.evaluate("location.pathname"), "/order");
    // As often as one likes, from either page. The browser keeps none of the answers.
    for from in ["/order", "/"] {
        let last = browser.evaluate("document.querySelector('#heard').innerText");
        browser.open(&server.url(from));
        browser.click("#place-order");
        browser.wait(&format!(
            "document.querySelector('#heard')?.innerText.startsWith('event_name1') === true
                && document.querySelector('#heard').innerText !== {last}"
        ));
    }
    for _ in 0..3 {
        assert_eq!(stream.next_event().name(), "event_name1");
    }
    stream.expect_silence(A_SECOND);
}

#[test]
fn an_edited_public_file_is_seen_at_the_next_visit() {
    let app = App::new();
    let public = app.path().join("public");
    // Browsers guess that a file that has long been as it is may be kept.
    for file in ["style.css", "app.js", "index.html"] {
        let file = fs::File::options()
            .write(true)
            .open(public.join(file))
            .unwrap();
        file.set_modified(SystemTime::now() - 1_000 * 24 * 3_600 * A_SECOND)
            .unwrap();
    }
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    for (file, addition) in [
        ("style.css", "body { --edited: 1; }"),
        ("app.js", "window.edited = 1;"),
        ("index.html", "<p id=\"edited\"></p>"),
    ] {
        let text = fs::read_to_string(public.join(file)).unwrap();
        fs::write(public.join(file), text + addition).unwrap();
    }
    browser.open(&server.url("/favicon.svg"));
    listening(&browser, &server);
    assert_eq!(
        browser.evaluate("getComputedStyle(document.body).getPropertyValue('--edited').trim()"),
        "1"
    );
    assert_eq!(browser.evaluate("window.edited"), 1);
    assert_eq!(
        browser.evaluate("document.querySelector('#edited') !== null"),
        true
    );
}

#[test]
fn events_arrive_once_across_planned_ends_and_a_restart() {
    let app = App::new();
    let server = Server::start(app.path(), &[("SSE_STREAM_DURATION", "1")]);
    let port = server.port().to_owned();
    let browser = Browser::start();
    listening(&browser, &server);
    for value in 1..=40 {
        app.save("event_cache_key1", &format!("\"value {value}.\""));
        if value % 10 == 0 {
            // The stream ends, and another begins.
            browser.evaluate("new Promise((done) => sse.once('open', () => done(true)))");
        }
    }
    shown(&browser, 40, Instant::now());
    server.kill();
    app.save("event_cache_key1", "\"while away.\"");
    let _server = Server::start(app.path(), &[("PORT", &port)]);
    browser.wait("document.querySelector('#arrived [data-id]').innerText.includes('while away.')");
    assert_eq!(
        browser.evaluate("document.querySelectorAll('#arrived [data-id]').length"),
        41
    );
    assert_eq!(
        browser.evaluate("new Set([...document.querySelectorAll('#arrived [data-id]')].map((item) => item.dataset.id)).size"),
        41
    );
}

#[test]
fn the_page_shows_why_the_stream_is_unavailable() {
    let app = App::with_env("SSE_EVENTS=event_name1\n");
    let server = app.start();
    let browser = Browser::start();
    browser.open(&server.url("/"));
    says(&browser, "#reason-text", "lacks its `:cache_key`");
    says(&browser, "#reason", "This page tries again automatically.");
    is_hidden(&browser, "#again");
}

#[test]
fn the_page_reports_a_client_that_did_not_load() {
    let app = App::new();
    let script = "window.sseReady = import('./missing.js');";
    fs::write(app.path().join("public/js/sse-client.js"), script).unwrap();
    let server = app.start();
    let browser = Browser::start();
    browser.open(&server.url("/"));
    says(&browser, "#reason", "The client did not load");
    says(&browser, "#again", "Try again");
}

#[test]
fn the_page_shows_that_the_app_is_down_and_back() {
    let app = App::new();
    let server = app.start();
    let port = server.port().to_owned();
    let browser = Browser::start();
    listening(&browser, &server);
    is_hidden(&browser, "#reason");
    server.kill();
    has_status(&browser, "reconnecting");
    says(&browser, "#reason", "The app does not answer.");
    says(&browser, "#status", "Reconnecting");
    app.save("event_cache_key1", "\"while away.\"");
    let _server = Server::start(app.path(), &[("PORT", &port)]);
    says(&browser, "#status", "Connected");
    is_hidden(&browser, "#reason");
    // What is saved while the page is there is news, also where it comes late.
    says(&browser, "#toasts", "while away.");
}

#[test]
fn each_of_two_tabs_shows_whose_connection_it_uses() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    let first = browser.current_tab();
    listening(&browser, &server);
    says(&browser, "#tabs", HOLDS);
    let second = browser.new_tab();
    browser.switch_to(&second);
    listening(&browser, &server);
    says(&browser, "#tabs", SHARES);
    browser.click("[data-event-button=event_name2]");
    shown(&browser, 1, Instant::now());
    browser.close_tab(&first);
    says(&browser, "#tabs", HOLDS);
    app.save("event_cache_key1", "\"from the other connection.\"");
    says(&browser, "#arrived", "from the other connection.");
}

/// Browsers have no locks for pages of plain http, except on the machine itself, to which this address
/// does not count although it leads there.
#[test]
fn a_tab_that_cannot_share_shows_that() {
    let app = App::new();
    let server = Server::start(app.path(), &[("HOST", "0.0.0.0")]);
    let browser = Browser::start();
    browser.open(&format!("http://0.0.0.0:{}/", server.port()));
    listens(&browser);
    assert_eq!(browser.evaluate("isSecureContext"), false);
    says(&browser, "#tabs", "This tab has a connection of its own.");
    browser.click("[data-event-button=event_name2]");
    shown(&browser, 1, Instant::now());
}

#[test]
fn a_page_continues_after_the_last_one_and_lists_missed_events_without_toasts() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    is_hidden(&browser, "#resumed");
    browser.wait("/^[0-9a-f]{16}-0$/.test(document.querySelector('#place').innerText)");
    browser.open(&server.url("/favicon.svg"));
    app.save("event_cache_key1", "\"missed.\"");
    listening(&browser, &server);
    says(
        &browser,
        "#resumed",
        "Resumed where the previous page stopped",
    );
    says(&browser, "#arrived .earlier", "missed.");
    says(&browser, "#arrived .earlier", "before this page was opened");
    assert_eq!(toasts(&browser), "\"\"");

    app.save("event_cache_key2", "\"news.\"");
    says(&browser, "#toasts", "news.");
    says(&browser, "#arrived .news", "news.");
    assert!(!toasts(&browser).contains("missed."));
    browser.wait("document.querySelector('#place').innerText.endsWith('-2')");
}

/// What is news is decided by the server's clock, as the times of the events are.
#[test]
fn new_events_are_shown_as_new_although_the_clock_is_fast() {
    let app = App::new();
    let public = app.path().join("public");
    let page = fs::read_to_string(public.join("index.html")).unwrap();
    let page = page.replace("<head>", "<head><script src=\"/fast.js\"></script>");
    fs::write(public.join("index.html"), page).unwrap();
    let script = "const { now } = Date; Date.now = () => now() + 600_000;";
    fs::write(public.join("fast.js"), script).unwrap();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    app.save("event_cache_key1", "\"news.\"");
    says(&browser, "#toasts", "news.");
}

#[test]
fn a_replaced_cache_folder_is_an_explained_gap() {
    let app = App::new();
    let server = app.start();
    let port = server.port().to_owned();
    let browser = Browser::start();
    listening(&browser, &server);
    browser.reload();
    says(&browser, "#resumed", "Resumed");
    server.kill();
    fs::remove_dir_all(app.path().join("writable")).unwrap();
    let _server = Server::start(app.path(), &[("PORT", &port)]);
    says(&browser, "#arrived .gap", "Events may have been missed");
    says(&browser, "#arrived .gap", "emptied or replaced");
    says(&browser, "#toasts", "Possible gap");
    is_hidden(&browser, "#resumed");
}

#[test]
fn every_gap_reason_is_explained() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    for (reason, explanation) in [
        ("unknown-id", "cannot read the last event id"),
        ("other-epoch", "emptied or replaced"),
        ("expired", "time to live of the missed events"),
        ("swept", "removed the oldest"),
        ("unreadable", "cannot read back"),
        ("connection-lost", "connection was lost before"),
        // A library that is newer than the page may know more.
        ("constructor", "reloads it now"),
    ] {
        browser.evaluate(&format!(
            "import('/js/sse.js').then(({{ SseEvent }}) => {{
                const data = JSON.stringify({{ reason: '{reason}' }});
                sse.dispatchEvent(new SseEvent('sse.gap', {{ data }}));
            }})"
        ));
        let item = format!("#arrived [data-gap={reason}]");
        says(&browser, &item, explanation);
        says(&browser, &item, reason);
    }
}

#[test]
fn a_refused_stream_shows_why_and_a_button_retries() {
    let app = App::new();
    let server = app.start();
    for (status, meaning, body) in [
        ("204 No Content", "closed the stream for good", ""),
        ("401 Unauthorized", "log in", "Sign <b>in</b> first."),
        ("403 Forbidden", "not allowed to receive", "Members only."),
        ("404 Not Found", "does not exist", "Not here."),
    ] {
        let guard = Guard::before(&server, status, body);
        let browser = Browser::start();
        browser.open(&format!("http://{}/", guard.address));
        has_status(&browser, "closed");
        says(&browser, "#reason-title", "The stream was refused");
        says(&browser, "#reason-why", meaning);
        says(&browser, "#reason-why", &status[..3]);
        says(&browser, "#reason", "does not try again automatically");
        assert_eq!(
            browser.evaluate("document.querySelector('#reason-text').textContent"),
            body
        );
        says(&browser, "#tabs", "No connection");

        // The keyboard stays where it is when the answer is the same.
        browser.execute("document.querySelector('#again').focus()");
        browser.evaluate("new Promise((done) => { sse.once('error', done); document.activeElement.click(); }).then(() => true)");
        says(&browser, "#reason-why", meaning);
        assert_eq!(browser.evaluate("document.activeElement.id"), "again");

        guard.opens.store(true, Ordering::Relaxed);
        browser.click("#again");
        has_status(&browser, "open");
        is_hidden(&browser, "#reason");
        assert_eq!(browser.evaluate("document.activeElement.id"), "connection");
        browser.click("[data-event-button=event_name1]");
        shown(&browser, 1, Instant::now());
    }
}

/// A proxy in front of a server that lets nobody to the stream until it is told to.
struct Guard {
    address: String,
    opens: Arc<AtomicBool>,
}

impl Guard {
    fn before(server: &Server, status: &str, body: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let opens = Arc::new(AtomicBool::new(false));
        let refusal = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n{body}"
        );
        let (behind, opened) = (server.address().to_owned(), Arc::clone(&opens));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let refusal = (!opened.load(Ordering::Relaxed)).then(|| refusal.clone());
                let behind = behind.clone();
                // Browsers break off connections.
                thread::spawn(move || pass_on(&client, &behind, refusal.as_deref()).is_ok());
            }
        });
        Self { address, opens }
    }
}

/// One request, and its answer for as long as that goes on.
fn pass_on(mut client: &TcpStream, behind: &str, refusal: Option<&str>) -> io::Result<()> {
    let mut reader = BufReader::new(client.try_clone()?);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head)? == 0 {
            return Ok(());
        }
    }
    if let Some(refusal) = refusal.filter(|_| head.starts_with("GET /sse/stream")) {
        return client.write_all(refusal.as_bytes());
    }
    let mut server = TcpStream::connect(behind)?;
    let head = head.replace("Connection: keep-alive", "Connection: close");
    server.write_all(head.as_bytes())?;
    let mut request = server.try_clone()?;
    thread::spawn(move || io::copy(&mut reader, &mut request));
    io::copy(&mut server, &mut client).map(drop)
}

#[test]
fn an_event_configured_later_needs_no_reload() {
    let app = App::with_env(
        "SSE_STREAM_DURATION=300\nSSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2\n",
    );
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    let env = "SSE_STREAM_DURATION=300\nSSE_EVENTS=event_name2:event_cache_key2,event_name3:event_cache_key3\n";
    fs::write(app.path().join(".env"), env).unwrap();
    server.wait_for_log("its new values are in effect");
    app.save("event_cache_key3", "\"of a new event.\"");
    says(
        &browser,
        "#arrived [data-event=event_name3]",
        "of a new event.",
    );
    browser.click("[data-event-button=event_name3]");
    shown(&browser, 2, Instant::now());
}

/// As clients that are built on `fetch` do it: they come back with the header `Last-Event-ID`, which the
/// browser lets them send to another origin only after a preflight.
#[test]
fn a_page_of_another_origin_reconnects_with_fetch() {
    let (pages, app) = (App::new(), App::new());
    let page = pages.start();
    let env = fs::read_to_string(app.path().join(".env")).unwrap();
    let origin = format!("http://127.0.0.1:{}", page.port());
    let env = format!("{env}SSE_ALLOWED_ORIGINS={origin}\n");
    fs::write(app.path().join(".env"), env).unwrap();
    let server = app.start();
    let browser = Browser::start();
    browser.open(&format!("{origin}/favicon.svg"));
    // The text of a stream up to its first blocks, or why there is none.
    let listen = |headers: &str| {
        let text = browser.evaluate(&format!(
            "(async () => {{
                const abort = new AbortController();
                const {{ signal }} = abort;
                const headers = {{ Accept: 'text/event-stream', ...{headers} }};
                const options = {{ headers, signal, credentials: 'include' }};
                try {{
                    const {{ body }} = await fetch('{}', options);
                    const reader = body.pipeThrough(new TextDecoderStream()).getReader();
                    let text = '';
                    while (!/\\n\\n[^]*\\n\\n$/.test(text) && !/id: .*-0\\n/.test(text)) {{
                        text += (await reader.read()).value;
                    }}
                    return text;
                }} catch (error) {{
                    return String(error);
                }} finally {{
                    abort.abort();
                }}
            }})()",
            server.url("/sse/stream")
        ));
        text.as_str().unwrap().to_owned()
    };
    let first = listen("{}");
    let id = first.lines().find_map(|line| line.strip_prefix("id: "));
    let id = id.unwrap_or_else(|| panic!("no place in {first}"));
    app.save("event_cache_key1", "\"while away.\"");
    let returned = format!("{{ 'Last-Event-ID': '{id}', 'Cache-Control': 'no-cache' }}");
    let second = listen(&returned);
    assert!(second.contains("while away."), "{second}");

    // The same page by a name that is not allowed.
    browser.open(&format!("http://localhost:{}/favicon.svg", page.port()));
    let refused = listen(&returned);
    assert!(refused.contains("Failed to fetch"), "{refused}");
}

#[test]
fn saved_values_never_become_html() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    let value =
        "<img src=x onerror=\"window.injected = true\"><script>window.injected = true</script>";
    app.save("event_cache_key1", &serde_json::json!(value).to_string());
    shown(&browser, 1, Instant::now());
    let text = serde_json::json!(value).to_string();
    says(&browser, "#arrived .value", &text);
    assert_eq!(
        browser.evaluate("document.querySelector('#arrived img, .toast img, #arrived script') === null && !window.injected"),
        true
    );
}

#[test]
fn the_pages_work_under_a_strict_content_security_policy() {
    let app = App::new();
    for page in ["index.html", "order.html"] {
        let path = app.path().join("public").join(page);
        let policy = "<head>
            <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'self'\">
            <script src=\"/violations.js\"></script>";
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("<head>", policy)).unwrap();
    }
    let script = "window.violations = [];
        addEventListener('securitypolicyviolation', (event) => violations.push(event.violatedDirective));";
    fs::write(app.path().join("public/violations.js"), script).unwrap();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    browser.click("[data-event-button=event_name1]");
    says(&browser, "#toasts", "event_name1");
    assert_eq!(browser.evaluate("violations.join()"), "");
    browser.click("#place-order");
    says(&browser, "#heard", "event_name1");
    assert_eq!(browser.evaluate("violations.join()"), "");
}

#[test]
fn toasts_are_announced_and_cover_only_their_part_of_the_bar() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    for width in [500, 768, 1280] {
        browser.resize(width, 900);
        listening(&browser, &server);
        for value in ["\"one\"", "\"two\"", "\"three\"", "\"four\""] {
            app.save("event_cache_key1", value);
        }
        says(&browser, "#toasts", "four");
        browser.execute(
            "document.querySelector('.toast:last-child button').focus(); scrollTo(0, 1000);",
        );
        browser.wait("document.getAnimations().every(({ playState }) => playState !== 'running')");
        let within = "(([bar, ...toasts]) => toasts.every(({ top, bottom, left, right }) =>
            top >= bar.top && bottom <= bar.bottom && left >= bar.left && right <= bar.right))
            ([...document.querySelectorAll('.bar, .toast')].filter((node) => node.checkVisibility()).map((node) => node.getBoundingClientRect()))";
        assert_eq!(browser.evaluate(within), true, "{width}");
        let beside = "document.querySelector('.toast:last-child').getBoundingClientRect().right
            <= document.querySelector('#status').getBoundingClientRect().left";
        assert_eq!(browser.evaluate(beside), true, "{width}");
        assert_eq!(
            browser.evaluate(
                "document.querySelector('.toast').closest('[aria-live=polite]') !== null"
            ),
            true
        );
    }
}

#[test]
fn the_keyboard_dismisses_toasts_and_keeps_the_focus() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    app.save("event_cache_key1", "\"one\"");
    says(&browser, "#toasts", "one");
    // As long as it has the focus it stays.
    browser.execute("document.querySelector('.toast button').focus()");
    app.save("event_cache_key1", "\"two\"");
    says(&browser, "#toasts", "two");
    browser.execute("document.activeElement.click()");
    browser.wait("document.activeElement.closest('.toast')?.innerText.includes('two') === true");
    browser.execute("document.activeElement.click()");
    browser.wait("document.activeElement.id === 'arrived'");
}

#[test]
fn the_originals_listener_code_works_unchanged() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    listening(&browser, &server);
    browser.execute(
        "sseReady.then((source) => source.addEventListener('event_name1', function (event) {
            window.heardAt = JSON.parse(event.data).timestamp;
        }));",
    );
    browser.wait("new Promise((done) => sseReady.then(() => done(true)))");
    app.save("event_cache_key1", "1");
    browser.wait("typeof window.heardAt === 'string' && window.heardAt.endsWith('Z')");
}

#[test]
fn the_page_fits_on_a_phone() {
    let app = App::new();
    let server = app.start();
    let browser = Browser::start();
    browser.resize(500, 900);
    listening(&browser, &server);
    browser.click("[data-event-button=event_name1]");
    shown(&browser, 1, Instant::now());
    assert_eq!(
        browser.evaluate(
            "document.documentElement.scrollWidth <= document.documentElement.clientWidth"
        ),
        true
    );
}
