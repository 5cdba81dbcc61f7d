//! The worked example of docs/getting-started.md, followed as it is written: commands, edits and pasted code.

use std::net::TcpStream;

use serde_json::json;
use support::{ReservedPort, Running, Stream, guide_blocks, http, until};

use crate::{compiled, hello::Hello};

const NO_APP: &str = "If you have no app yet";
const FIRST: &str = "The first notification";
const NEXT: &str = "The next steps";

/// The only code block in this language below the heading.
#[track_caller]
fn block(heading: &str, language: &str) -> String {
    let [block] = guide_blocks(heading, language).try_into().unwrap();
    block
}

/// The commands below the heading.
fn commands(heading: &str) -> Vec<String> {
    let blocks = guide_blocks(heading, "console").join("");
    let lines = blocks.lines().filter_map(|line| line.strip_prefix("$ "));
    lines.map(str::to_owned).collect()
}

/// The app of the guide's first section, at this port.
fn shop(port: &ReservedPort) -> Hello {
    let hello = Hello::new();
    let main = block(NO_APP, "rust");
    hello.write(
        "src/main.rs",
        &main.replace("8080", &port.number().to_string()),
    );
    hello.write("src/index.html", &block(NO_APP, "html"));
    hello
}

/// Inserts the tag where `sse install` says that it belongs, in a line of its own.
#[track_caller]
fn insert_tag(hello: &Hello, printed: &str) {
    let tag = block(FIRST, "html");
    assert!(printed.contains(&format!("\n         {tag}")), "{printed}");
    let place = printed.split("  1. In ").nth(1).expect(printed);
    let (location, _) = place.split_once(", before </body>:\n").expect(printed);
    let (file, line) = location.split_once(':').expect(printed);
    let line: usize = line.parse().unwrap();
    let page = hello.read(file);
    let mut lines: Vec<&str> = page.split_inclusive('\n').collect();
    assert!(lines[line - 1].contains("</body>"), "{location}: {page}");
    lines.insert(line - 1, &tag);
    hello.write(file, &lines.concat());
}

/// Inserts the code that saves a value, which `sse install` prints, at the beginning of `order`.
#[track_caller]
fn insert_save(hello: &Hello, printed: &str) {
    for line in block(FIRST, "rust").lines() {
        // Printed with another indentation.
        let line = line.strip_prefix("    ").expect(line);
        assert!(
            printed.contains(&format!("\n         {line}\n")),
            "{line}: {printed}"
        );
    }
    let order = "async fn order(number: web::Path<u32>) -> impl Responder {\n";
    hello.replace(
        "src/main.rs",
        order,
        &(order.to_owned() + &block(FIRST, "rust")),
    );
}

#[test]
fn three_commands_and_two_edits_lead_to_the_first_notification() {
    let document = std::fs::read_to_string(support::workspace().join("docs/getting-started.md"));
    assert!(
        document
            .unwrap()
            .contains("\n\nThree commands and two edits show a notification")
    );
    // The tests run the command of this checkout, which is installed already.
    assert_eq!(
        commands(FIRST),
        ["cargo install --path installer", "sse install", "cargo run"]
    );
    let edits: usize = ["html", "rust", "js", "toml"]
        .map(|language| guide_blocks(FIRST, language).len())
        .iter()
        .sum();
    assert_eq!(edits, 2);

    let port = ReservedPort::new();
    let hello = shop(&port);
    let printed = hello.sse_succeeds(&["install"]);
    insert_tag(&hello, &printed);
    insert_save(&hello, &printed);
    let program = compiled::build(&hello);
    let _running = Running(compiled::run(&hello, &program));
    let address = port.address();
    until("the shop answers", || TcpStream::connect(&address).ok());
    shows_a_toast(&address);

    // The step is done, so it is not listed again.
    let printed = hello.sse_succeeds(&["install"]);
    assert!(!printed.contains("<script"), "{printed}");
}

#[cfg(feature = "tools")]
#[track_caller]
fn shows_a_toast(address: &str) {
    let browser = support::Browser::start();
    let text = "document.querySelector('[role=status] .sse-toast')?.innerText ?? ''";
    // Also after a reload.
    for _ in 0..3 {
        browser.open(&format!("http://{address}/"));
        browser.wait("window.sse?.status === 'open'");
        browser.click("form button");
        browser.wait(&format!("({text}).includes('Somebody pressed a button')"));
        browser.wait(&format!("({text}).includes('event_name1')"));
    }
}

/// Without a browser: the page has the tag, and its visitors receive the event.
#[cfg(not(feature = "tools"))]
#[track_caller]
fn shows_a_toast(address: &str) {
    let page = http::request(address, "GET /", &[], "").read_text();
    assert!(page.contains(&block(FIRST, "html")), "{page}");
    let stream = Stream::open(address, "/sse/stream", None);
    let order = http::request(address, "POST /orders/42", &[], "");
    assert_eq!(order.status, 204);
    let event = stream.next_event();
    assert_eq!(
        (event.name(), event.value()),
        ("event_name1", json!("Somebody pressed a button"))
    );
}

#[test]
fn each_step_compiles_when_pasted_after_the_ones_before() {
    let port = ReservedPort::new();
    let hello = shop(&port);
    compiled::build(&hello);
    let printed = hello.sse_succeeds(&["install"]);
    insert_tag(&hello, &printed);
    insert_save(&hello, &printed);
    compiled::build(&hello);
    // The next steps: a listener in the page, a crate, and the lines that send an object.
    let listener = block(NEXT, "html");
    hello.replace("src/index.html", "</body>", &(listener + "</body>"));
    hello.replace(
        "Cargo.toml",
        "[dependencies]\n",
        "[dependencies]\nserde_json = \"1\"\n",
    );
    let save = block(FIRST, "rust");
    let mut lines = save.split_inclusive('\n');
    let line = lines.find(|line| line.contains(".save(")).unwrap();
    hello.replace("src/main.rs", line, &block(NEXT, "rust"));
    let program = compiled::build(&hello);

    let _running = Running(compiled::run(&hello, &program));
    let address = port.address();
    until("the shop answers", || TcpStream::connect(&address).ok());
    let stream = Stream::open(&address, "/sse/stream", None);
    let order = http::request(&address, "POST /orders/42", &[], "");
    assert_eq!(order.status, 204);
    let event = stream.next_event();
    assert_eq!(
        (event.name(), event.value()),
        ("event_name1", json!({"order": 42}))
    );
}
