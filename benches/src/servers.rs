//! The compared servers, each in a process of its own.

mod nginx;
mod post;
mod process;
mod publish;
mod redis;
mod settings;

use std::{
    fmt::Display,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use self::{nginx::Proxy, post::PostHandler, process::Process};
pub(crate) use self::{
    publish::{Publisher, VALUE_BYTES},
    redis::{Fsync, RedisServer, connect},
    settings::{StarterSettings, prepare},
};
use crate::{
    clients::CLIENT_NUMBER,
    system::{self, Usage},
};

/// A server to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServerKind {
    /// This project's starter app, with its journal of files.
    Ours,
    /// The same, where it is named beside [`OursByPost`](Self::OursByPost).
    #[value(skip)]
    OursByOtherProcess,
    /// The same, but a handler of the app saves the values.
    #[value(skip)]
    OursByPost,
    /// This project's starter app, with its journal on Redis.
    OursOnRedis,
    /// The starter app behind nginx.
    OursBehindNginx,
    /// `sse serve` behind nginx.
    ServeBehindNginx,
    /// The limit: one `send` for each client and event.
    Raw,
    /// actix-web with actix-web-lab's `sse`, one channel for each client.
    ActixWebLab,
    /// axum with its `sse` and tokio's broadcast channel.
    Axum,
    /// nginx with the module nchan.
    Nchan,
    /// Node.js with the package better-sse.
    BetterSse,
    /// The same, and each event passes through Redis pub/sub.
    BetterSseOnRedis,
    /// An actix-web handler whose stream never sends an event. Only its memory is measured.
    Bare,
}

impl ServerKind {
    /// The servers that deliver events.
    pub(crate) const DELIVERING: [Self; 6] = [
        Self::Raw,
        Self::Ours,
        Self::ActixWebLab,
        Self::Axum,
        Self::Nchan,
        Self::BetterSse,
    ];

    /// The same, with both ways to publish on this project's server.
    pub(crate) const DELIVERING_BOTH_WAYS: [Self; 7] = [
        Self::Raw,
        Self::OursByPost,
        Self::OursByOtherProcess,
        Self::ActixWebLab,
        Self::Axum,
        Self::Nchan,
        Self::BetterSse,
    ];

    /// What `--server` calls this server.
    pub(crate) fn option(self) -> Self {
        match self {
            Self::OursByOtherProcess | Self::OursByPost => Self::Ours,
            other => other,
        }
    }

    /// The name in tables and plots.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ours => "actix-web-sse",
            Self::OursByOtherProcess => "actix-web-sse, save from another process",
            Self::OursByPost => "actix-web-sse, POST",
            Self::OursOnRedis => "actix-web-sse on Redis",
            Self::OursBehindNginx => "starter behind nginx",
            Self::ServeBehindNginx => "sse serve behind nginx",
            Self::Raw => "raw",
            Self::ActixWebLab => "actix-web-lab",
            Self::Axum => "axum",
            Self::Nchan => "nginx + nchan",
            Self::BetterSse => "better-sse",
            Self::BetterSseOnRedis => "better-sse on Redis",
            Self::Bare => "bare actix-web",
        }
    }
}

/// A running server. It is killed on drop.
pub(crate) struct Server {
    process: Process,
    /// Of the proxy, if there is one.
    pub(crate) address: SocketAddr,
    protocol: PublishProtocol,
    dir: PathBuf,
    redis: Option<RedisServer>,
    _proxy: Option<Proxy>,
}

/// How events are published on a server.
enum PublishProtocol {
    /// By saving values, as for this project's server.
    Journal,
    /// By a POST to a handler of this project's server, which saves the value.
    SavingHandler,
    /// By a POST to one of the other servers.
    Http,
}

