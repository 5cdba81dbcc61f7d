//! What the system reports about a server.

use std::{fs, thread, time::Duration};

use support::{Server, until};
use tokio::time::{Instant, sleep};

/// Resident memory, in bytes.
pub(crate) fn memory(server: &Server) -> u64 {
    let status = fs::read_to_string(format!("/proc/{}/status", server.id())).unwrap();
    let line = status.lines().find(|line| line.starts_with("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().nth(1));
    kilobytes.unwrap().parse::<u64>().unwrap() * 1024
}

/// Open descriptors.
pub(crate) fn descriptors(server: &Server) -> usize {
    let path = format!("/proc/{}/fd", server.id());
    fs::read_dir(path).unwrap().count()
}

/// The same, when no connection is closed any more: the system may know that one has ended before the server does.
pub(crate) fn steady_descriptors(server: &Server) -> usize {
    let mut before = 0;
    until("the number of descriptors is steady", || {
        let now = descriptors(server);
        thread::sleep(Duration::from_millis(200));
        let is_steady = now == before;
        before = now;
        is_steady.then_some(now)
    })
}

/// The unacknowledged bytes in the kernel, for each open connection to this port.
pub(crate) fn unsent(port: &str) -> Vec<u64> {
    /// Established connections, and those that only the client has closed.
    const OPEN: [&str; 2] = ["01", "08"];
    let port = format!(":{:04X}", port.parse::<u16>().unwrap());
    let table = fs::read_to_string("/proc/net/tcp").unwrap();
    table
        .lines()
        .skip(1)
        .filter_map(|line| {
            let mut fields = line.split_whitespace().skip(1);
            let (local, _, state) = (fields.next()?, fields.next()?, fields.next()?);
            let (unsent, _) = fields.next()?.split_once(':')?;
            (local.ends_with(&port) && OPEN.contains(&state))
                .then(|| u64::from_str_radix(unsent, 16).unwrap())
        })
        .collect()
}

/// Waits until `server` has this many connections.
pub(crate) fn wait_for_connections(server: &Server, count: usize) {
    until(&format!("{count} connections"), || {
        (unsent(server.port()).len() == count).then_some(())
    });
}

/// Waits until the condition is true, while the clients run. Returns `false` after `time`.
pub(crate) async fn comes_true(time: Duration, mut condition: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + time;
    while !condition() {
        if Instant::now() > end {
            return false;
        }
        sleep(Duration::from_millis(20)).await;
    }
    true
}

/// Waits until it uses hardly any processor time.
pub(crate) fn wait_until_idle(server: &Server) {
    let mut before = Duration::ZERO;
    until("the server is idle", || {
        let now = server.cpu_time();
        thread::sleep(Duration::from_millis(200));
        let is_idle = now.saturating_sub(before) <= Duration::from_millis(10);
        before = now;
        is_idle.then_some(())
    });
}
