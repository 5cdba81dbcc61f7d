//! Clients that never finish to negotiate TLS.

use std::{
    io::Write,
    net::TcpStream,
    thread,
    time::{Duration, Instant},
};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use support::{App, best_of_three};

use super::http::curl;

/// With how many clients a worker of actix-web negotiates at a time, unless the app raises it.
const DEFAULT_HANDSHAKES: usize = 256;

/// A client that waits for a stalled one waits for about three seconds.
const MAX_WAIT: Duration = Duration::from_secs(2);

/// The beginning of a `ClientHello`.
const BEGINNING: &[u8] = b"\x16\x03\x01\x02\x00\x01";

#[test]
fn clients_that_stall_while_they_negotiate_tls_keep_nobody_out() {
    let maximum = getrlimit(Resource::Nofile).maximum;
    let limit = Rlimit {
        current: maximum,
        maximum,
    };
    setrlimit(Resource::Nofile, limit).unwrap();
    let app = App::new();
    let server = app.start_with_tls(&[]);
    let workers = thread::available_parallelism().unwrap().get();
    best_of_three(MAX_WAIT, || {
        let _stalled: Vec<_> = (0..DEFAULT_HANDSHAKES * workers + 100)
            .map(|_| {
                let mut client = TcpStream::connect(server.address()).unwrap();
                client.write_all(BEGINNING).unwrap();
                client
            })
            .collect();
        let asked = Instant::now();
        assert_eq!(curl(&server, &[], "/health"), "2 200");
        asked.elapsed()
    });
}
