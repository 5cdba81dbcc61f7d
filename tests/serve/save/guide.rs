//! The examples of the guide, each as a user runs it.

use std::{
    fs,
    io::{BufRead, BufReader, Read, Write},
    net::{Ipv4Addr, TcpListener, TcpStream},
    process::{Command, Output},
    thread,
};

use serde_json::json;
use support::{block_of_document, http};

use super::{Shop, TOKEN, listen};

/// The token file and the address in the guide.
const TOKEN_FILE: &str = "save-token";
const ADDRESS: &str = "127.0.0.1:8090";

struct Example {
    language: &'static str,
    program: &'static str,
    /// The name under which it is stored.
    file: &'static str,
}

#[test]
fn curl() {
    follow(&Example {
        language: "sh",
        program: "sh",
        file: "save.sh",
    });
}

#[test]
fn php() {
    follow(&Example {
        language: "php",
        program: "php",
        file: "save.php",
    });
}

#[test]
fn python() {
    follow(&Example {
        language: "python",
        program: "python3",
        file: "save.py",
    });
}

#[test]
fn javascript() {
    follow(&Example {
        language: "js",
        program: "node",
        file: "save.mjs",
    });
}

fn follow(example: &Example) {
    let shop = Shop::new();
    let dir = shop.0.path();
    let server = shop.serve();
    let stream = listen(&server);
    let code = block_of_document("guides/save-over-http.md", "Examples", example.language);
    assert!(code.contains(ADDRESS), "{code}");
    let proxy = proxy_that_loses_an_answer(server.address().to_owned());
    fs::write(dir.join(example.file), code.replace(ADDRESS, &proxy)).unwrap();
    let run = || {
        let mut command = Command::new(example.program);
        let command = command.arg(example.file).current_dir(dir);
        let Output {
            status,
            stdout,
            stderr,
        } = command.output().unwrap();
        let text = [stdout, stderr].map(|bytes| String::from_utf8(bytes).unwrap());
        (status.success(), text.concat())
    };

    // The value is saved by the first attempt, and a second one tells so.
    fs::write(dir.join(TOKEN_FILE), format!("{TOKEN}\n")).unwrap();
    let (has_succeeded, text) = run();
    assert!(has_succeeded, "{text}");
    let event = stream.next_event();
    assert_eq!(
        (event.name(), event.value()),
        ("order", json!({"order": 42}))
    );
    assert!(text.contains(&event.id.unwrap()), "{text}");

    let (has_succeeded, text) = run();
    assert!(has_succeeded, "{text}");
    let event = stream.next_event();
    assert!(
        text.contains(&event.id.unwrap()),
        "each run saves a value of its own: {text}"
    );

    fs::write(dir.join(TOKEN_FILE), TOKEN.replace('0', "f")).unwrap();
    let (has_succeeded, text) = run();
    assert!(!has_succeeded, "{text}");
    assert!(text.contains("error: the token of the request"), "{text}");
    assert!(text.contains("help: "), "{text}");
}

/// A proxy in front of the server. The answer to the first request does not reach the client. It ends with the test's
/// process.
fn proxy_that_loses_an_answer(server: String) -> String {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let address = listener.local_addr().unwrap().to_string();
    thread::spawn(move || {
        for (index, client) in listener.incoming().map_while(Result::ok).enumerate() {
            let request = read_request(&client);
            let answer = http::send(&server, &request).unwrap().read_text();
            let answer = match index {
                0 => "HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
                _ => &answer,
            };
            (&client).write_all(answer.as_bytes()).unwrap();
        }
    });
    address
}

/// A request with `Content-Length`, as the last one of its connection.
fn read_request(client: &TcpStream) -> Vec<u8> {
    let mut reader = BufReader::new(client);
    let (mut head, mut length) = (String::new(), 0);
    loop {
        let start = head.len();
        reader.read_line(&mut head).unwrap();
        let line = head[start..].to_ascii_lowercase();
        match line.trim_end().split_once(": ") {
            Some(("content-length", value)) => length = value.parse().unwrap(),
            _ if line == "\r\n" => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).unwrap();
    let head = head.replacen("\r\n", "\r\nConnection: close\r\n", 1);
    [head.into_bytes(), body].concat()
}

#[test]
fn curl_revokes() {
    let shop = Shop::new();
    let server = shop.serve();
    let code = block_of_document("guides/save-over-http.md", "Revoke over HTTP", "sh");
    let code = code
        .replace(ADDRESS, server.address())
        .replace(TOKEN_FILE, "token");
    let mut shell = Command::new("sh");
    let output = shell
        .args(["-c", &code])
        .current_dir(shop.0.path())
        .output();
    let output = output.unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{output:?}");
    assert!(text.starts_with("{\"id\":\""), "{text}");
}
