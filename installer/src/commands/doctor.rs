//! `sse doctor`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::app::{codeigniter, workspace};
use crate::cli::DoctorArgs;
use crate::doctor::{Finding, StreamCheck, check_app, likely_url, verdict};
use crate::exit::{self, Failure};
use crate::http::Client;
use crate::listen::stream_url;
use crate::output::Output;

/// Prints findings: as text one by one, as JSON all together at the end.
struct FindingsPrinter<'a> {
    findings: Vec<Finding>,
    args: &'a DoctorArgs,
    output: Output,
}

/// What `--json` prints.
#[derive(Serialize)]
struct Diagnosis {
    /// The app's folder, if there is an app in it.
    app: Option<PathBuf>,
    findings: Vec<Finding>,
    #[serde(rename = "well")]
    is_healthy: bool,
}

/// Without a URL, `app` must be an app's folder.
pub(crate) fn run(app: &Path, args: &DoctorArgs, output: Output) -> Result<u8, Failure> {
    let url = args.url.as_ref().map(|url| stream_url(url, &[], &[]));
    let url = url.transpose()?;
    let is_app = match check_folder(app) {
        Ok(()) => true,
        Err(_) if url.is_some() && args.save.is_none() => false,
        Err(failure) => return Err(failure),
    };
    let client = url.map(|url| Client::new(&url, &args.http)).transpose()?;
    if let Some(client) = &client {
        client.warn_if_insecure(output);
    }
    let mut printer = FindingsPrinter {
        findings: Vec::new(),
        args,
        output,
    };
    if is_app {
        for finding in check_app(app, client.as_ref()) {
            printer.print(finding)?;
        }
    }
    let has_url = client.is_some();
    if let Some(client) = client {
        let check = StreamCheck::prepare(client, args, app)?;
        output.note(check.announcement());
        check.run(&mut |finding| printer.print(finding))?;
    }
    if !args.json && !output.is_quiet() {
        output.styled_data(&verdict(&printer.findings))?;
    }
    if !has_url && !args.json && !output.is_quiet() {
        output.styled_data(&server_not_checked(app))?;
    }
    printer.finish(is_app.then(|| app.to_owned()))
}

fn server_not_checked(app: &Path) -> String {
    let url = likely_url(app);
    let url = url.as_deref().unwrap_or("http://…");
    format!("the running server was not checked: run `sse doctor {url}`")
}

/// Fails if the folder is not an app's.
fn check_folder(folder: &Path) -> Result<(), Failure> {
    if folder.join(".env").is_file() || codeigniter::is_app(folder) {
        return Ok(());
    }
    if !folder.join("Cargo.toml").is_file() {
        return Err(no_app(folder));
    }
    workspace::refuse_bare_root(folder)
}

fn no_app(folder: &Path) -> Failure {
    Failure::error(format!(
        "no app in {}: neither a Cargo.toml nor a .env nor a CodeIgniter app",
        folder.display()
    ))
    .with_help("run the command in your app's folder, or pass the folder: sse -C DIR doctor")
}

impl FindingsPrinter<'_> {
    fn print(&mut self, finding: Finding) -> Result<(), Failure> {
        if !self.args.json && (finding.is_problem() || !self.output.is_quiet()) {
            self.output.styled_data(&finding.to_text())?;
        }
        self.findings.push(finding);
        Ok(())
    }

    /// Returns the exit code.
    fn finish(self, app: Option<PathBuf>) -> Result<u8, Failure> {
        let is_healthy = !self.findings.iter().any(Finding::is_problem);
        if self.args.json {
            let diagnosis = Diagnosis {
                app,
                findings: self.findings,
                is_healthy,
            };
            self.output
                .data(&serde_json::to_string_pretty(&diagnosis)?)?;
        }
        Ok(if is_healthy {
            exit::DONE
        } else {
            exit::FINDINGS
        })
    }
}
