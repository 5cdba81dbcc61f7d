//! The address at which the app's server probably listens.

use std::path::Path;

use actix_web_sse::cli_support::EnvFile;

use crate::sources::source_files::{SourceFile, find_in_rust};

/// From the address that the code binds, or from PORT and HOST in `.env`, which the starter app reads.
pub(super) fn likely_url(app: &Path, sources: &[SourceFile]) -> Option<String> {
    let bound = find_in_rust(sources, ".bind(").and_then(|(_, code)| bound_address(code));
    let (host, port) = bound.or_else(|| {
        let env_file = EnvFile::read(&app.join(".env")).ok()??;
        configured_address(&env_file)
    })?;
    let host = match host.as_str() {
        // Every address of the machine, which a browser cannot open.
        "0.0.0.0" | "[::]" | "::" => "127.0.0.1".to_owned(),
        _ => host,
    };
    Some(format!("http://{host}:{port}"))
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
    use super::*;
    use crate::sources::source_files::FileKind;

    fn url(code: &str, env: &str) -> Option<String> {
        let app = tempfile::tempdir().expect("a folder");
        std::fs::write(app.path().join(".env"), env).expect("it is written");
        let source = SourceFile::new("src/main.rs", FileKind::Rust, code);
        likely_url(app.path(), &[source])
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
