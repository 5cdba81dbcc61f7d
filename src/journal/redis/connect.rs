//! Opens connections, each with the checks that later commands rely on.

use std::time::{Duration, Instant};

use redis::{
    Client, Connection, ConnectionAddr, ConnectionInfo, ErrorKind, IntoConnectionInfo,
    RedisConnectionInfo, RedisError, RedisResult, ServerErrorKind, cmd, io::tcp::TcpSettings,
};

use crate::config::{Credentials, RedisLocation, RedisServers, ServerAddress, Tls};

/// How long a connection may take, with all its checks. A server on the same network needs a millisecond.
pub(super) const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);

/// A step of a connection has at least this long.
const MIN_STEP_TIMEOUT: Duration = Duration::from_millis(100);

/// How long the kernel may try to send data that the server does not confirm.
#[cfg(target_os = "linux")]
const USER_TIMEOUT: Duration = Duration::from_secs(10);

/// Scripts of older versions cannot call all commands that these scripts need.
const MIN_VERSION: u32 = 7;

/// Connects to a server of the location: to `master`, if Sentinel has named one.
pub(super) fn connect(
    location: &RedisLocation,
    master: Option<&ServerAddress>,
    timeout: Duration,
) -> RedisResult<Connection> {
    let start = Instant::now();
    let address = match (master, &location.servers) {
        (Some(master), _) | (None, RedisServers::Tcp(master)) => tcp(master, location),
        (None, RedisServers::Socket(path)) => ConnectionAddr::Unix(path.clone()),
        (None, RedisServers::Sentinels { .. }) => {
            return Err((ErrorKind::Client, "no master is known").into());
        }
    };
    let settings = settings(&location.credentials).set_db(location.database.into());
    let mut connection = open(address, settings, location.tls.as_ref(), timeout)?;
    let left = timeout.saturating_sub(start.elapsed());
    connection.set_read_timeout(Some(left.max(MIN_STEP_TIMEOUT)))?;
    connection.set_write_timeout(Some(left.max(MIN_STEP_TIMEOUT)))?;
    check_server(&mut connection)?;
    Ok(connection)
}

/// Asks the Sentinels, one after the other, for the master of their service. Each has its share of the time, so that
/// one that does not answer leaves enough for the others.
pub(super) fn find_master(
    location: &RedisLocation,
    timeout: Duration,
) -> RedisResult<Option<ServerAddress>> {
    let RedisServers::Sentinels {
        sentinels,
        service,
        credentials,
    } = &location.servers
    else {
        return Ok(None);
    };
    let mut last_error = None;
    let share = timeout / u32::try_from(sentinels.len()).unwrap_or(u32::MAX).max(1);
    for sentinel in sentinels {
        match ask(sentinel, service, credentials, location, share) {
            Ok(Some(master)) => return Ok(Some(master)),
            Ok(None) => {
                let unknown = "the Sentinels do not know the service in SSE_CACHE";
                last_error = Some((ErrorKind::MasterNameNotFoundBySentinel, unknown).into());
            }
            Err(error) => last_error = Some(error),
        }
    }
    Err(last_error.unwrap_or_else(|| (ErrorKind::EmptySentinelList, "no Sentinel is known").into()))
}

/// Asks one Sentinel; `None` if it does not know the service.
pub(super) fn ask(
    sentinel: &ServerAddress,
    service: &str,
    credentials: &Credentials,
    location: &RedisLocation,
    timeout: Duration,
) -> RedisResult<Option<ServerAddress>> {
    let start = Instant::now();
    let address = tcp(sentinel, location);
    let tls = location.tls.as_ref();
    let mut connection = open(address, settings(credentials), tls, timeout)?;
    let left = timeout.saturating_sub(start.elapsed());
    connection.set_read_timeout(Some(left.max(MIN_STEP_TIMEOUT)))?;
    let master: Option<(String, u16)> = cmd("SENTINEL")
        .arg("GET-MASTER-ADDR-BY-NAME")
        .arg(service)
        .query(&mut connection)?;
    Ok(master.map(|(host, port)| ServerAddress { host, port }))
}

