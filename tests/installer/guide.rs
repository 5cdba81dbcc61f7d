//! The worked example of docs/getting-started.md, pasted step by step: after each step the app compiles.

use std::net::{TcpListener, TcpStream};

use serde_json::json;
use support::{Running, Stream, guide_blocks, http, until};

use crate::{compiled, hello::Hello};

const HEADING: &str = "Add it to an app";

/// A port that is free again when this returns.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn each_step_compiles_when_pasted_after_the_ones_before() {
    let hello = Hello::new();
    let append = |name: &str, text: &str| hello.write(name, &(hello.read(name) + text));
    let port = free_port();
    let [main, handler] = guide_blocks(HEADING, "rust").try_into().unwrap();
    let [page, tag, listener] = guide_blocks(HEADING, "html").try_into().unwrap();

    // 1. Create an app.
    hello.write("src/main.rs", &main.replace("8080", &port.to_string()));
    hello.write("src/index.html", &page);
    compiled::build(&hello);
    // 2. Install.
    hello.sse_succeeds(&["install"]);
    compiled::build(&hello);
    // 3. and 4. The page.
    append("src/index.html", &tag);
    append("src/index.html", &listener);
    compiled::build(&hello);
    // 5. From the app: a crate, the handler as it is, and its route.
    hello.replace(
        "Cargo.toml",
        "[dependencies]\n",
        "[dependencies]\nserde_json = \"1\"\n",
    );
    append("src/main.rs", &handler);
    let index = ".service(index)";
    hello.replace(
        "src/main.rs",
        index,
        &format!("{index}\n            .service(order)"),
    );
    let program = compiled::build(&hello);

    let _running = Running(compiled::run(&hello, &program));
    let address = format!("127.0.0.1:{port}");
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
