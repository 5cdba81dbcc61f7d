//! The worked example of docs/getting-started.md, pasted step by step: after each step the app compiles.

use std::{
    io::{self, Write},
    net::{TcpListener, TcpStream},
};

use serde_json::json;
use support::{DEADLINE, Running, Stream, guide_blocks, until};

use crate::{compiled, hello::Hello};

const HEADING: &str = "Install it into an app";

/// The listener is gone when this returns, and the port free.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn each_step_compiles_when_it_is_pasted_behind_those_before() {
    let hello = Hello::new();
    let append = |name: &str, text: &str| hello.write(name, &(hello.read(name) + text));
    let port = free_port();
    let [main, handler] = guide_blocks(HEADING, "rust").try_into().unwrap();
    let [page, tag, listener] = guide_blocks(HEADING, "html").try_into().unwrap();

    // 1. An app.
    hello.write("src/main.rs", &main.replace("8080", &port.to_string()));
    hello.write("src/index.html", &page);
    compiled::build(&hello);
    // 2. Install.
    hello.sse_does(&["install"]);
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
    let mut order = TcpStream::connect(&address).unwrap();
    let request = "POST /orders/42 HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
                   Content-Length: 0\r\n\r\n";
    order.set_read_timeout(Some(DEADLINE)).unwrap();
    order.write_all(request.as_bytes()).unwrap();
    let answer = io::read_to_string(order).unwrap();
    assert!(answer.starts_with("HTTP/1.1 204 "), "{answer}");
    let event = stream.next_event();
    assert_eq!(
        (event.name(), event.value()),
        ("event_name1", json!({"order": 42}))
    );
}