impl Server {
    /// Starts the server in the empty folder `dir`.
    pub(crate) fn start(name: ServerKind, dir: &Path) -> io::Result<Self> {
        match name {
            ServerKind::Ours | ServerKind::OursByOtherProcess => {
                Self::starter(dir, &StarterSettings::default())
            }
            ServerKind::OursByPost => Ok(Self {
                protocol: PublishProtocol::SavingHandler,
                ..Self::starter(dir, &StarterSettings::default())?
            }),
            ServerKind::OursBehindNginx => {
                Self::starter(dir, &StarterSettings::default())?.behind_nginx()
            }
            ServerKind::ServeBehindNginx => Self::serve(dir)?.behind_nginx(),
            ServerKind::Nchan => Self::nchan(dir),
            ServerKind::OursOnRedis | ServerKind::BetterSseOnRedis => {
                let redis = RedisServer::start(&dir.join("redis"), Fsync::default())?;
                Self::start_on_redis(name, dir, redis)
            }
            ServerKind::BetterSse => Self::peer(&mut better_sse(), dir),
            ServerKind::Raw => Self::rust_peer("raw", dir),
            ServerKind::Axum => Self::rust_peer("axum", dir),
            ServerKind::ActixWebLab => Self::rust_peer("actix-web-lab", dir),
            ServerKind::Bare => Self::rust_peer("bare", dir),
        }
    }

    /// Starts the server in the empty folder `dir`, with this Redis server.
    pub(crate) fn start_on_redis(
        name: ServerKind,
        dir: &Path,
        redis: RedisServer,
    ) -> io::Result<Self> {
        let url = redis.url();
        let server = match name {
            ServerKind::OursOnRedis => {
                let settings = StarterSettings {
                    redis: Some(&url),
                    ..StarterSettings::default()
                };
                Self::starter(dir, &settings)?
            }
            ServerKind::BetterSseOnRedis => Self::peer(better_sse().arg(&url), dir)?,
            other => {
                let label = other.label();
                return Err(io::Error::other(format!("{label} does not use Redis")));
            }
        };
        Ok(Self {
            redis: Some(redis),
            ..server
        })
    }

    /// The starter app, as a release build.
    pub(crate) fn starter(dir: &Path, settings: &StarterSettings<'_>) -> io::Result<Self> {
        prepare(dir, settings)?;
        Self::starter_in_prepared(dir)
    }

    /// Starts the starter app in a folder that [`prepare`] has prepared.
    pub(crate) fn starter_in_prepared(dir: &Path) -> io::Result<Self> {
        let mut command = Command::new(built_program("sse-starter")?);
        command.env("HOST", "127.0.0.1").env("PORT", "0");
        Self::of_app(&mut command, dir)
    }

    /// `sse serve`, as a release build.
    fn serve(dir: &Path) -> io::Result<Self> {
        prepare(dir, &StarterSettings::default())?;
        let mut command = Command::new(built_program("sse")?);
        command.args(["serve", "--listen", "127.0.0.1:0"]);
        Self::of_app(&mut command, dir)
    }

    /// A server of this project for the app in `dir`.
    fn of_app(command: &mut Command, dir: &Path) -> io::Result<Self> {
        command
            .env_remove("CARGO_MANIFEST_DIR")
            .env("RUST_LOG", "warn");
        Ok(Self {
            protocol: PublishProtocol::Journal,
            ..Self::peer(command, dir)?
        })
    }

    /// The same server, whose clients connect to nginx. The figures are those of the server alone.
    fn behind_nginx(self) -> io::Result<Self> {
        let proxy = Proxy::start(&self.dir, self.address)?;
        Ok(Self {
            address: proxy.address,
            _proxy: Some(proxy),
            ..self
        })
    }

    /// Starts a server on which each client has events of its own, in the empty folder `dir`.
    pub(crate) fn start_private(name: ServerKind, dir: &Path) -> io::Result<Self> {
        match name {
            ServerKind::Ours => Self::granting(dir),
            other => Self::start(other, dir),
        }
    }

