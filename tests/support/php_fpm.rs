//! PHP-FPM, as it runs behind a web server.

use std::{
    fs,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use rustix::process::Signal;

use crate::{group::Group, program::find_program, wait::until};

/// What nginx tells PHP about a request. It is written to `fastcgi.conf`, as Debian has it in `/etc/nginx`.
const PARAMETERS: &[(&str, &str)] = &[
    ("SCRIPT_FILENAME", "$document_root$fastcgi_script_name"),
    ("QUERY_STRING", "$query_string"),
    ("REQUEST_METHOD", "$request_method"),
    ("CONTENT_TYPE", "$content_type"),
    ("CONTENT_LENGTH", "$content_length"),
    ("SCRIPT_NAME", "$fastcgi_script_name"),
    ("REQUEST_URI", "$request_uri"),
    ("DOCUMENT_URI", "$document_uri"),
    ("DOCUMENT_ROOT", "$document_root"),
    ("SERVER_PROTOCOL", "$server_protocol"),
    ("REQUEST_SCHEME", "$scheme"),
    ("HTTPS", "$https if_not_empty"),
    ("REMOTE_ADDR", "$remote_addr"),
    ("SERVER_ADDR", "$server_addr"),
    ("SERVER_PORT", "$server_port"),
    ("SERVER_NAME", "$server_name"),
];

/// Running processes of PHP. They end when this is dropped.
pub struct PhpFpm {
    _processes: Group,
    socket: PathBuf,
    log: PathBuf,
}

impl PhpFpm {
    /// Starts PHP-FPM with its files in `dir`. PHP runs as this user with the group of the same number, if this process
    /// may do that, and as the user of this process otherwise.
    #[must_use]
    pub fn start(dir: &Path, user: u32) -> Self {
        let socket = dir.join("php-fpm.sock");
        let log = dir.join("php-fpm.log");
        let config = dir.join("php-fpm.conf");
        let text = format!(
            "[global]\ndaemonize = no\nerror_log = {log}\n\
             [app]\nuser = {user}\ngroup = {user}\nlisten = {socket}\nlisten.mode = 0666\n\
             pm = static\npm.max_children = 6\ncatch_workers_output = yes\n\
             php_admin_flag[display_errors] = off\nphp_admin_flag[log_errors] = on\n",
            log = log.display(),
            socket = socket.display(),
        );
        fs::write(&config, text).unwrap();
        fs::write(dir.join("fastcgi.conf"), Self::parameters()).unwrap();
        let arguments = ["--nodaemonize", "--fpm-config", config.to_str().unwrap()];
        let program = format!(
            "php-fpm{}",
            php("PHP_MAJOR_VERSION, '.', PHP_MINOR_VERSION")
        );
        // The folder with the settings of PHP's extensions. That of PHP-FPM exists only if its package is installed.
        let extensions = php("PHP_CONFIG_FILE_SCAN_DIR");
        let mut processes = Group::start(&program, &arguments, Signal::TERM, |command| {
            command
                .env("PHP_INI_SCAN_DIR", extensions)
                .stdout(Stdio::null())
                .stderr(Stdio::null());
        });
        until("PHP-FPM listens", || {
            let log = fs::read_to_string(&log).unwrap_or_default();
            assert!(!processes.has_ended(), "PHP-FPM has ended: {log}");
            UnixStream::connect(&socket).ok()
        });
        Self {
            _processes: processes,
            socket,
            log,
        }
    }

    /// The lines of nginx's `server` block for the app in this folder, whose front controller is `public/index.php`. The
    /// folder of PHP-FPM is that of nginx.
    #[must_use]
    pub fn nginx_lines(&self, app: &Path) -> String {
        format!(
            "root {}/public;
            types {{ text/html html; text/javascript js; }}
            location / {{ try_files $uri /index.php$is_args$args; }}
            location = /index.php {{
                include fastcgi.conf; fastcgi_pass {}; fastcgi_read_timeout 300s;
            }}",
            app.display(),
            self.address()
        )
    }

    /// The lines of Debian's `/etc/nginx/fastcgi.conf`.
    #[must_use]
    pub fn parameters() -> String {
        PARAMETERS
            .iter()
            .map(|(name, value)| format!("fastcgi_param {name} {value};\n"))
            .collect()
    }

    /// The address for `fastcgi_pass` of nginx.
    #[must_use]
    pub fn address(&self) -> String {
        format!("unix:{}", self.socket.display())
    }

    /// What PHP has logged so far.
    #[must_use]
    pub fn log(&self) -> String {
        fs::read_to_string(&self.log).unwrap()
    }
}

/// What PHP's command prints for this expression.
fn php(expression: &str) -> String {
    let output = Command::new(find_program("php"))
        .args(["-r", &format!("echo {expression};")])
        .output()
        .unwrap();
    String::from_utf8(output.stdout).unwrap()
}
