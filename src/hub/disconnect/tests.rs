use std::{
    io::{Read, Write},
    net::{TcpListener, TcpStream},
};

use super::*;

/// The server's end of a connection whose buffers are full, and the client's.
fn full_connection() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let (mut server, _) = listener.accept().unwrap();
    server.set_nonblocking(true).unwrap();
    client.set_nonblocking(true).unwrap();
    fill(&mut server, 64 * 1024);
    (server, client)
}

/// Writes blocks of this size until the buffers of both ends stay full: on a busy machine, the kernel moves bytes from
/// one to the other later.
fn fill(server: &mut TcpStream, size: usize) {
    let block = vec![0; size];
    let mut full_rounds = 0;
    while full_rounds < 2 {
        full_rounds += 1;
        while server.write(&block).is_ok() {
            full_rounds = 0;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Reads at most 1 MiB: more than a window update needs.
fn read_available(client: &mut TcpStream) -> usize {
    let mut read = || client.read(&mut [0; 64 * 1024]).unwrap_or(0);
    (0..16).map(|_| read()).sum()
}

fn ending_connection(server: &TcpStream) -> EndingConnection {
    let port = server.local_addr().unwrap().port();
    let endpoints = Endpoints::new(server.peer_addr().unwrap(), port);
    let mut found = find_descriptors(&HashMap::from([(endpoints, Some(0))]));
    assert_eq!(found.len(), 1, "only the server's end counts");
    found.pop().unwrap()
}

fn socket(connection: &EndingConnection) -> socket::Socket<'_> {
    let socket = connection.descriptor.socket(&connection.endpoints);
    socket.unwrap()
}

fn checks_until_disconnected(
    connection: &mut EndingConnection,
    mut before_each: impl FnMut(&EndingConnection),
) -> Option<u32> {
    (1..=MAX_CHECKS_PER_CONNECTION).find(|_| {
        before_each(connection);
        connection.check(true) == CheckResult::Disconnected
    })
}

#[test]
fn a_client_that_takes_nothing_is_disconnected() {
    let (mut server, _client) = full_connection();
    let mut connection = ending_connection(&server);
    let checks = checks_until_disconnected(&mut connection, |_| {});
    assert_eq!(checks, Some(MAX_CHECKS_WITHOUT_PROGRESS));
    assert!(server.write(&[0]).is_err());
}

#[test]
fn a_client_that_reads_slowly_has_more_time() {
    let (mut server, mut client) = full_connection();
    let mut connection = ending_connection(&server);
    let mut received = 0;
    let checks = checks_until_disconnected(&mut connection, |connection| {
        // The full socket may hold as many bytes as at the last check by chance: try again.
        for _ in 0..100 {
            received += read_available(&mut client) + 1;
            std::thread::sleep(Duration::from_millis(5));
            fill(&mut server, 1 + received % 1_000);
            if socket(connection).unacknowledged_bytes() != connection.unacknowledged_bytes {
                break;
            }
        }
    });
    // A system that does not report what the client has read cannot give it more time.
    let expected = if crate::platform::IS_LINUX {
        MAX_CHECKS_WITH_FULL_SOCKET
    } else {
        MAX_CHECKS_WITHOUT_PROGRESS
    };
    assert_eq!(checks, Some(expected), "{received} bytes");
}

#[test]
fn a_connection_with_room_is_left_alone_until_its_stream_has_ended() {
    let (server, mut client) = full_connection();
    let mut connection = ending_connection(&server);
    assert_eq!(connection.check(true), CheckResult::CheckAgain);
    while !socket(&connection).has_room() {
        let _ = client.read(&mut [0; 64 * 1024]);
    }
    let checks = checks_until_disconnected(&mut connection, |_| {});
    assert_eq!(checks, None);
    assert_eq!(connection.check(false), CheckResult::Done);
}

#[test]
fn another_connection_with_the_same_descriptor_is_left_alone() {
    let (server, _client) = full_connection();
    let (other, _other_client) = full_connection();
    let mut connection = ending_connection(&server);
    connection.descriptor = ending_connection(&other).descriptor;
    assert_eq!(connection.check(true), CheckResult::Done);
}
