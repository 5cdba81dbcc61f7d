//! The steps for an app beside `sse serve`, which serves the stream.

use std::path::{Path, PathBuf};

use actix_web_sse::Config;
use actix_web_sse::cli_support::{EnvFile, settings};

use super::{ExampleSave, NextStep, missing_tag, print_steps, quote, save_command};
use crate::app::codeigniter::module::{Leftovers, PACKAGE};
use crate::app::kind::AppKind;
use crate::app::layout::AppLayout;
use crate::cli::ServeArgs;
use crate::output::Output;
use crate::serve::settings::{ListenAddress, ServeSettings};
use crate::sources::source_files::{FileKind, SourceFile};

const PUBLIC_STREAM_NOTE: &str = "
The stream is public: every visitor can receive every value that is saved without an audience.
A key that is marked in SSE_EVENTS, as in `event:key:private`, accepts no such value.
To let your app decide who may have the stream, and which private values: sse serve --auth-url URL";

/// The address of the app, in the `.env` of CodeIgniter and of Laravel.
const URL_SETTINGS: [&str; 2] = ["app.baseURL", "APP_URL"];

pub(super) fn print(
    mut steps: Vec<NextStep>,
    layout: &AppLayout,
    sources: &[SourceFile],
    example: &ExampleSave,
    output: Output,
) {
    let env = EnvFile::read(&layout.app.join(".env")).ok().flatten();
    let env = env.unwrap_or_default();
    if layout.kind == AppKind::CodeIgniter {
        steps.extend(module_steps(&Leftovers::find(layout, sources)));
    }
    steps.extend(missing_tag(layout, sources));
    if layout.kind == AppKind::CodeIgniter && !sources.iter().any(saves_values) {
        steps.push(first_save(layout, example));
    }
    steps.push(server(&layout.app));
    if layout.kind != AppKind::CodeIgniter && !sources.iter().any(saves_values) {
        // The server creates the folder that the value is written to.
        steps.push(first_save(layout, example));
    }
    steps.push(proxy(layout));
    steps.extend(allowed_host(&env));
    steps.push(NextStep {
        instruction: "Open the page. To save a value from a terminal, too:".to_owned(),
        lines: save_command(&layout.app, example),
    });
    print_steps(&steps, output);
    output.note(PUBLIC_STREAM_NOTE);
}

/// Two streams on one path would confuse whoever searches for a mistake.
fn module_steps(leftovers: &Leftovers) -> Vec<NextStep> {
    let package = leftovers.is_required.then(|| NextStep {
        instruction: "Remove the original module. Do not run `php spark sse:uninstall`, which would also remove the settings and \
                      sse-client.js of this installation:"
            .to_owned(),
        lines: format!("composer remove {PACKAGE}"),
    });
    let lines = (!leftovers.lines.is_empty()).then(|| NextStep {
        instruction: "Remove these lines, which use the original module or its route (`sse serve` serves /sse/stream):".to_owned(),
        lines: leftovers.lines.join("\n"),
    });
    package.into_iter().chain(lines).collect()
}

fn saves_values(source: &SourceFile) -> bool {
    let is_code = matches!(source.kind, FileKind::Php | FileKind::Page);
    is_code && source.text.contains("cache()->save(")
}

fn first_save(layout: &AppLayout, example: &ExampleSave) -> NextStep {
    let key = &example.key;
    let command = save_command(&layout.app, example);
    if example.audience.is_some() {
        // A file names no audience.
        return NextStep {
            instruction: "Save a value for an audience:".to_owned(),
            lines: command,
        };
    }
    match (layout.kind, drop_in(layout, key)) {
        (AppKind::CodeIgniter, _) => NextStep {
            instruction: "Save a value. For a first test, at the beginning of index() in app/Controllers/Home.php:".to_owned(),
            lines: format!("cache()->save('{key}', '1');"),
        },
        (AppKind::Rust | AppKind::Other, Some(path)) => NextStep {
            instruction: "Save a value: any program can write it to the file of the key in the cache folder:".to_owned(),
            lines: format!("echo '{{\"order\": 42}}' > {}", quote(&path)),
        },
        (AppKind::Rust | AppKind::Other, None) => NextStep {
            instruction: "Save a value:".to_owned(),
            lines: command,
        },
    }
}

/// The file that another program writes for the key; `None` if the server takes no files.
fn drop_in(layout: &AppLayout, key: &str) -> Option<PathBuf> {
    match Config::from_dir(&layout.app) {
        Ok(config) => config.drop_in_path(key),
        Err(_) => {
            let folder = settings::cache.default.unwrap_or_default();
            Some(layout.app.join(folder).join(key))
        }
    }
}

fn server(app: &Path) -> NextStep {
    NextStep {
        instruction: "Run the server of the stream, as a user that can write to the cache folder:"
            .to_owned(),
        lines: format!("sse serve -C {}", quote(app)),
    }
}

