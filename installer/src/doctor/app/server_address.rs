//! The address at which the app's server probably listens.

use std::path::Path;

use actix_web_sse::cli_support::EnvFile;

use crate::app::layout::AppLayout;
use crate::cli::ServeArgs;
use crate::serve::settings::{ListenAddress, ServeSettings};
use crate::sources::source_files::find_in_rust;

/// From the address that the code binds, or from PORT and HOST in `.env`, which the starter app reads. Beside an app in
/// another language, that of `sse serve`.
pub(super) fn likely_url(layout: &AppLayout) -> Option<String> {
    if !layout.may_be_rust {
        return of_serve(&layout.app);
    }
    let sources = layout.sources();
    let bound = find_in_rust(&sources, ".bind(").and_then(|(_, code)| bound_address(code));
    let (host, port) = bound.or_else(|| {
        let env_file = EnvFile::read(&layout.app.join(".env")).ok()??;
        configured_address(&env_file)
    })?;
    Some(format!("http://{}:{port}", openable(host)))
}

/// Where `sse serve` listens in this folder.
fn of_serve(app: &Path) -> Option<String> {
    let settings = ServeSettings::read(app, &ServeArgs::default()).ok()?;
    let scheme = if settings.tls.is_some() {
        "https"
    } else {
        "http"
    };
    match settings.listen {
        ListenAddress::Unix(_) | ListenAddress::Tcp { port: 0, .. } => None,
        ListenAddress::Tcp { host, port } => {
            let host = openable(host);
            let address = ListenAddress::Tcp { host, port };
            Some(format!("{scheme}://{address}"))
        }
    }
}

/// An address at which a server that listens on this one can be reached.
fn openable(host: String) -> String {
    match host.as_str() {
        // Every address of the machine, which a browser cannot open.
        "0.0.0.0" | "[::]" | "::" => "127.0.0.1".to_owned(),
        _ => host,
    }
}

/// The literals in `"127.0.0.1:8080")` or `("127.0.0.1", 8080))`.
fn bound_address(code: &str) -> Option<(String, u16)> {
    let code = code.trim_start();
    let text = code
        .trim_start_matches('(')
        .trim_start()
        .strip_prefix('"')?;
    let (text, rest) = text.split_once('"')?;
    if let Some((host, port)) = text.rsplit_once(':')
        && let Some(port) = port_number(port)
    {
        return Some((host.to_owned(), port));
    }
    let rest = rest.trim_start().strip_prefix(',')?;
    let digits = rest
        .trim_start()
        .split(|c: char| !c.is_ascii_digit())
        .next()?;
    Some((text.to_owned(), port_number(digits)?))
}

fn configured_address(env_file: &EnvFile) -> Option<(String, u16)> {
    let (_, port) = env_file.get("PORT")?;
    let host = env_file.get("HOST").map_or("127.0.0.1", |(_, host)| host);
    Some((host.to_owned(), port_number(port)?))
}

/// With port 0, the system chooses one.
fn port_number(text: &str) -> Option<u16> {
    text.parse().ok().filter(|port| *port != 0)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn url_with(files: &[(&str, &str)]) -> Option<String> {
        let app = tempfile::tempdir().expect("a folder");
        for (name, contents) in files {
            let path = app.path().join(name);
            fs::create_dir_all(path.parent().expect("it has one")).expect("it is created");
            fs::write(path, contents).expect("it is written");
        }
        likely_url(&AppLayout::of_files(app.path()))
    }

    fn url(code: &str, env: &str) -> Option<String> {
        url_with(&[("src/main.rs", code), (".env", env), ("Cargo.toml", "")])
    }

    #[test]
    fn beside_another_app_it_is_that_of_sse_serve() {
        let url = |env| {
            let env = format!("# >>> sse >>>\n# <<< sse <<<\nPORT=80\n{env}");
            url_with(&[(".env", &env)])
        };
        for (env, expected) in [
            ("", Some("http://127.0.0.1:8090")),
            ("SSE_LISTEN=0.0.0.0:81\n", Some("http://127.0.0.1:81")),
            (
                "SSE_LISTEN=[::1]:81\nSSE_TLS_CERT=a\nSSE_TLS_KEY=b\n",
                Some("https://[::1]:81"),
            ),
            ("SSE_LISTEN=unix:sse.sock\n", None),
            ("SSE_LISTEN=wrong\n", None),
        ] {
            assert_eq!(url(env).as_deref(), expected, "{env}");
        }
    }

    #[test]
    fn the_address_is_the_one_that_the_code_binds() {
        for (code, expected) in [
            ("a.bind(\"localhost:3000\")?", "http://localhost:3000"),
            ("a.bind((\"0.0.0.0\", 3000))?", "http://127.0.0.1:3000"),
            (
                "a\n.bind( (\n\"127.0.0.1\",\n 80 ) )",
                "http://127.0.0.1:80",
            ),
        ] {
            assert_eq!(url(code, "PORT=1\n").as_deref(), Some(expected), "{code}");
        }
    }

    #[test]
    fn the_starters_settings_are_used_if_the_code_names_no_address() {
        let code = "a.bind((host.as_str(), port))";
        assert_eq!(
            url(code, "PORT=81\n").as_deref(),
            Some("http://127.0.0.1:81")
        );
        let env = "HOST=app.local\nPORT=81\n";
        assert_eq!(url(code, env).as_deref(), Some("http://app.local:81"));
        assert_eq!(url(code, "PORT=0\n"), None);
        assert_eq!(url(code, ""), None);
    }
}
