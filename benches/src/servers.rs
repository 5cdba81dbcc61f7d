//! The compared servers, each in a process of its own.

mod process;
mod publish;

use std::{
    fmt::Display,
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use self::process::Process;
pub(crate) use self::publish::Publisher;
use crate::{
    clients::CLIENT_NUMBER,
    system::{self, Usage},
};

/// A server to measure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ServerKind {
    /// This project's starter app, with its journal of files.
    Ours,
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

    /// The name in tables and plots.
    pub(crate) fn label(self) -> &'static str {
        match self {
            Self::Ours => "actix-web-sse",
            Self::Raw => "raw",
            Self::ActixWebLab => "actix-web-lab",
            Self::Axum => "axum",
            Self::Nchan => "nginx + nchan",
            Self::BetterSse => "better-sse",
            Self::Bare => "bare actix-web",
        }
    }
}

/// A running server. It is killed on drop.
pub(crate) struct Server {
    process: Process,
    pub(crate) address: SocketAddr,
    protocol: PublishProtocol,
    dir: PathBuf,
}

/// How events are published on a server.
enum PublishProtocol {
    /// By saving values, as for this project's server.
    Journal,
    Http,
}

/// The configuration of the starter app.
pub(crate) struct StarterSettings<'a> {
    /// `SSE_EVENTS`.
    pub(crate) events: &'a str,
    /// `SSE_STREAM_DURATION`.
    pub(crate) duration: &'a str,
}

impl Default for StarterSettings<'_> {
    fn default() -> Self {
        Self {
            events: "order:order",
            duration: "0",
        }
    }
}

impl Server {
    /// Starts the server in the empty folder `dir`.
    pub(crate) fn start(name: ServerKind, dir: &Path) -> io::Result<Self> {
        match name {
            ServerKind::Ours => Self::starter(dir, &StarterSettings::default()),
            ServerKind::Nchan => Self::nchan(dir),
            ServerKind::BetterSse => {
                let script = benches_folder().join("peers/better-sse/server.mjs");
                Self::peer(Command::new("node").arg(script), dir)
            }
            ServerKind::Raw => Self::rust_peer("raw", dir),
            ServerKind::Axum => Self::rust_peer("axum", dir),
            ServerKind::ActixWebLab => Self::rust_peer("actix-web-lab", dir),
            ServerKind::Bare => Self::rust_peer("bare", dir),
        }
    }

    /// The starter app, as a release build.
    pub(crate) fn starter(dir: &Path, settings: &StarterSettings<'_>) -> io::Result<Self> {
        prepare(dir, settings)?;
        Self::starter_in_prepared(dir)
    }

    /// Starts the starter app in a folder that [`prepare`] has prepared.
    pub(crate) fn starter_in_prepared(dir: &Path) -> io::Result<Self> {
        let mut command = Command::new(built_program("sse-starter")?);
        command
            .env_remove("CARGO_MANIFEST_DIR")
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("RUST_LOG", "warn");
        let (process, address) = Process::start(&mut command, dir)?;
        Ok(Self {
            process,
            address,
            protocol: PublishProtocol::Journal,
            dir: dir.to_owned(),
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
        command.arg("granting").env_remove("CARGO_MANIFEST_DIR");
        Ok(Self {
            protocol: PublishProtocol::Journal,
            ..Self::peer(&mut command, dir)?
        })
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
        })
    }

    /// The path of the stream.
    pub(crate) fn stream_path(&self) -> &'static str {
        match self.protocol {
            PublishProtocol::Journal => "/sse/stream",
            PublishProtocol::Http => "/stream",
        }
    }

    /// The path of the stream of one user, whose number takes the place of [`CLIENT_NUMBER`].
    pub(crate) fn private_stream_path(&self) -> String {
        let path = match self.protocol {
            PublishProtocol::Journal => "/sse/stream",
            PublishProtocol::Http => "/private/stream",
        };
        format!("{path}?to={}", user_name(CLIENT_NUMBER))
    }

    /// A publisher for this server.
    pub(crate) fn publisher(&self) -> io::Result<Publisher> {
        match self.protocol {
            PublishProtocol::Journal => Publisher::into_journal(&self.dir),
            PublishProtocol::Http => Publisher::by_http(self.address),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
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

/// Makes `dir` the folder of an app.
pub(crate) fn prepare(dir: &Path, settings: &StarterSettings<'_>) -> io::Result<()> {
    let env = format!(
        "SSE_EVENTS={}\nSSE_STREAM_DURATION={}\nSSE_MAX_CONNECTIONS=19000\n",
        settings.events, settings.duration
    );
    fs::write(dir.join(".env"), env)
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
