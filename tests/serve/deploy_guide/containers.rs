//! The image and the containers. Namespaces take the place of Docker's.

use std::{
    fs::{self, Permissions},
    os::unix::fs::{PermissionsExt, chown, symlink},
    path::{Path, PathBuf},
    process::Command,
};

use rustix::process::geteuid;
use serde_json::json;
use support::{
    PhpFpm, ReverseProxy, Server, Stream, copy_program, get, http, namespace::Namespace, sse,
};
use tempfile::TempDir;

use super::{SHOP, assert_delivers, blocks};
use crate::app::{ENV, OtherApp};

const HEADING: &str = "Containers";

/// The program of the tests is not static: it needs these folders, which an image does not have.
const LIBRARIES: [&str; 4] = ["lib", "lib64", "usr/lib", "usr/lib64"];

/// The arguments of an instruction of the Dockerfile.
fn instruction(name: &str) -> String {
    let file = blocks(HEADING, "dockerfile").remove(0);
    let begin = format!("{name} ");
    let line = file.lines().find_map(|line| line.strip_prefix(&begin));
    line.expect(name).to_owned()
}

/// The words of a command in the form of a list.
fn words(list: &str) -> Vec<String> {
    serde_json::from_str(&list[list.find('[').unwrap()..]).unwrap()
}

/// The folders that the container `sse` mounts: in the app's folder, in the container, and whether it may write.
fn mounts() -> Vec<(String, String, bool)> {
    let yaml = blocks(HEADING, "yaml").remove(0);
    let (_, service) = yaml.split_once("\n  sse:\n").unwrap();
    let (_, volumes) = service.split_once("    volumes:\n").unwrap();
    let lines = volumes
        .lines()
        .map_while(|line| line.strip_prefix("      - "));
    lines
        .map(|line| {
            let parts: Vec<&str> = line.split(':').collect();
            let writable = parts.get(2) != Some(&"ro");
            (parts[0].to_owned(), parts[1].to_owned(), writable)
        })
        .collect()
}

/// The container `sse` of the guide.
struct Container {
    namespace: Namespace,
    root: PathBuf,
    dir: TempDir,
}

impl Container {
    fn start(shop: &OtherApp) -> Self {
        let dir = TempDir::new().unwrap();
        let root = dir.path().join("root");
        let target = instruction("COPY");
        let target = target.strip_prefix("sse /").unwrap();
        fs::create_dir_all(root.join(target).parent().unwrap()).unwrap();
        copy_program(&sse(), &root.join(target));
        fs::create_dir_all(root.join(instruction("WORKDIR").trim_start_matches('/'))).unwrap();

        let mut setup = String::from("mount --bind \"$1\" \"$1\"");
        for folder in LIBRARIES {
            let (host, inside) = (Path::new("/").join(folder), root.join(folder));
            if let Ok(target) = fs::read_link(&host) {
                symlink(target, inside).unwrap();
            } else if host.is_dir() {
                fs::create_dir_all(inside).unwrap();
                setup += &format!(" && mount --rbind /{folder} \"$1/{folder}\"");
            }
        }
        fs::create_dir(root.join("proc")).unwrap();
        setup += " && mount --rbind /proc \"$1/proc\"";
        for (outside, inside, writable) in mounts() {
            let outside = shop.path().join(outside);
            setup += &format!(" && mount --bind '{}' \"$1{inside}\"", outside.display());
            if !writable {
                setup += &format!(" && mount -o remount,bind,ro \"$1{inside}\"");
            }
        }
        setup += " && mount -o remount,bind,ro \"$1\"";
        let namespace = Namespace::start(&setup, &root);
        Self {
            namespace,
            root,
            dir,
        }
    }

    /// A program with arguments in the container, in its working folder and with its variables.
    fn command(&self, words: &[String]) -> Command {
        let mut command = self.namespace.command(Path::new("unshare"), Path::new("/"));
        command.env_clear().env("PATH", "/usr/bin:/bin:/usr/sbin");
        command.arg("--root").arg(&self.root);
        command.args(["--wd", &instruction("WORKDIR")]).args(words);
        command
    }

    fn serve(&self, listen: &str) -> Server {
        let entry = words(&instruction("ENTRYPOINT"));
        let words = [entry, words(&instruction("CMD"))].concat();
        let mut command = self.command(&words);
        command.env("SSE_LISTEN", listen);
        Server::start_command(command, self.dir.path(), &[])
    }

