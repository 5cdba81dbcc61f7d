//! Streams that are refused, and pages of other origins.

use std::{
    fs,
    io::{self, BufRead, BufReader, Write},
    net::{TcpListener, TcpStream},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Instant,
};

use support::{App, Browser, Server};

use super::{wait_for_events, wait_for_status, wait_for_text, wait_until_hidden};

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
        let guard = Guard::in_front_of(&server, status, body);
        let browser = Browser::start();
        browser.open(&format!("http://{}/", guard.address));
        wait_for_status(&browser, "closed");
        wait_for_text(
            &browser,
            "#reason-title",
            "The server refused the connection",
        );
        wait_for_text(&browser, "#reason-why", meaning);
        wait_for_text(&browser, "#reason-why", &status[..3]);
        wait_for_text(&browser, "#reason", "does not try again automatically");
        assert_eq!(
            browser.evaluate("document.querySelector('#reason-text').textContent"),
            body
        );
        wait_for_text(&browser, "#tabs", "No connection");

        // The focus stays where it is if the response is the same.
        browser.execute("document.querySelector('#again').focus()");
        browser.evaluate("new Promise((done) => { sse.once('error', done); document.activeElement.click(); }).then(() => true)");
        wait_for_text(&browser, "#reason-why", meaning);
        assert_eq!(browser.evaluate("document.activeElement.id"), "again");

        guard.opens.store(true, Ordering::Relaxed);
        browser.click("#again");
        wait_for_status(&browser, "open");
        wait_until_hidden(&browser, "#reason");
        assert_eq!(browser.evaluate("document.activeElement.id"), "connection");
        browser.click("[data-event-button=event_name1]");
        wait_for_events(&browser, 1, Instant::now());
    }
}

/// A proxy in front of a server that refuses streams until it opens.
struct Guard {
    address: String,
    opens: Arc<AtomicBool>,
}

impl Guard {
    fn in_front_of(server: &Server, status: &str, body: &str) -> Self {
        let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let opens = Arc::new(AtomicBool::new(false));
        let refusal = format!(
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n{body}"
        );
        let (upstream, opened) = (server.address().to_owned(), Arc::clone(&opens));
        thread::spawn(move || {
            for client in listener.incoming().map_while(Result::ok) {
                let refusal = (!opened.load(Ordering::Relaxed)).then(|| refusal.clone());
                let upstream = upstream.clone();
                // Browsers abort connections.
                thread::spawn(move || forward(&client, &upstream, refusal.as_deref()).is_ok());
            }
        });
        Self { address, opens }
    }
}

/// Forwards one request, and its response until it ends.
fn forward(mut client: &TcpStream, upstream: &str, refusal: Option<&str>) -> io::Result<()> {
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
    let mut server = TcpStream::connect(upstream)?;
    let head = head.replace("Connection: keep-alive", "Connection: close");
    server.write_all(head.as_bytes())?;
    let mut request = server.try_clone()?;
    thread::spawn(move || io::copy(&mut reader, &mut request));
    io::copy(&mut server, &mut client).map(drop)
}

/// Clients built on `fetch` reconnect with the header `Last-Event-ID`, which the browser sends to
/// another origin only after a preflight.
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
    // The text of a stream up to its first blocks, or the error.
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
    let id = id.unwrap_or_else(|| panic!("no id in {first}"));
    app.save("event_cache_key1", "\"while away.\"");
    let returned = format!("{{ 'Last-Event-ID': '{id}', 'Cache-Control': 'no-cache' }}");
    let second = listen(&returned);
    assert!(second.contains("while away."), "{second}");

    // The same page under a host name that is not allowed.
    browser.open(&format!("http://localhost:{}/favicon.svg", page.port()));
    let refused = listen(&returned);
    assert!(refused.contains("Failed to fetch"), "{refused}");
}