    /// This project's server in an app that grants every audience.
    fn granting(dir: &Path) -> io::Result<Self> {
        prepare(dir, &StarterSettings::default())?;
        let mut command = Command::new(built_program("peer")?);
        Self::of_app(command.arg("granting"), dir)
    }

    fn rust_peer(name: &str, dir: &Path) -> io::Result<Self> {
        Self::peer(Command::new(built_program("peer")?).arg(name), dir)
    }

    fn peer(command: &mut Command, dir: &Path) -> io::Result<Self> {
        let (process, address) = Process::start(command, dir)?;
        Ok(Self {
            process,
            address,
            protocol: PublishProtocol::Http,
            dir: dir.to_owned(),
            redis: None,
            _proxy: None,
        })
    }

    /// nginx cannot choose a free port itself, so one is chosen here.
    fn nchan(dir: &Path) -> io::Result<Self> {
        let address = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let template = fs::read_to_string(benches_folder().join("peers/nchan.conf.in"))?;
        let text = template
            .replace("@DIR@", &dir.display().to_string())
            .replace("@PORT@", &address.port().to_string());
        let file = dir.join("nginx.conf");
        fs::write(&file, text)?;
        let mut command = Command::new("nginx");
        command
            .arg("-e")
            .arg("stderr")
            .arg("-p")
            .arg(dir)
            .arg("-c")
            .arg(&file);
        let process = Process::start_at(&mut command, dir, address)?;
        Ok(Self {
            process,
            address,
            protocol: PublishProtocol::Http,
            dir: dir.to_owned(),
            redis: None,
            _proxy: None,
        })
    }

    /// The path of the stream.
    pub(crate) fn stream_path(&self) -> &'static str {
        match self.protocol {
            PublishProtocol::Journal | PublishProtocol::SavingHandler => "/sse/stream",
            PublishProtocol::Http => "/stream",
        }
    }

    /// The path of the stream of one user, whose number takes the place of [`CLIENT_NUMBER`].
    pub(crate) fn private_stream_path(&self) -> String {
        let path = match self.protocol {
            PublishProtocol::Journal | PublishProtocol::SavingHandler => "/sse/stream",
            PublishProtocol::Http => "/private/stream",
        };
        format!("{path}?to={}", user_name(CLIENT_NUMBER))
    }

    /// A publisher for this server.
    pub(crate) fn publisher(&self) -> io::Result<Publisher> {
        match self.protocol {
            PublishProtocol::Journal => Publisher::into_journal(&self.dir),
            PublishProtocol::SavingHandler => Publisher::by_post(self.address, PostHandler::Saving),
            PublishProtocol::Http => Publisher::by_post(self.address, PostHandler::Forwarding),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// The Redis server that this server uses.
    pub(crate) fn redis(&mut self) -> io::Result<&mut RedisServer> {
        let redis = self.redis.as_mut();
        redis.ok_or_else(|| io::Error::other("the server does not use Redis"))
    }

    /// The CPU time used so far, including that of worker processes.
    pub(crate) fn usage(&self) -> io::Result<Usage> {
        let mut usage = system::usage(self.id())?;
        for child in system::children(self.id()) {
            usage += system::usage(child)?;
        }
        Ok(usage)
    }

    /// The memory in use, including that of worker processes.
    pub(crate) fn memory(&self) -> io::Result<u64> {
        let mut memory = system::memory(self.id())?;
        for child in system::children(self.id()) {
            memory += system::memory(child)?;
        }
        Ok(memory)
    }
}

/// The audience or channel of one user.
pub(crate) fn user_name(number: impl Display) -> String {
    format!("user:{number}")
}

fn better_sse() -> Command {
    let mut command = Command::new("node");
    command.arg(benches_folder().join("peers/better-sse/server.mjs"));
    command
}

fn benches_folder() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The path of a program that was built together with this one.
fn built_program(name: &str) -> io::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{} is not built: run benches/run", path.display()),
        ))
    }
}
