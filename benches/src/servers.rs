//! The servers that are compared, each as a process of its own.

mod process;
mod publish;

use std::{
    fs, io,
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Command,
};

use clap::ValueEnum;

use self::process::Process;
pub(crate) use self::publish::Publisher;
use crate::system::{self, Usage};

/// A server that is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Name {
    /// The starter app of this project, with its file journal.
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
    /// An actix-web handler whose stream never has anything: memory only.
    Bare,
}

impl Name {
    /// All that deliver.
    pub(crate) const DELIVERING: [Self; 6] = [
        Self::Raw,
        Self::Ours,
        Self::ActixWebLab,
        Self::Axum,
        Self::Nchan,
        Self::BetterSse,
    ];

    /// As tables and plots show it.
    pub(crate) fn shown(self) -> &'static str {
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

/// A server that runs. It is killed when this is dropped.
pub(crate) struct Server {
    process: Process,
    pub(crate) address: SocketAddr,
    kind: Kind,
    dir: PathBuf,
}

enum Kind {
    Ours,
    Http,
}

/// How our server is set up.
pub(crate) struct Setting<'a> {
    /// `SSE_EVENTS`.
    pub(crate) events: &'a str,
    /// `SSE_STREAM_DURATION`.
    pub(crate) duration: &'a str,
}

impl Default for Setting<'_> {
    fn default() -> Self {
        Self {
            events: "order:order",
            duration: "0",
        }
    }
}

impl Server {
    /// Starts it in an empty folder `dir`.
    pub(crate) fn start(name: Name, dir: &Path) -> io::Result<Self> {
        match name {
            Name::Ours => Self::ours(dir, &Setting::default()),
            Name::Nchan => Self::nchan(dir),
            Name::BetterSse => {
                let script = sources().join("peers/better-sse/server.mjs");
                Self::peer(Command::new("node").arg(script), dir)
            }
            Name::Raw => Self::of_ours("raw", dir),
            Name::Axum => Self::of_ours("axum", dir),
            Name::ActixWebLab => Self::of_ours("actix-web-lab", dir),
            Name::Bare => Self::of_ours("bare", dir),
        }
    }

    /// The starter app, as a release build.
    pub(crate) fn ours(dir: &Path, setting: &Setting<'_>) -> io::Result<Self> {
        prepare(dir, setting)?;
        Self::ours_again(dir)
    }

    /// The same in a folder that is prepared.
    pub(crate) fn ours_again(dir: &Path) -> io::Result<Self> {
        let mut command = Command::new(beside_us("sse-starter")?);
        command
            .env_remove("CARGO_MANIFEST_DIR")
            .env("HOST", "127.0.0.1")
            .env("PORT", "0")
            .env("RUST_LOG", "warn");
        let (process, address) = Process::start(&mut command, dir)?;
        Ok(Self {
            process,
            address,
            kind: Kind::Ours,
            dir: dir.to_owned(),
        })
    }

    fn of_ours(name: &str, dir: &Path) -> io::Result<Self> {
        Self::peer(Command::new(beside_us("peer")?).arg(name), dir)
    }

    fn peer(command: &mut Command, dir: &Path) -> io::Result<Self> {
        let (process, address) = Process::start(command, dir)?;
        Ok(Self {
            process,
            address,
            kind: Kind::Http,
            dir: dir.to_owned(),
        })
    }

    /// nginx takes no free port by itself, so one is looked for.
    fn nchan(dir: &Path) -> io::Result<Self> {
        let address = std::net::TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let template = fs::read_to_string(sources().join("peers/nchan.conf.in"))?;
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
            kind: Kind::Http,
            dir: dir.to_owned(),
        })
    }

    /// The address of the stream on it.
    pub(crate) fn target(&self) -> &'static str {
        match self.kind {
            Kind::Ours => "/sse/stream",
            Kind::Http => "/stream",
        }
    }

    /// Something that publishes on it.
    pub(crate) fn publisher(&self) -> io::Result<Publisher> {
        match self.kind {
            Kind::Ours => Publisher::into_journal(&self.dir),
            Kind::Http => Publisher::by_http(self.address),
        }
    }

    pub(crate) fn id(&self) -> u32 {
        self.process.id()
    }

    /// What it has used so far, its workers included.
    pub(crate) fn usage(&self) -> io::Result<Usage> {
        let mut usage = system::usage(self.id())?;
        for child in system::children(self.id()) {
            usage += system::usage(child)?;
        }
        Ok(usage)
    }

    /// Its memory, that of its workers included.
    pub(crate) fn memory(&self) -> io::Result<u64> {
        let mut memory = system::memory(self.id())?;
        for child in system::children(self.id()) {
            memory += system::memory(child)?;
        }
        Ok(memory)
    }
}

/// Makes `dir` the folder of an app.
pub(crate) fn prepare(dir: &Path, setting: &Setting<'_>) -> io::Result<()> {
    let env = format!(
        "SSE_EVENTS={}\nSSE_STREAM_DURATION={}\nSSE_MAX_CONNECTIONS=19000\n",
        setting.events, setting.duration
    );
    fs::write(dir.join(".env"), env)
}

fn sources() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A program that was built together with this one.
fn beside_us(name: &str) -> io::Result<PathBuf> {
    let path = std::env::current_exe()?.with_file_name(name);
    if path.is_file() {
        Ok(path)
    } else {
        Err(io::Error::new(
            io::ErrorKind::NotFound,
            format!("{} is not built: start benches/run", path.display()),
        ))
    }
}
