//! How many streams are open, in all and by address.

use std::{
    collections::{HashMap, hash_map::Entry},
    net::IpAddr,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicUsize, Ordering},
    },
};

use rustix::process::{Resource, getrlimit};
use tokio::sync::Notify;

use crate::{
    config::Config,
    error::{Error, ErrorKind},
};

/// The count of open streams.
pub(crate) struct Permits {
    open: AtomicUsize,
    /// Told when none is open any more.
    returned: Notify,
    /// An address is in here as long as it has a stream, so this is never longer than the list of
    /// streams.
    of_addresses: Mutex<HashMap<Network, usize>>,
    /// As many as the limit of open files leaves room for.
    room: usize,
}

/// One open stream in the count of them.
pub(crate) struct Permit {
    permits: Arc<Permits>,
    network: Option<Network>,
}

/// What counts as one address. Whoever has IPv6 has a /64 at least, and may take any address of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Network {
    V4(u32),
    /// The first half of the address.
    V6(u64),
}

impl Network {
    fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self::V4(address.to_bits()),
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                let network = [a, b, c, d]
                    .iter()
                    .fold(0, |network, segment| network << 16 | u64::from(*segment));
                Self::V6(network)
            }
        }
    }
}

impl Permits {
    pub(super) fn new() -> Self {
        Self {
            open: AtomicUsize::new(0),
            returned: Notify::new(),
            of_addresses: Mutex::default(),
            room: room(),
        }
    }

    /// Streams that are open now.
    pub(super) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// Returns when none is open.
    pub(super) async fn all_returned(&self) {
        loop {
            // First the waiting, then the look: an end in between is heard.
            let returned = self.returned.notified();
            if self.open() == 0 {
                return;
            }
            returned.await;
        }
    }

    /// Counts a stream until the permit is dropped.
    pub(super) fn take(
        self: &Arc<Self>,
        config: &Config,
        address: Option<IpAddr>,
    ) -> Result<Permit, Error> {
        let most = config.max_connections().min(self.room).max(1);
        let mut permit = Permit {
            permits: Arc::clone(self),
            network: None,
        };
        if self.open.fetch_add(1, Ordering::Relaxed) >= most {
            return Err(busy(format!(
                "all {most} streams of this server are in use"
            ))
            .with_help(
                "come back later; SSE_MAX_CONNECTIONS and the limit of open files set the number",
            ));
        }
        // Without a limit nobody is counted: all openings would wait for one lock.
        if let (Some(address), Some(most)) = (address, config.max_connections_per_address()) {
            self.count(Network::of(address), most)?;
            permit.network = Some(Network::of(address));
        }
        Ok(permit)
    }

    fn count(&self, network: Network, most: usize) -> Result<(), Error> {
        let mut addresses = self.addresses();
        let open = addresses.get(&network).copied().unwrap_or(0);
        if open >= most {
            return Err(
                busy(format!("all {most} streams of one address are in use")).with_help(
                    "close a page, or come back later; with_max_connections_per_address sets the \
                     number, and behind a proxy Subscription::of_address the address",
                ),
            );
        }
        addresses.insert(network, open + 1);
        Ok(())
    }

    fn addresses(&self) -> std::sync::MutexGuard<'_, HashMap<Network, usize>> {
        self.of_addresses
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(network) = self.network
            && let Entry::Occupied(mut count) = self.permits.addresses().entry(network)
        {
            *count.get_mut() -= 1;
            if *count.get() == 0 {
                count.remove();
            }
        }
        if self.permits.open.fetch_sub(1, Ordering::SeqCst) == 1 {
            self.permits.returned.notify_waiters();
        }
    }
}

fn busy(message: String) -> Error {
    Error::new(ErrorKind::Busy, message)
}

/// Some descriptors must remain for the app's own pages and files.
fn room() -> usize {
    let limit = getrlimit(Resource::Nofile).current;
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    limit.map_or(usize::MAX, |limit| limit - (limit / 10).min(256))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config(all: usize, per_address: usize) -> Config {
        Config::new(".", "a:k")
            .unwrap()
            .with_max_connections(all)
            .with_max_connections_per_address(per_address)
    }

    fn address(text: &str) -> Option<IpAddr> {
        Some(text.parse().unwrap())
    }

    #[test]
    fn an_address_has_its_own_limit_and_others_are_not_held_up_by_it() {
        let permits = Arc::new(Permits::new());
        let config = config(10, 2);
        let one = permits.take(&config, address("192.0.2.1")).unwrap();
        let _two = permits.take(&config, address("192.0.2.1")).unwrap();
        let refused = permits.take(&config, address("192.0.2.1")).err().unwrap();
        assert_eq!(refused.kind(), ErrorKind::Busy);
        assert_eq!(permits.open(), 2, "a refused one counts nowhere");
        let _other = permits.take(&config, address("192.0.2.2")).unwrap();
        drop(one);
        assert!(permits.take(&config, address("192.0.2.1")).is_ok());
    }

    #[test]
    fn the_limit_of_all_comes_first_and_refusing_leaves_no_count_behind() {
        let permits = Arc::new(Permits::new());
        let config = config(1, 1);
        let held = permits.take(&config, address("192.0.2.1")).unwrap();
        for last in 2..100 {
            let refused = permits.take(&config, address(&format!("192.0.2.{last}")));
            assert!(refused.is_err());
        }
        assert_eq!((permits.open(), permits.addresses().len()), (1, 1));
        drop(held);
        assert_eq!((permits.open(), permits.addresses().len()), (0, 0));
    }

    #[test]
    fn without_a_limit_or_an_address_only_the_total_counts() {
        let permits = Arc::new(Permits::new());
        let unlimited = Config::new(".", "a:k").unwrap();
        let many: Vec<_> = (0..100)
            .map(|_| permits.take(&unlimited, address("192.0.2.1")).unwrap())
            .collect();
        let limited = config(1_000, 1);
        let _nameless = [(); 5].map(|()| permits.take(&limited, None).unwrap());
        assert!(permits.addresses().is_empty());
        drop(many);
        assert_eq!(permits.open(), 5);
    }

    #[test]
    fn an_ipv6_network_is_one_address_and_so_are_both_forms_of_an_ipv4_one() {
        let same =
            |a: &str, b: &str| Network::of(a.parse().unwrap()) == Network::of(b.parse().unwrap());
        assert!(same("2001:db8:1:2::1", "2001:db8:1:2:ffff:ffff:ffff:ffff"));
        assert!(!same("2001:db8:1:2::1", "2001:db8:1:3::1"));
        assert!(same("::ffff:192.0.2.1", "192.0.2.1"));
        assert!(!same("::ffff:192.0.2.1", "::ffff:192.0.2.2"));
        assert!(!same("192.0.2.1", "192.0.2.2"));
    }
}
