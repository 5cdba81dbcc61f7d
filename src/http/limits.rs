//! Limits how many streams are open, in total and per address.

use std::{
    collections::{HashMap, hash_map},
    net::IpAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

use crate::{
    config::Config,
    error::{Error, ErrorKind},
    runtime::lock,
};

/// Descriptors that streams leave for the app's own pages and files, and for the library's: at most
/// this many, or a tenth of the limit if that is less. Requests for pages are short, so 256 serve
/// thousands of them a second.
const MAX_RESERVED_DESCRIPTORS: usize = 256;

/// Counts the open streams.
pub(super) struct StreamLimits {
    open_streams: AtomicUsize,
    /// Notified when the last stream has ended.
    all_ended: Notify,
    /// Contains the networks that have an open stream, so it has at most as many items as there are
    /// streams.
    per_network: Mutex<HashMap<u64, usize>>,
    /// The number of streams that the limit of open files allows.
    max_streams_by_descriptors: usize,
}

/// Counts one stream until it is dropped.
pub(super) struct StreamGuard {
    limits: Arc<StreamLimits>,
    network: Option<u64>,
}

/// What counts as one address: an IPv4 address or an IPv6 network of 64 bits, since every IPv6 client
/// may use any address of its /64. The numbers of the two do not overlap: in `::/32`, clients have only
/// `::1`, and no client has the address 0.0.0.0.
fn network(address: IpAddr) -> u64 {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_bits().into(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments().map(u64::from);
            a << 48 | b << 32 | c << 16 | d
        }
    }
}

impl StreamLimits {
    pub(super) fn new() -> Self {
        Self {
            open_streams: AtomicUsize::new(0),
            all_ended: Notify::new(),
            per_network: Mutex::default(),
            max_streams_by_descriptors: max_streams_by_descriptors(),
        }
    }

    /// The number of open streams.
    pub(super) fn open_streams(&self) -> usize {
        // Relaxed: the count guards no other data. For `all_ended`, see there.
        self.open_streams.load(Ordering::Relaxed)
    }

    /// How many streams may be open.
    pub(super) fn max_streams(&self, config: &Config) -> usize {
        let limit = config.max_connections();
        limit.min(self.max_streams_by_descriptors).max(1)
    }

    /// Waits until no stream is open.
    pub(super) async fn all_ended(&self) {
        loop {
            // The order matters: a stream that ends after this line wakes the future, and the count
            // of a stream that ended before it is visible below, because `Notify` synchronises.
            let ended = self.all_ended.notified();
            if self.open_streams() == 0 {
                return;
            }
            ended.await;
        }
    }

    /// Counts a stream, or fails if a limit is reached.
    pub(super) fn acquire(
        self: &Arc<Self>,
        config: &Config,
        address: Option<IpAddr>,
    ) -> Result<StreamGuard, Error> {
        let limit = self.max_streams(config);
        // The guard exists before the check, so that a refused stream is subtracted again.
        let mut guard = StreamGuard {
            limits: Arc::clone(self),
            network: None,
        };
        // Relaxed: each stream gets a different count under any ordering.
        if self.open_streams.fetch_add(1, Ordering::Relaxed) >= limit {
            return Err(is_full("server", limit).with_help(
                "try again later; SSE_MAX_CONNECTIONS and the limit of open files set the limit",
            ));
        }
        // Without a limit, addresses are not counted, so that opening a stream takes no lock.
        if let (Some(address), Some(limit)) = (address, config.max_connections_per_address()) {
            let network = network(address);
            self.count_in(network, limit)?;
            guard.network = Some(network);
        }
        Ok(guard)
    }

    fn count_in(&self, network: u64, limit: usize) -> Result<(), Error> {
        let mut per_network = lock(&self.per_network);
        let streams = per_network.get(&network).copied().unwrap_or(0);
        if streams >= limit {
            return Err(is_full("address", limit)
                .with_help("close another page of this site, or try again later"));
        }
        per_network.insert(network, streams + 1);
        Ok(())
    }
}

impl Drop for StreamGuard {
    fn drop(&mut self) {
        if let Some(network) = self.network
            && let hash_map::Entry::Occupied(mut count) =
                lock(&self.limits.per_network).entry(network)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        // Relaxed: `Notify` makes the count visible to the task that it wakes; see `all_ended`.
        if self.limits.open_streams.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.limits.all_ended.notify_waiters();
        }
    }
}

fn is_full(subject: &str, limit: usize) -> Error {
    let message = format!("this {subject} has reached its limit of {limit} streams");
    Error::new(ErrorKind::Busy, message)
}

fn max_streams_by_descriptors() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(usize::MAX, |limit| {
        limit - (limit / 10).min(MAX_RESERVED_DESCRIPTORS)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(total: usize, per_address: usize) -> Config {
        Config::new(".", "a:k")
            .unwrap()
            .with_max_connections(total)
            .with_max_connections_per_address(per_address)
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn the_limit_of_one_address_does_not_affect_others() {
        let limits = Arc::new(StreamLimits::new());
        let config = config(10, 2);
        let first = limits.acquire(&config, address("192.0.2.1")).unwrap();
        let _second = limits.acquire(&config, address("192.0.2.1")).unwrap();
        let refused = limits.acquire(&config, address("192.0.2.1")).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Busy);
        assert_eq!(limits.open_streams(), 2, "a refused stream is not counted");
        let _other = limits.acquire(&config, address("192.0.2.2")).unwrap();
        drop(first);
        assert!(limits.acquire(&config, address("192.0.2.1")).is_ok());
    }

    #[test]
    fn a_stream_refused_by_the_total_limit_leaves_no_count_behind() {
        let limits = Arc::new(StreamLimits::new());
        let config = config(1, 1);
        let held = limits.acquire(&config, address("192.0.2.1")).unwrap();
        for last in 2..100 {
            let refused = limits.acquire(&config, address(&format!("192.0.2.{last}")));
            assert!(refused.is_err());
        }
        assert_eq!(
            (limits.open_streams(), lock(&limits.per_network).len()),
            (1, 1)
        );
        drop(held);
        assert_eq!(
            (limits.open_streams(), lock(&limits.per_network).len()),
            (0, 0)
        );
    }

    #[test]
    fn without_a_limit_or_an_address_only_the_total_counts() {
        let limits = Arc::new(StreamLimits::new());
        let unlimited = Config::new(".", "a:k").unwrap();
        let many: Vec<_> = (0..100)
            .map(|_| limits.acquire(&unlimited, address("192.0.2.1")).unwrap())
            .collect();
        let limited = config(1_000, 1);
        let _nameless = [(); 5].map(|()| limits.acquire(&limited, None).unwrap());
        assert!(lock(&limits.per_network).is_empty());
        drop(many);
        assert_eq!(limits.open_streams(), 5);
    }

    #[test]
    fn an_ipv6_network_and_both_forms_of_an_ipv4_address_count_as_one() {
        let network = |text: &str| network(text.parse().unwrap());
        let same = |a: &str, b: &str| network(a) == network(b);
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
