//! The starter app with HTTPS, by two settings.

mod http;
mod refused;
mod stalled;

use std::process::{Command, Output};

use support::{App, starter};

/// Runs the program as a shell in the app's folder starts it, until it ends.
fn run(app: &App, arguments: &[&str], environment: &[(&str, &str)]) -> Output {
    Command::new(starter())
        .args(arguments)
        .current_dir(app.path())
        .env_remove("CARGO_MANIFEST_DIR")
        .envs(environment.iter().copied())
        .output()
        .unwrap()
}
