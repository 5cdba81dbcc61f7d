//! Failovers by Sentinel.

use std::time::Duration;

use actix_web_sse::Cache;
use support::{
    App, Server, Stream,
    redis::{RedisOptions, RedisServer, Sentinel},
    until, until_within,
};

use crate::app::{QUIET, app_at, cache, listen, receive, receive_gap, save_when_possible};

/// A master with a replica that has all of its data, watched by a Sentinel, and two servers.
struct Machines {
    master: RedisServer,
    replica: RedisServer,
    sentinel: Sentinel,
    servers: [Server; 2],
    cache: Cache,
    _app: App,
}

impl Machines {
    fn start() -> Self {
        let options = || RedisOptions::new().append_only("always");
        let (master, replica) = (RedisServer::start(options()), RedisServer::start(options()));
        replica.replicate(master.port());
        let sentinel = Sentinel::start(&master);
        sentinel.wait_for_replicas(1);
        // A master that is slow on a busy machine is not down.
        let hour = Duration::from_secs(3_600);
        sentinel.set_down_after(hour).unwrap();
        let url = format!(
            "redis+sentinel://{}/{}",
            sentinel.address(),
            Sentinel::SERVICE
        );
        let app = app_at(&url);
        Self {
            servers: [app.start(), app.start()],
            cache: cache(&app),
            master,
            replica,
            sentinel,
            _app: app,
        }
    }

    /// Kills the master, and waits until the replica has taken its place.
    #[track_caller]
    fn fail_over(&mut self) {
        self.master.kill();
        self.sentinel.set_down_after(Sentinel::DOWN_AFTER).unwrap();
        let (port, time) = (self.replica.port(), Sentinel::MAX_FAILOVER_TIME);
        until_within(time, "the replica is promoted", || {
            (self.sentinel.master().ok()? == port).then_some(())
        });
    }

    /// Waits until the replica has what the master has.
    #[track_caller]
    fn wait_for_replication(&self) {
        until("the replica has everything", || {
            let offset = |server: &RedisServer, field| server.replication(field).ok();
            let of_master = offset(&self.master, "master_repl_offset")?;
            (offset(&self.replica, "slave_repl_offset")? == of_master).then_some(())
        });
    }
}

#[test]
fn a_failover_that_loses_nothing_causes_no_gap() {
    let mut machines = Machines::start();
    let streams = machines.servers.each_ref().map(listen);
    machines.cache.save_blocking("key", 1).unwrap();
    let id = streams.each_ref().map(|stream| receive(stream, [1]).id)[0].clone();
    machines.cache.save_blocking("key", 2).unwrap();
    machines.wait_for_replication();
    machines.fail_over();
    save_when_possible(&machines.cache, 3);
    for stream in &streams {
        receive(stream, [2, 3]);
    }
    // A client that was away meanwhile continues, too.
    let returned = Stream::open(machines.servers[1].address(), "/sse/stream", id.as_deref());
    receive(&returned, [2, 3]);

    save_when_possible(&machines.cache, 4);
    for stream in streams.iter().chain([&returned]) {
        receive(stream, [4]);
        stream.expect_silence(QUIET);
    }
}

#[test]
fn a_failover_that_loses_a_confirmed_save_is_a_gap_for_those_who_received_it() {
    let mut machines = Machines::start();
    let streams = machines.servers.each_ref().map(listen);
    machines.cache.save_blocking("key", 1).unwrap();
    let id = streams.each_ref().map(|stream| receive(stream, [1]).id)[0].clone();
    machines.wait_for_replication();
    // The replica has lost its connection, so the next save is on the master alone.
    machines.replica.replicate(1);
    machines.cache.save_blocking("key", 2).unwrap();
    for stream in &streams {
        receive(stream, [2]);
    }
    machines.fail_over();
    save_when_possible(&machines.cache, 3);
    for stream in &streams {
        receive_gap(stream, "other-epoch");
        assert_eq!(
            receive(stream, [3]).number(),
            2,
            "the number is assigned again"
        );
        stream.expect_silence(QUIET);
    }
    // A client that had not received the lost value has missed nothing that exists.
    let returned = Stream::open(machines.servers[1].address(), "/sse/stream", id.as_deref());
    receive(&returned, [3]);
}
