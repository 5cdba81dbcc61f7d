//! The settings of `sse serve`: their names, and where their values come from.

use std::env;
use std::fmt::{self, Display};
use std::path::{Path, PathBuf};
use std::time::Duration;

use actix_web_sse::cli_support::EnvFile;

use crate::cli::ServeArgs;
use crate::exit::Failure;

/// One setting: its option, its name in `.env` and the environment, and its default.
struct SettingInfo {
    option: &'static str,
    name: &'static str,
    default: Option<&'static str>,
    argument: fn(&ServeArgs) -> Option<&String>,
}

/// Declares the rows, and their list in the order of the documentation.
macro_rules! settings {
    ($($row:ident: $option:literal, $name:literal, $default:expr, $field:ident;)*) => {
        $(const $row: SettingInfo = SettingInfo {
            option: $option,
            name: $name,
            default: $default,
            argument: |args| args.$field.as_ref(),
        };)*

        /// The names of all settings.
        pub(crate) const NAMES: &[&str] = &[$($row.name),*];

        const ALL: &[&SettingInfo] = &[$(&$row),*];
    };
}

settings! {
    LISTEN: "--listen", "SSE_LISTEN", Some("127.0.0.1:8090"), listen;
    ADMIN_LISTEN: "--admin-listen", "SSE_ADMIN_LISTEN", None, admin_listen;
    TLS_CERT: "--tls-cert", "SSE_TLS_CERT", None, tls_cert;
    TLS_KEY: "--tls-key", "SSE_TLS_KEY", None, tls_key;
    AUTH_URL: "--auth-url", "SSE_AUTH_URL", None, auth_url;
    AUTH_TIMEOUT: "--auth-timeout", "SSE_AUTH_TIMEOUT", Some("5"), auth_timeout;
    AUTH_CONCURRENCY: "--auth-concurrency", "SSE_AUTH_CONCURRENCY", Some("16"), auth_concurrency;
    SAVE_TOKEN_FILE: "--save-token-file", "SSE_SAVE_TOKEN_FILE", None, save_token_file;
}

/// The settings of one run. They are read once, at the start.
#[derive(Debug)]
pub(crate) struct ServeSettings {
    pub(crate) listen: ListenAddress,
    pub(crate) admin_listen: Option<ListenAddress>,
    pub(crate) tls: Option<TlsFiles>,
    pub(crate) auth: Option<AuthSettings>,
    pub(crate) save_token_file: Option<PathBuf>,
}

/// Where a server listens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ListenAddress {
    Tcp { host: String, port: u16 },
    Unix(PathBuf),
}

/// The certificate and its key.
#[derive(Debug)]
pub(crate) struct TlsFiles {
    pub(crate) cert: PathBuf,
    pub(crate) key: PathBuf,
}

/// How the app is asked what a client may receive.
#[derive(Debug)]
pub(crate) struct AuthSettings {
    pub(crate) url: String,
    /// For one request to the app.
    pub(crate) timeout: Duration,
    /// How many requests the app gets at once.
    pub(crate) concurrency: usize,
}

impl Display for ListenAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp { host, port } if host.contains(':') => write!(f, "[{host}]:{port}"),
            Self::Tcp { host, port } => write!(f, "{host}:{port}"),
            Self::Unix(path) => write!(f, "unix:{}", path.display()),
        }
    }
}

impl ServeSettings {
    /// Reads the settings of the app in `app`: options first, then the environment, then `.env`.
    pub(crate) fn read(app: &Path, args: &ServeArgs) -> Result<Self, Failure> {
        let env_file = EnvFile::read(&app.join(".env"))?;
        check_variables()?;
        check_options(args)?;
        let sources = Sources {
            app,
            args,
            env_file: env_file.as_ref(),
        };
        let listen = sources.required(&LISTEN);
        let tls = match (sources.get(&TLS_CERT), sources.get(&TLS_KEY)) {
            (None, None) => None,
            (Some(cert), Some(key)) => Some(TlsFiles {
                cert: sources.path(&cert),
                key: sources.path(&key),
            }),
            (Some(set), None) => return Err(missing_half(&set, &TLS_KEY)),
            (None, Some(set)) => return Err(missing_half(&set, &TLS_CERT)),
        };
        let admin_listen = sources.get(&ADMIN_LISTEN);
        let save_token_file = sources.get(&SAVE_TOKEN_FILE);
        Ok(Self {
            listen: listen.parse_address(app)?,
            admin_listen: admin_listen.map(|raw| raw.parse_address(app)).transpose()?,
            tls,
            auth: sources.auth()?,
            save_token_file: save_token_file.map(|raw| sources.path(&raw)),
        })
    }
}

