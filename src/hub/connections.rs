//! The TCP connections of the streams of one thread.

use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr, SocketAddr},
};

/// Both ends of a TCP connection: enough to tell it from every other connection of the process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct Endpoints {
    client: Ipv6Addr,
    client_port: u16,
    server_port: u16,
}

impl Endpoints {
    pub(crate) fn new(client: SocketAddr, server_port: u16) -> Self {
        Self {
            client: match client.ip() {
                IpAddr::V4(ip) => ip.to_ipv6_mapped(),
                IpAddr::V6(ip) => ip,
            },
            client_port: client.port(),
            server_port,
        }
    }
}

/// The connections that have to be ended if their clients do not read.
#[derive(Default)]
pub(super) struct Connections {
    /// By the index of the stream.
    open: Vec<Option<Endpoints>>,
    /// Of streams that ended in a shutdown: their last bytes may still wait to be sent.
    ended: Vec<Endpoints>,
    phase: DisconnectPhase,
}

#[derive(Default, Clone, Copy, PartialEq, Eq)]
enum DisconnectPhase {
    #[default]
    Serving,
    Disconnecting,
    Done,
}

impl Connections {
    pub(super) fn add(&mut self, index: usize, endpoints: Option<Endpoints>) {
        if index >= self.open.len() {
            self.open.resize(index + 1, None);
        }
        self.open[index] = endpoints;
    }

    pub(super) fn remove(&mut self, index: usize) {
        self.open[index] = None;
    }

    /// Keeps the connection of a stream that ends in a shutdown, until the client has taken the
    /// last bytes.
    pub(super) fn keep_ended(&mut self, index: usize) {
        if self.phase != DisconnectPhase::Done {
            self.ended.extend(self.open[index].take());
        }
    }

    /// `false` if disconnecting has started before.
    pub(super) fn start_disconnecting(&mut self) -> bool {
        let is_first = self.phase == DisconnectPhase::Serving;
        if is_first {
            self.phase = DisconnectPhase::Disconnecting;
        }
        is_first
    }

    pub(super) fn finish_disconnecting(&mut self) {
        self.phase = DisconnectPhase::Done;
        self.ended = Vec::new();
    }

    /// All connections, each with the index of its stream if that is open.
    pub(super) fn streams_by_endpoints(&self) -> HashMap<Endpoints, Option<usize>> {
        let ended = self.ended.iter().map(|endpoints| (*endpoints, None));
        let open = self.open.iter().enumerate();
        let open = open.filter_map(|(index, endpoints)| Some(((*endpoints)?, Some(index))));
        ended.chain(open).collect()
    }

    /// Whether this stream is open and still the one of this connection.
    pub(super) fn is_open(&self, stream: Option<usize>, endpoints: Endpoints) -> bool {
        stream.and_then(|index| self.open[index]) == Some(endpoints)
    }
}