    fn is_healthy(&self, listen: &str) -> bool {
        let check = instruction("HEALTHCHECK");
        let mut command = self.command(&words(&check));
        command.env("SSE_LISTEN", listen);
        command.output().unwrap().status.success()
    }
}

#[test]
fn the_image_serves_the_app_without_any_file_of_a_system() {
    let shop = OtherApp::new(ENV);
    let container = Container::start(&shop);
    let (name, listen) = instruction("ENV")
        .split_once('=')
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .unwrap();
    assert_eq!(name, "SSE_LISTEN");
    let (all_addresses, port) = listen.split_once(':').unwrap();
    assert_eq!(instruction("EXPOSE"), port);

    let server = container.serve(&format!("{all_addresses}:0"));
    let listen = format!("{all_addresses}:{}", server.port());
    assert!(container.is_healthy(&listen));
    let address = format!("127.0.0.1:{}", server.port());
    assert_eq!(get(&address, "/js/sse.js").status, 200);
    assert_delivers(&server, shop.path());

    // As `docker compose exec` of the guide does.
    let console = blocks(HEADING, "console").join("");
    let (_, save) = console.split_once("docker compose exec sse ").unwrap();
    let stream = Stream::open(&address, "/sse/stream?lookback=false", None);
    let saved = container
        .command(&shlex_words(save.lines().next().unwrap()))
        .output()
        .unwrap();
    assert!(saved.status.success(), "{saved:?}");
    assert_eq!(stream.next_event().value(), json!({"order": 42}));
    drop(stream);

    assert!(server.terminate().success());
    assert!(!container.is_healthy(&listen));
}

/// The words of a command line with single quotes.
fn shlex_words(line: &str) -> Vec<String> {
    let mut quoted = false;
    let mut words = vec![String::new()];
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().unwrap().push(c),
        }
    }
    words
}

/// The image's user is the one to whom the guide gives the folder.
#[test]
fn the_containers_share_the_folder_as_one_user() {
    let user = instruction("USER");
    let console = blocks(HEADING, "console").join("");
    assert!(console.contains(&format!("$ sudo chown -R {user} writable\n")));
    let yaml = blocks(HEADING, "yaml").remove(0);
    assert!(!yaml.contains('\t'));
    assert_eq!(
        mounts(),
        [
            (".".to_owned(), SHOP.to_owned(), false),
            (
                "./writable/cache".to_owned(),
                format!("{SHOP}/writable/cache"),
                true
            ),
        ]
    );
}

#[test]
fn nginx_serves_php_and_the_stream_as_the_guide_configures_it() {
    let shop = OtherApp::new(ENV);
    shop.write(
        "public/index.php",
        "<?php file_put_contents('../writable/cache/event_cache_key1', '7', LOCK_EX); echo 'saved';",
    );
    fs::set_permissions(shop.path(), Permissions::from_mode(0o755)).unwrap();
    let user = instruction("USER")
        .split(':')
        .next()
        .unwrap()
        .parse()
        .unwrap();
    if geteuid().is_root() {
        let cache = shop.path().join("writable/cache");
        chown(cache, Some(user), Some(user)).unwrap();
    }
    let dir = TempDir::new().unwrap();
    let php = PhpFpm::start(dir.path(), user);
    let server = shop.serve(&[]);
    // Debian's file has no SCRIPT_FILENAME, which the guide sets.
    let parameters = PhpFpm::parameters();
    let parameters: Vec<&str> = parameters
        .lines()
        .filter(|line| !line.contains("SCRIPT_FILENAME"))
        .collect();
    fs::write(dir.path().join("fastcgi_params"), parameters.join("\n")).unwrap();
    let config = blocks(HEADING, "nginx").remove(0);
    let nginx = ReverseProxy::nginx_with(dir.path(), "events {}", |port| {
        config
            .replace("listen 80;", &format!("listen 127.0.0.1:{port};"))
            .replace("php:9000", &php.address())
            .replace("sse:8090", server.address())
            .replace(SHOP, shop.path().to_str().unwrap())
    });
    let stream = Stream::open(nginx.address(), "/sse/stream", None);
    let page = http::request(nginx.address(), "GET /", &[], "").read_text();
    assert!(page.contains("saved"), "{page}: {}", php.log());
    assert_eq!(stream.next_event().value(), json!(7));
}