/// A variable that cannot be read must not count as none: without `SSE_AUTH_URL` the stream is public.
fn check_variables() -> Result<(), Failure> {
    let is_unreadable = |name: &&&str| matches!(env::var(name), Err(env::VarError::NotUnicode(_)));
    match NAMES.iter().find(is_unreadable) {
        Some(name) => Err(Failure::error(format!(
            "{name} (an environment variable) is not valid UTF-8"
        ))
        .with_help("correct or remove the variable")),
        None => Ok(()),
    }
}

/// The variable that a script passes as an option may be misspelt.
fn check_options(args: &ServeArgs) -> Result<(), Failure> {
    let is_empty =
        |info: &&&SettingInfo| (info.argument)(args).is_some_and(|text| text.trim().is_empty());
    match ALL.iter().find(is_empty) {
        Some(info) => Err(
            Failure::usage(format!("{} is empty", info.option)).with_help(format!(
                "leave the option out; to turn off what .env sets, set the variable: {}= sse serve",
                info.name
            )),
        ),
        None => Ok(()),
    }
}

fn missing_half(set: &RawSetting, missing: &SettingInfo) -> Failure {
    set.error(format!(
        "is set, but {} is not: HTTPS needs a certificate and its key",
        missing.name
    ))
    .with_help(format!(
        "pass both --tls-cert and --tls-key, or set {} and {} in .env, or neither for HTTP",
        TLS_CERT.name, TLS_KEY.name
    ))
}

struct Sources<'a> {
    app: &'a Path,
    args: &'a ServeArgs,
    env_file: Option<&'a EnvFile>,
}

/// A value as text, with its origin.
struct RawSetting {
    text: String,
    /// The beginning of an error about the value.
    origin: String,
    is_option: bool,
}

impl Sources<'_> {
    /// An empty value counts as none, so that a variable can turn off what `.env` sets.
    fn get(&self, info: &SettingInfo) -> Option<RawSetting> {
        let found = self.find(info);
        found.filter(|raw| !raw.text.trim().is_empty())
    }

    fn find(&self, info: &SettingInfo) -> Option<RawSetting> {
        let name = info.name;
        if let Some(text) = (info.argument)(self.args) {
            return Some(RawSetting {
                text: text.clone(),
                origin: info.option.to_owned(),
                is_option: true,
            });
        }
        if let Ok(text) = env::var(name) {
            return Some(RawSetting {
                text,
                origin: format!("{name} (an environment variable)"),
                is_option: false,
            });
        }
        let (line, text) = self.env_file?.get(name)?;
        Some(RawSetting {
            text: text.to_owned(),
            origin: format!("{}:{line}: {name}", self.app.join(".env").display()),
            is_option: false,
        })
    }

    /// A setting that has a default.
    fn required(&self, info: &SettingInfo) -> RawSetting {
        self.get(info).unwrap_or_else(|| RawSetting {
            text: info.default.unwrap_or_default().to_owned(),
            origin: info.name.to_owned(),
            is_option: false,
        })
    }

    /// A relative path is relative to the app's folder, and in an option to the working directory, as usual in a shell.
    fn path(&self, raw: &RawSetting) -> PathBuf {
        match raw.is_option {
            true => PathBuf::from(raw.text.trim()),
            false => self.app.join(raw.text.trim()),
        }
    }

    fn auth(&self) -> Result<Option<AuthSettings>, Failure> {
        let Some(url) = self.get(&AUTH_URL) else {
            return Ok(None);
        };
        let timeout = self.required(&AUTH_TIMEOUT);
        let concurrency = self.required(&AUTH_CONCURRENCY);
        Ok(Some(AuthSettings {
            url: url.parse_url()?,
            timeout: timeout.parse_seconds()?,
            concurrency: concurrency.parse_count()?,
        }))
    }
}

