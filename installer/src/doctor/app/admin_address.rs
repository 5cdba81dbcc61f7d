//! The address of the admin pages: that of `sse serve`, or `ADMIN_LISTEN` of an app that was made from the starter.

use std::io::{self, ErrorKind, Read, Write};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream};
use std::time::{Duration, Instant};

use actix_web_sse::cli_support::EnvFile;

use super::env_mistakes::ProcessVariables;
use crate::app::layout::AppLayout;
use crate::cli::ServeArgs;
use crate::doctor::finding::{Check, Finding};
use crate::serve::settings::{ListenAddress, ServeSettings};

const CHECK: Check = Check("admin");

const STARTER_SETTING: &str = "ADMIN_LISTEN";
const SERVE_SETTING: &str = "SSE_ADMIN_LISTEN";

/// A server on this machine answers at once.
const TIMEOUT: Duration = Duration::from_secs(1);

/// More than the answer to a health check.
const MAX_ANSWER_BYTES: u64 = 4096;

/// Where the admin pages are to listen, and what names the address.
struct AdminAddress {
    setting: &'static str,
    host: String,
    port: u16,
}

/// The findings about the address, if there is one.
pub(super) fn check(
    layout: &AppLayout,
    env_file: &EnvFile,
    environment: &ProcessVariables,
) -> Vec<Finding> {
    let address = match layout.may_be_rust {
        true => of_starter(env_file, environment),
        false => of_serve(layout),
    };
    match address {
        Ok(Some(address)) => address
            .exposure()
            .into_iter()
            .chain(address.use_now())
            .collect(),
        Ok(None) => Vec::new(),
        Err(finding) => vec![finding],
    }
}

/// Settings that `sse serve` refuses are a finding of another check.
fn of_serve(layout: &AppLayout) -> Result<Option<AdminAddress>, Finding> {
    let settings = ServeSettings::read(&layout.app, &ServeArgs::default());
    let address = settings.ok().and_then(|settings| settings.admin_listen);
    Ok(match address {
        Some(ListenAddress::Tcp { host, port }) => Some(AdminAddress {
            setting: SERVE_SETTING,
            host,
            port,
        }),
        // Only this machine reaches a socket.
        Some(ListenAddress::Unix(_)) | None => None,
    })
}

/// As the starter reads it.
fn of_starter(
    env_file: &EnvFile,
    environment: &ProcessVariables,
) -> Result<Option<AdminAddress>, Finding> {
    let in_file = env_file.get(STARTER_SETTING).map(|(_, value)| value);
    let in_environment = environment.get(STARTER_SETTING).map(String::as_str);
    let value = in_environment.or(in_file).unwrap_or_default().trim();
    if value.is_empty() || value.eq_ignore_ascii_case("off") {
        return Ok(None);
    }
    let parts = value.rsplit_once(':');
    let parts = parts.and_then(|(host, port)| Some((host, port.parse().ok()?)));
    match parts {
        Some((host, port)) => Ok(Some(AdminAddress {
            setting: STARTER_SETTING,
            host: host.trim_matches(['[', ']']).to_owned(),
            port,
        })),
        None => Err(CHECK.error(
            format!("{STARTER_SETTING} is neither HOST:PORT nor `off`: `{value}`"),
            format!("write {STARTER_SETTING}=127.0.0.1:8081, or {STARTER_SETTING}=off"),
        )),
    }
}

impl AdminAddress {
    /// `None` for a host name other than `localhost`: looking it up may take long.
    fn ip(&self) -> Option<IpAddr> {
        match self.host.as_str() {
            host if host.eq_ignore_ascii_case("localhost") => Some(Ipv4Addr::LOCALHOST.into()),
            host => host.parse().ok(),
        }
    }

    /// A note, because a container has to listen on all of its addresses.
    fn exposure(&self) -> Option<Finding> {
        if self.ip().is_some_and(|ip| ip.is_loopback()) {
            return None;
        }
        let Self { setting, port, .. } = self;
        Some(CHECK.tip(
            format!(
                "the admin pages listen on {self}, which other machines may reach ({setting}): they have no login, \
                 and show keys and settings"
            ),
            format!(
                "set {setting}=127.0.0.1:{port}, or let only your monitoring reach this port"
            ),
        ))
    }

