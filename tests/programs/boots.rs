//! Programs on one cache folder that see different boot ids, as in containers and after a restart of the
//! machine, and programs that see none.

use std::{fs, path::Path};

use support::{
    App, Server, Stream,
    namespace::{Namespace, write_program},
    sse, starter,
};
use tempfile::TempDir;

const ENV: &str = "SSE_STREAM_DURATION=0\nSSE_EVENTS=event:key\n";
const BOOTS: [&str; 2] = [
    "11111111-1111-4111-8111-111111111111\n",
    "22222222-2222-4222-8222-222222222222\n",
];
/// A file without an id counts as one that cannot be read.
const NO_BOOT: &str = "";

/// Programs that see this boot id.
struct Boot<'a> {
    app: &'a App,
    namespace: Namespace,
    _folder: TempDir,
}

impl<'a> Boot<'a> {
    fn new(app: &'a App, id: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("boot_id"), id).unwrap();
        let setup = "mount --bind \"$1/boot_id\" /proc/sys/kernel/random/boot_id";
        Self {
            app,
            namespace: Namespace::start(setup, folder.path()),
            _folder: folder,
        }
    }

    fn server(&self) -> Server {
        let script = self.namespace.script(&starter(), self.app.path());
        let program = write_program(self.app.path(), &script);
        Server::start_program(&program, self.app.path(), &[])
    }

    /// Saves these values while a server runs, which is then killed. Returns their ids.
    fn ids_before_a_kill(&self, values: &[u32]) -> Vec<String> {
        let server = self.server();
        let stream = open(&server, None);
        for value in values {
            self.save(*value);
        }
        let ids = ids_of(&stream, values);
        server.kill();
        ids
    }

    #[track_caller]
    fn save(&self, value: u32) {
        let mut command = self.namespace.command(&sse(), self.app.path());
        command.args(["save", "--quiet", "key", &value.to_string()]);
        let output = command.output().unwrap();
        assert!(output.status.success(), "{output:?}");
    }
}

/// A client's streams after each of these ids.
fn open_each(server: &Server, ids: &[String]) -> Vec<Stream> {
    ids.iter().map(|id| open(server, Some(id))).collect()
}

fn open(server: &Server, id: Option<&str>) -> Stream {
    Stream::open(server.address(), "/sse/stream", id)
}

/// Expects these values next and no gap before them, and returns the id of each.
#[track_caller]
fn ids_of(stream: &Stream, values: &[u32]) -> Vec<String> {
    let id_of = |value: &u32| {
        let event = stream.next_but_heartbeats();
        assert_eq!((event.name(), event.value()), ("event", (*value).into()));
        event.id.unwrap()
    };
    values.iter().map(id_of).collect()
}

#[test]
fn a_client_moves_between_servers_that_see_different_boot_ids() {
    let app = App::with_env(ENV);
    let boots = [BOOTS[0], BOOTS[1], NO_BOOT].map(|id| Boot::new(&app, id));
    let servers = boots.each_ref().map(Boot::server);
    boots[2].save(1);
    let mut id = ids_of(&open(&servers[0], None), &[1]).remove(0);
    for (value, turn) in (2..).zip([1, 2, 0, 2, 1]) {
        boots[turn].save(value);
        id = ids_of(&open(&servers[turn], Some(&id)), &[value]).remove(0);
    }
}

#[test]
fn a_restart_of_the_machine_that_loses_nothing_causes_no_gap() {
    for [before, after] in [[NO_BOOT; 2], BOOTS] {
        let app = App::with_env(ENV);
        let (before, after) = (Boot::new(&app, before), Boot::new(&app, after));
        let ids = before.ids_before_a_kill(&[1, 2]);
        // A program that saves before the server is up.
        after.save(3);
        let server = after.server();
        let streams = open_each(&server, &ids);
        after.save(4);
        // Entry 2 has the same id for both, so tabs that share a connection recognise it.
        assert_eq!(ids_of(&streams[0], &[2, 3, 4])[0], ids[1]);
        ids_of(&streams[1], &[3, 4]);
    }
}

#[test]
fn a_client_that_received_what_a_power_failure_lost_gets_a_gap() {
    for [before, after] in [[NO_BOOT; 2], BOOTS] {
        let app = App::with_env(ENV);
        let (before, after) = (Boot::new(&app, before), Boot::new(&app, after));
        let ids = before.ids_before_a_kill(&[1, 2, 3]);
        lose_entries_after(&app, 2);
        after.save(30);
        let server = after.server();
        let streams = open_each(&server, &ids);
        after.save(40);
        ids_of(&streams[0], &[2, 30, 40]);
        ids_of(&streams[1], &[30, 40]);
        let gap = streams[2].next_but_heartbeats();
        assert_eq!(gap.name(), "sse.gap");
        assert!(gap.data.unwrap().contains("other-epoch"));
        ids_of(&streams[2], &[30, 40]);
    }
}

/// The files of later entries were not written to the disk, and neither was the end of the high-water
/// mark.
fn lose_entries_after(app: &App, number: u64) {
    let folder = app.cache().join(".sse/journal-2/000000000000");
    for lost in number + 1.. {
        if fs::remove_file(folder.join(format!(".{lost:020}"))).is_err() {
            break;
        }
    }
    shorten(&folder.join(".high-water"), number + 1);
}

fn shorten(path: &Path, bytes: u64) {
    let file = fs::File::options().write(true).open(path).unwrap();
    file.set_len(bytes).unwrap();
}
