//! The latency of one event to one client.

use std::{io, path::Path, sync::mpsc, thread, time::Duration};

use tempfile::TempDir;

use super::Scenario;
use crate::{
    clients::Clients,
    report::{Metric, Results},
    servers::{Publisher, Server, ServerKind},
};

/// Far more than any server needs.
const EVENT_TIMEOUT: Duration = Duration::from_secs(10);

/// Few enough that all servers are measured under the same load of the machine.
const EVENTS_PER_TURN: usize = 10;

/// A server with one stream.
struct Side {
    kind: ServerKind,
    clients: Clients,
    _server: Server,
    _dir: TempDir,
}

/// All servers are open at the same time. A first turn, as a warm-up, is not counted.
pub(super) fn measure(
    turns: usize,
    kinds: &[ServerKind],
    dir: &Path,
    results: &mut Results,
) -> io::Result<()> {
    let sides = kinds.iter().map(|kind| Side::connect(*kind, dir));
    let (mut sides, mut publishers): (Vec<Side>, Vec<Publisher>) =
        sides.collect::<io::Result<Vec<_>>>()?.into_iter().unzip();
    thread::scope(|scope| {
        // One thread publishes everything: its end would delay the client, which is a thread of the same process.
        let (orders, receiver) = mpsc::channel();
        let publishing = scope.spawn(move || publish_all(&mut publishers, &receiver));
        let received = (0..=turns).try_for_each(|turn| take_turn(turn, &mut sides, &orders));
        drop(orders);
        // An error of the publisher explains why the client has waited in vain.
        publishing.join().expect("publishing does not panic")?;
        received
    })?;
    for side in &sides {
        side.report(turns, results);
    }
    Ok(())
}

/// An event for one of the servers.
struct Order {
    side: usize,
    /// Before the event. The server has nothing to do meanwhile, and sleeps.
    pause: Duration,
}

fn publish_all(publishers: &mut [Publisher], orders: &mpsc::Receiver<Order>) -> io::Result<()> {
    for order in orders {
        thread::sleep(order.pause);
        publishers[order.side].publish(1)?;
    }
    Ok(())
}

/// Some events on each server, each after the previous one has arrived.
fn take_turn(turn: usize, sides: &mut [Side], orders: &mpsc::Sender<Order>) -> io::Result<()> {
    let count = sides.len();
    for place in 0..count {
        // Whatever a server does after its turn affects both of its neighbours.
        let side = if turn.is_multiple_of(2) {
            place
        } else {
            count - 1 - place
        };
        for event in 0..EVENTS_PER_TURN {
            // A varying pause, so that no server's timer coincides with it.
            let pause = 5 + (turn * EVENTS_PER_TURN + event) as u64 % 7;
            let pause = Duration::from_millis(pause);
            if orders.send(Order { side, pause }).is_err() {
                return Err(io::Error::other("the publisher has failed"));
            }
            sides[side].receive()?;
        }
    }
    if turn == 0 {
        for side in sides {
            side.clients.counts.latency.clear();
        }
    }
    Ok(())
}

impl Side {
    fn connect(kind: ServerKind, dir: &Path) -> io::Result<(Self, Publisher)> {
        let dir = tempfile::tempdir_in(dir)?;
        let server = Server::start(kind, dir.path())?;
        let publisher = server.publisher()?;
        let mut clients = Clients::new(server.address, server.stream_path(), "")?;
        clients.open(1)?;
        let side = Self {
            kind,
            clients,
            _server: server,
            _dir: dir,
        };
        Ok((side, publisher))
    }

    fn receive(&mut self) -> io::Result<()> {
        let wanted = self.clients.counts.deliveries + 1;
        let expected = format!("an event of {} arrives", self.kind.label());
        self.clients
            .read_until(&expected, EVENT_TIMEOUT, |counts| {
                counts.deliveries >= wanted
            })
            .map(drop)
    }

    fn report(&self, turns: usize, results: &mut Results) {
        let scenario = Scenario::Latency { turns };
        let counts = &self.clients.counts;
        let expected = ((turns + 1) * EVENTS_PER_TURN) as u64;
        if counts.deliveries != expected || counts.ended > 0 {
            results.warn(format!(
                "{scenario}, {}: {} deliveries instead of {expected}, {} streams ended",
                self.kind.label(),
                counts.deliveries,
                counts.ended
            ));
        }
        let latency = |quantile| counts.latency.value_at_quantile(quantile) as f64 / 1e6;
        results.add(scenario, self.kind, Metric::Median, latency(0.5));
        results.add(scenario, self.kind, Metric::Slowest, latency(0.99));
    }
}