fn tcp(server: &ServerAddress, location: &RedisLocation) -> ConnectionAddr {
    let ServerAddress { host, port } = server.clone();
    match location.tls {
        None => ConnectionAddr::Tcp(host, port),
        Some(_) => ConnectionAddr::TcpTls {
            host,
            port,
            insecure: false,
            tls_params: None,
        },
    }
}

fn settings(credentials: &Credentials) -> RedisConnectionInfo {
    // Its commands would need further permissions.
    let mut settings = RedisConnectionInfo::default().set_skip_set_lib_name();
    if let Some(user) = &credentials.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = &credentials.password {
        settings = settings.set_password(password);
    }
    settings
}

fn open(
    address: ConnectionAddr,
    settings: RedisConnectionInfo,
    tls: Option<&Tls>,
    timeout: Duration,
) -> RedisResult<Connection> {
    let tcp_settings = TcpSettings::default().set_nodelay(true);
    #[cfg(target_os = "linux")]
    let tcp_settings = tcp_settings.set_user_timeout(USER_TIMEOUT);
    let info: ConnectionInfo = address.into_connection_info()?;
    let info = info
        .set_tcp_settings(tcp_settings)
        .set_redis_settings(settings);
    let client = match tls {
        None => Client::open(info)?,
        Some(tls) => tls_client(info, tls)?,
    };
    client.get_connection_with_timeout(timeout.max(MIN_STEP_TIMEOUT))
}

#[cfg(feature = "redis-tls")]
fn tls_client(info: ConnectionInfo, tls: &Tls) -> RedisResult<Client> {
    use rustls::crypto::{CryptoProvider, ring};

    // Without one, rustls panics if the program contains two or none. The app's own has precedence.
    if CryptoProvider::get_default().is_none() {
        let _ = ring::default_provider().install_default();
    }
    let root_cert = tls.authorities.as_deref().map(read_named).transpose()?;
    Client::build_with_tls(
        info,
        redis::TlsCertificates {
            client_tls: None,
            root_cert,
        },
    )
}

#[cfg(feature = "redis-tls")]
fn read_named(path: &std::path::Path) -> std::io::Result<Vec<u8>> {
    std::fs::read(path).map_err(|error| {
        std::io::Error::new(
            error.kind(),
            format!("the certificates in {}: {error}", path.display()),
        )
    })
}

/// The configuration refuses TLS without the feature.
#[cfg(not(feature = "redis-tls"))]
fn tls_client(info: ConnectionInfo, _: &Tls) -> RedisResult<Client> {
    Client::open(info)
}

/// Fails if the server cannot hold a journal.
fn check_server(connection: &mut Connection) -> RedisResult<()> {
    let info: String = cmd("INFO").query(connection)?;
    let value = |name: &str| {
        let mut lines = info.lines();
        lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))
    };
    if value("cluster_enabled") == Some("1") {
        return Err(refused("CROSSSLOT", "this server belongs to a cluster"));
    }
    let version = value("redis_version").unwrap_or_default();
    let major = version
        .split('.')
        .next()
        .and_then(|major| major.parse().ok());
    if major.is_none_or(|major: u32| major < MIN_VERSION) {
        let reason = format!("its version is {version:?}, and at least {MIN_VERSION}.0 is needed");
        return Err(refused("NOREPLID", &reason));
    }
    match value("role") {
        Some("master") => Ok(()),
        _ => Err((
            ErrorKind::Server(ServerErrorKind::ReadOnly),
            "this server is a replica",
        )
            .into()),
    }
}

fn refused(code: &str, reason: &str) -> RedisError {
    redis::make_extension_error(code.to_owned(), Some(reason.to_owned()))
}