/// The guide to proxies explains these lines.
fn proxy(layout: &AppLayout) -> NextStep {
    let upstream = upstream(&layout.app);
    let scripts = match layout.kind {
        AppKind::CodeIgniter => String::new(),
        AppKind::Rust | AppKind::Other => format!(
            ", and /js/sse.js and /js/sse-client.js in the same way unless it serves {} at /js/",
            layout.public.file("js/")
        ),
    };
    NextStep {
        instruction: format!(
            "Let the web server forward the stream{scripts}. In nginx, inside of server {{ … }}:"
        ),
        lines: format!(
            "location /sse/ {{\n    \
                 proxy_pass {upstream};\n    \
                 proxy_http_version 1.1;\n    \
                 proxy_set_header Connection \"\";\n    \
                 proxy_set_header Host $http_host;\n    \
                 proxy_set_header X-Forwarded-For $remote_addr;\n    \
                 proxy_set_header X-Forwarded-Proto $scheme;\n    \
                 proxy_buffering off;\n    \
                 proxy_read_timeout 60s;\n\
             }}"
        ),
    }
}

/// The address of `sse serve`, as nginx writes it.
fn upstream(app: &Path) -> String {
    const DEFAULT: &str = "http://127.0.0.1:8090";
    match ServeSettings::read(app, &ServeArgs::default()) {
        Err(_) => DEFAULT.to_owned(),
        Ok(settings) => match settings.listen {
            ListenAddress::Unix(path) => format!("http://unix:{}:", path.display()),
            address @ ListenAddress::Tcp { .. } => format!("http://{address}"),
        },
    }
}

/// The proxy forwards the public host name, which a server on a loopback address answers only if it is allowed.
fn allowed_host(env: &EnvFile) -> Option<NextStep> {
    if env.get(settings::allowed_hosts.name).is_some() {
        return None;
    }
    let url = URL_SETTINGS.iter().find_map(|name| env.get(name));
    let host = url.and_then(|(_, url)| public_host(url));
    let is_example = if host.is_some() { "" } else { ", for example" };
    Some(NextStep {
        instruction: format!("Allow the app's public host name in .env{is_example}:"),
        lines: format!(
            "{}={}",
            settings::allowed_hosts.name,
            host.unwrap_or("app.example")
        ),
    })
}

/// The host in the URL, unless it is a name of this machine.
fn public_host(url: &str) -> Option<&str> {
    let (_, rest) = url.split_once("://")?;
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let name = host.split(':').next().unwrap_or_default();
    let is_plain = |c: char| c.is_ascii_alphanumeric() || ".-".contains(c);
    let is_local = name == "localhost" || name.ends_with(".localhost");
    let is_address = name.chars().all(|c| c.is_ascii_digit() || c == '.');
    (!name.is_empty() && name.chars().all(is_plain) && !is_local && !is_address).then_some(name)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_public_host_is_taken_from_the_apps_url() {
        for (url, host) in [
            ("https://shop.example/", Some("shop.example")),
            ("https://shop.example:8443/a?b", Some("shop.example")),
            ("http://localhost:8080/", None),
            ("http://127.0.0.1/", None),
            ("http://[::1]/", None),
            ("", None),
            ("shop.example", None),
        ] {
            assert_eq!(public_host(url), host, "{url}");
        }
    }

    #[test]
    fn the_first_save_writes_the_file_that_the_server_reads() {
        let app = tempfile::tempdir().expect("can create a temporary folder");
        let lines = |settings: &str| {
            let env = format!("SSE_EVENTS=order:orders\n{settings}");
            fs::write(app.path().join(".env"), env).expect("can write the file");
            let example = ExampleSave::of_app(app.path());
            first_save(&AppLayout::of_files(app.path()), &example).lines
        };
        let writes = |name: &str| format!("> {}", quote(&app.path().join(name)));
        assert!(lines("").ends_with(&writes("writable/cache/orders")));
        let prefixed = lines("SSE_CACHE=data\nSSE_DROP_IN_PREFIX=shop_\n");
        assert!(
            prefixed.ends_with(&writes("data/shop_orders")),
            "{prefixed}"
        );
        let without_files = lines("SSE_CACHE=redis://127.0.0.1\nSSE_DROP_INS=off\n");
        assert!(without_files.starts_with("sse -C "), "{without_files}");
    }

    #[test]
    fn a_host_that_is_allowed_is_not_asked_for() {
        let step = |env: &str| allowed_host(&EnvFile::new(env.into())).map(|step| step.lines);
        assert_eq!(step("SSE_ALLOWED_HOSTS=a.example\n"), None);
        assert_eq!(step("").as_deref(), Some("SSE_ALLOWED_HOSTS=app.example"));
        assert_eq!(
            step("app.baseURL = 'https://shop.example/'\n").as_deref(),
            Some("SSE_ALLOWED_HOSTS=shop.example")
        );
    }
}
