//! Limits how many questions are open for the clients of one address.
//!
//! An app answers the questions of one session one after the other if it locks sessions, as PHP does. Without a limit,
//! the requests of a single client with a locked session could take all slots, and keep every other client out.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use actix_web::HttpRequest;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::client_headers::last_forwarded_address;

/// Of all slots, one address gets at most this share.
const SHARE: usize = 4;

/// With fewer addresses, those of clients that are gone are kept.
const MIN_PURGE: usize = 1_024;

pub(super) struct AddressLimits {
    limit: usize,
    addresses: Mutex<Addresses>,
    waiting: Semaphore,
}

#[derive(Default)]
struct Addresses {
    /// Each lives as long as a question of the address is open or waits.
    limits: HashMap<IpAddr, Weak<Semaphore>>,
    purge_at: usize,
}

impl AddressLimits {
    /// At most `max_waiting` requests wait, those of all addresses together.
    pub(super) fn new(slots: usize, max_waiting: usize) -> Self {
        Self {
            limit: (slots / SHARE).max(1),
            addresses: Mutex::default(),
            waiting: Semaphore::new(max_waiting),
        }
    }

    /// Waits until fewer questions of this address are open than the limit. `None` if too many wait.
    pub(super) async fn acquire(&self, address: IpAddr) -> Option<OwnedSemaphorePermit> {
        let semaphore = self.semaphore(address);
        if let Ok(permit) = Arc::clone(&semaphore).try_acquire_owned() {
            return Some(permit);
        }
        let _waiting = self.waiting.try_acquire().ok()?;
        // Never an error: the semaphore is not closed.
        semaphore.acquire_owned().await.ok()
    }

    fn semaphore(&self, address: IpAddr) -> Arc<Semaphore> {
        let addresses = self.addresses.lock();
        let mut addresses = addresses.unwrap_or_else(PoisonError::into_inner);
        if let Some(limit) = addresses.limits.get(&address).and_then(Weak::upgrade) {
            return limit;
        }
        if addresses.limits.len() >= addresses.purge_at.max(MIN_PURGE) {
            addresses.limits.retain(|_, limit| limit.strong_count() > 0);
            addresses.purge_at = addresses.limits.len() * 2;
        }
        let limit = Arc::new(Semaphore::new(self.limit));
        addresses.limits.insert(address, Arc::downgrade(&limit));
        limit
    }
}

/// The client's address: that of the connection, or the last that a proxy in the same network has forwarded. `None` for a
/// proxy that forwards none, whose clients look like one.
pub(super) fn client_address(request: &HttpRequest) -> Option<IpAddr> {
    let peer = request.peer_addr().map(|peer| peer.ip().to_canonical());
    match peer {
        Some(peer) if !may_be_proxy(peer) => Some(peer),
        _ => last_forwarded_address(request),
    }
}

/// Whether a proxy in front of the server may have this address: a loopback or private one.
fn may_be_proxy(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            address.is_loopback() || address.is_private() || address.is_link_local()
        }
        IpAddr::V6(address) => {
            address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use actix_web::test::TestRequest;
    use tokio::time::timeout;

    use super::*;

    const SHORT: Duration = Duration::from_millis(20);
    const MAX_WAITING: usize = 1;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    #[actix_web::test]
    async fn one_address_gets_a_quarter_of_the_slots() {
        let limits = AddressLimits::new(8, MAX_WAITING);
        let (busy, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let first = limits.acquire(busy).await;
        let _second = limits.acquire(busy).await;
        assert!(timeout(SHORT, limits.acquire(busy)).await.is_err());
        assert!(timeout(SHORT, limits.acquire(other)).await.is_ok());
        drop(first);
        assert!(timeout(SHORT, limits.acquire(busy)).await.is_ok());
    }

    #[actix_web::test]
    async fn only_so_many_wait() {
        let limits = AddressLimits::new(1, MAX_WAITING);
        let (busy, other) = (address("192.0.2.1"), address("192.0.2.2"));
        let _held = limits.acquire(busy).await;
        let waiting = limits.acquire(busy);
        tokio::pin!(waiting);
        assert!(timeout(SHORT, &mut waiting).await.is_err());
        let refused = timeout(SHORT, limits.acquire(busy)).await;
        assert!(refused.expect("it does not wait").is_none());
        assert!(limits.acquire(other).await.is_some());
    }

    #[actix_web::test]
    async fn addresses_of_clients_that_are_gone_take_no_memory() {
        let limits = AddressLimits::new(4, MAX_WAITING);
        let held = limits.acquire(address("192.0.2.1")).await;
        for number in 0..10_000_u32 {
            let address = IpAddr::from(number.to_be_bytes());
            drop(limits.acquire(address).await);
        }
        let known = limits.addresses.lock().expect("no panic").limits.len();
        assert!(known <= MIN_PURGE + 1, "{known}");
        assert!(
            timeout(SHORT, limits.acquire(address("192.0.2.1")))
                .await
                .is_err()
        );
        drop(held);
    }

    #[test]
    fn the_address_is_that_of_the_client_behind_a_proxy() {
        for (peer, forwarded, expected) in [
            ("198.51.100.7:1", None, Some("198.51.100.7")),
            // A client that is no proxy cannot choose its address.
            ("198.51.100.7:1", Some("192.0.2.1"), Some("198.51.100.7")),
            ("127.0.0.1:1", Some("192.0.2.1"), Some("192.0.2.1")),
            (
                "10.0.0.1:1",
                Some("192.0.2.9, 192.0.2.1"),
                Some("192.0.2.1"),
            ),
            (
                "[::ffff:10.0.0.1]:1",
                Some("2001:db8::1"),
                Some("2001:db8::1"),
            ),
            ("127.0.0.1:1", Some("unknown"), None),
            ("127.0.0.1:1", None, None),
        ] {
            let mut request = TestRequest::default().peer_addr(peer.parse().expect("valid"));
            if let Some(forwarded) = forwarded {
                request = request.insert_header(("X-Forwarded-For", forwarded));
            }
            let found = client_address(&request.to_http_request());
            assert_eq!(found, expected.map(address), "{peer} {forwarded:?}");
        }
    }
}