/// Longer waits help nobody: browsers give up sooner.
const MAX_AUTH_TIMEOUT_SECONDS: f64 = 60.0;
const MAX_AUTH_CONCURRENCY: usize = 1_000;

impl RawSetting {
    /// `problem` continues a sentence that starts with the setting.
    fn error(&self, problem: impl Display) -> Failure {
        let message = format!("{} {problem}", self.origin);
        match self.is_option {
            true => Failure::usage(message),
            false => Failure::error(message),
        }
    }

    fn parse_address(&self, app: &Path) -> Result<ListenAddress, Failure> {
        let text = self.text.trim();
        if let Some(path) = text.strip_prefix("unix:") {
            return match path {
                "" => Err(self.address_error()),
                path if self.is_option => Ok(ListenAddress::Unix(path.into())),
                path => Ok(ListenAddress::Unix(app.join(path))),
            };
        }
        let (host, port) = text.rsplit_once(':').ok_or_else(|| self.address_error())?;
        let port = port.parse().map_err(|_| self.address_error())?;
        let inner = host
            .strip_prefix('[')
            .and_then(|rest| rest.strip_suffix(']'));
        let host = inner.unwrap_or(host);
        let is_host = !host.is_empty() && !host.contains(['/', '[', ']', ' ']);
        if !is_host || (inner.is_none() && host.contains(':')) {
            return Err(self.address_error());
        }
        Ok(ListenAddress::Tcp {
            host: host.to_owned(),
            port,
        })
    }

    fn address_error(&self) -> Failure {
        self.error(format!("is not an address to listen on: `{}`", self.text))
            .with_help(
                "write HOST:PORT, such as 127.0.0.1:8090, [::1]:8090 or 0.0.0.0:8090, or unix:PATH for a socket",
            )
    }

    /// The URL is not repeated: it may contain a password.
    fn parse_url(&self) -> Result<String, Failure> {
        let url = self.text.trim();
        let uri: Option<hyper::Uri> = url.parse().ok();
        let is_valid = uri.as_ref().is_some_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https")) && uri.host().is_some()
        });
        if !is_valid || url.contains('#') {
            return Err(self
                .error("is not a URL of http or https")
                .with_help("name an address of the app, such as http://127.0.0.1/sse/auth"));
        }
        let authority = uri.as_ref().and_then(hyper::Uri::authority);
        let authority = authority.map_or("", |authority| authority.as_str());
        if authority.contains('@') {
            return Err(self
                .error("contains a user name, which is not supported")
                .with_help("remove the part before the @"));
        }
        // The default port would be asked instead: another server, with the credentials of the clients.
        let has_port = authority
            .rsplit(']')
            .next()
            .unwrap_or_default()
            .contains(':');
        let port = uri.as_ref().and_then(hyper::Uri::port_u16).unwrap_or(0);
        if has_port && port == 0 {
            return Err(self
                .error("has no port from 1 to 65535 after the colon")
                .with_help(
                    "correct the port, such as http://127.0.0.1:8080/sse/auth, or remove the colon",
                ));
        }
        Ok(url.to_owned())
    }

    fn parse_seconds(&self) -> Result<Duration, Failure> {
        let seconds: Option<f64> = self.text.trim().parse().ok();
        seconds
            .filter(|seconds| *seconds > 0.0 && *seconds <= MAX_AUTH_TIMEOUT_SECONDS)
            .map(Duration::from_secs_f64)
            .ok_or_else(|| {
                self.error(format!(
                    "is not a number of seconds above 0 and up to {MAX_AUTH_TIMEOUT_SECONDS}: `{}`",
                    self.text
                ))
                .with_help("write seconds, such as 5 or 0.5")
            })
    }

    fn parse_count(&self) -> Result<usize, Failure> {
        let count: Option<usize> = self.text.trim().parse().ok();
        count
            .filter(|count| (1..=MAX_AUTH_CONCURRENCY).contains(count))
            .ok_or_else(|| {
                self.error(format!(
                    "is not a whole number from 1 to {MAX_AUTH_CONCURRENCY}: `{}`",
                    self.text
                ))
                .with_help("write how many requests the app may get at once, such as 16")
            })
    }
}

#[cfg(test)]
mod tests;