    /// Which program listens on the address now; `None` if the address is not known before the server starts.
    fn use_now(&self) -> Option<Finding> {
        let ip = match self.ip()? {
            ip if !ip.is_unspecified() => ip,
            IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
            IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
        };
        if self.port == 0 {
            return None;
        }
        let address = SocketAddr::new(ip, self.port);
        Some(match answers_as_admin_pages(address) {
            Ok(true) => CHECK.ok(format!("the admin pages answer at http://{address}")),
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => CHECK.ok(format!(
                "nothing listens on {self}, where the admin pages are while the server runs"
            )),
            Ok(false) => CHECK.warning(
                format!(
                    "another program listens on {self}, the address of the admin pages ({setting}): the server cannot \
                     start",
                    setting = self.setting
                ),
                format!("end that program, or set {} to another address", self.setting),
            ),
            Err(error) => CHECK.note(format!("the admin pages at {address} do not answer: {error}")),
        })
    }
}

impl std::fmt::Display for AdminAddress {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (host, port) = (self.host.clone(), self.port);
        ListenAddress::Tcp { host, port }.fmt(f)
    }
}

/// Whether the health check of the admin pages answers. It also says so if the server is not healthy.
fn answers_as_admin_pages(address: SocketAddr) -> io::Result<bool> {
    let start = Instant::now();
    let mut connection = TcpStream::connect_timeout(&address, TIMEOUT)?;
    connection.set_read_timeout(Some(TIMEOUT))?;
    connection.set_write_timeout(Some(TIMEOUT))?;
    connection.write_all(b"GET /health/live HTTP/1.0\r\n\r\n")?;
    let mut answer = Vec::new();
    let mut connection = connection.take(MAX_ANSWER_BYTES);
    let mut buffer = [0; 1024];
    loop {
        match connection.read(&mut buffer) {
            Ok(0) => break,
            Ok(bytes) => answer.extend_from_slice(&buffer[..bytes]),
            // Another protocol: its server waits for more, or hangs up.
            Err(_) => break,
        }
        if start.elapsed() > TIMEOUT {
            break;
        }
    }
    let answer = String::from_utf8_lossy(&answer);
    let is_http = answer.starts_with("HTTP/1.");
    let body = answer.split_once("\r\n\r\n").map_or("", |(_, body)| body);
    Ok(is_http && (body == "ok\n" || body.starts_with("error: ")))
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::app::kind::AppKind;
    use crate::doctor::finding::Level;

    fn findings(address: &str) -> Vec<Finding> {
        let env = EnvFile::new(format!("ADMIN_LISTEN={address}\n").into());
        let layout = AppLayout::for_test(AppKind::Rust);
        check(&layout, &env, &ProcessVariables::new())
    }

    /// What is found while a server answers one connection with this text.
    fn findings_with(answer: &'static str) -> Vec<Finding> {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("it listens").to_string();
        let server = thread::spawn(move || {
            let (mut connection, _) = listener.accept().expect("a client");
            let mut request = [0; 100];
            let _ = connection.read(&mut request);
            let _ = connection.write_all(answer.as_bytes());
        });
        let findings = findings(&address);
        server.join().expect("it ends");
        findings
    }

    #[test]
    fn the_program_that_listens_on_the_address_is_reported() {
        // Programs that choose a free port never get this one.
        let found = findings("127.0.0.1:1");
        assert_eq!((found.len(), found[0].level), (1, Level::Ok));
        assert!(found[0].message.contains("nothing listens on 127.0.0.1:"));
        for (answer, level, expected) in [
            (
                "HTTP/1.0 200 OK\r\n\r\nok\n",
                Level::Ok,
                "answer at http://127.0.0.1:",
            ),
            (
                "HTTP/1.0 503 -\r\n\r\nerror: no disk\n",
                Level::Ok,
                "answer at http://127.0.0.1:",
            ),
            (
                "HTTP/1.0 200 OK\r\n\r\n<html>",
                Level::Warning,
                "another program listens",
            ),
            ("SSH-2.0-x\r\n", Level::Warning, "another program listens"),
        ] {
            // A busy machine may answer too late.
            let mut attempts = (0..5).map(|_| findings_with(answer));
            let found = attempts
                .find(|found| found[0].message.contains(expected))
                .expect(answer);
            assert_eq!((found.len(), found[0].level), (1, level), "{answer}");
        }
    }

    #[test]
    fn an_address_that_others_reach_or_that_is_not_valid_is_reported() {
        for address in ["0.0.0.0:0", "[::]:0", "admin.example:0"] {
            let found = findings(address);
            assert_eq!((found.len(), found[0].level), (1, Level::Note), "{address}");
            assert!(
                found[0]
                    .message
                    .contains(&format!("listen on {address}, which other"))
            );
        }
        for address in ["8081", "on", "127.0.0.1:65536"] {
            let found = findings(address);
            assert_eq!(
                (found.len(), found[0].level),
                (1, Level::Error),
                "{address}"
            );
        }
        for address in ["", "off", "127.0.0.1:0", "localhost:0"] {
            assert_eq!(findings(address), [], "{address}");
        }
    }
}
