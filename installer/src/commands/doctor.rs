//! `sse doctor`.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::cli::DoctorArgs;
use crate::doctor::{Finding, Plan, examine_app, examine_stream};
use crate::exit::{self, Failure};
use crate::listen::stream_url;
use crate::output::Output;

/// Collects the findings. Text is printed at once, JSON at the end.
struct Findings<'a> {
    all: Vec<Finding>,
    args: &'a DoctorArgs,
    output: Output,
}

#[derive(Serialize)]
struct Diagnosis {
    /// The examined folder, if any.
    app: Option<PathBuf>,
    findings: Vec<Finding>,
    well: bool,
}

/// `app` is the app's folder. With a URL it may be a folder without an app.
pub(crate) fn run(app: &Path, args: &DoctorArgs, output: Output) -> Result<u8, Failure> {
    let url = args.url.as_ref().map(|url| stream_url(url, &[]));
    let url = url.transpose()?;
    let is_app = app.join("Cargo.toml").is_file() || app.join(".env").is_file();
    if !is_app && (url.is_none() || args.save.is_some()) {
        return Err(Failure::error(format!(
            "no app in {}: neither a Cargo.toml nor a .env",
            app.display()
        ))
        .help("run the command in your app's folder, or name the folder: sse -C DIR doctor"));
    }
    let mut findings = Findings {
        all: Vec::new(),
        args,
        output,
    };
    if is_app {
        for finding in examine_app(app) {
            findings.add(finding)?;
        }
    }
    if let Some(url) = url {
        let plan = Plan::new(url, args, app)?;
        output.print(plan.announcement());
        examine_stream(&plan, &mut |finding| findings.add(finding))?;
    }
    findings.finish(is_app.then(|| app.to_owned()))
}

impl Findings<'_> {
    fn add(&mut self, finding: Finding) -> Result<(), Failure> {
        if !self.args.json && (finding.is_bad() || !self.output.is_quiet()) {
            self.output.data(&finding.lines())?;
        }
        self.all.push(finding);
        Ok(())
    }

    fn finish(self, app: Option<PathBuf>) -> Result<u8, Failure> {
        let well = !self.all.iter().any(Finding::is_bad);
        if self.args.json {
            let diagnosis = Diagnosis {
                app,
                findings: self.all,
                well,
            };
            let text = serde_json::to_string_pretty(&diagnosis)
                .map_err(|error| Failure::error(format!("cannot print the findings: {error}")))?;
            self.output.data(&text)?;
        }
        Ok(if well { exit::DONE } else { exit::DRIFT })
    }
}
