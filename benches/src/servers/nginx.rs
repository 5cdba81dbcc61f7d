//! nginx as a proxy in front of a server.

use std::{
    fs, io,
    net::{SocketAddr, TcpListener},
    path::Path,
    process::Command,
};

use super::process::Process;

/// A running nginx. It is killed on drop.
pub(super) struct Proxy {
    _process: Process,
    pub(super) address: SocketAddr,
}

impl Proxy {
    /// Forwards to the server, with the lines of the guide about proxies.
    pub(super) fn start(dir: &Path, server: SocketAddr) -> io::Result<Self> {
        let dir = dir.join("nginx");
        fs::create_dir(&dir)?;
        // nginx cannot choose a free port itself.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let folder = dir.display();
        let text = format!(
            "daemon off;
            pid {folder}/pid;
            error_log stderr error;
            worker_processes 2;
            worker_rlimit_nofile 40000;
            events {{ worker_connections 20000; }}
            http {{
                access_log off;
                client_body_temp_path {folder}; proxy_temp_path {folder}; fastcgi_temp_path {folder};
                uwsgi_temp_path {folder}; scgi_temp_path {folder};
                server {{
                    listen {address} backlog=4096;
                    location /sse/ {{
                        proxy_pass http://{server};
                        proxy_http_version 1.1;
                        proxy_set_header Connection \"\";
                        proxy_buffering off;
                        proxy_read_timeout 60s;
                    }}
                }}
            }}\n"
        );
        let file = dir.join("nginx.conf");
        fs::write(&file, text)?;
        let mut command = Command::new("nginx");
        command.arg("-e").arg("stderr");
        command.arg("-p").arg(&dir).arg("-c").arg(&file);
        Ok(Self {
            _process: Process::start_at(&mut command, &dir, address)?,
            address,
        })
    }
}
