//! Checks of a stream as browsers receive it, through every proxy on the way.

mod compression;
mod file_service;
mod followed_folder;
mod headers;
mod origin;
mod probe;
mod probe_saves;
mod replay;
mod response;
mod stream_end;
mod timing;

#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use actix_web_sse::Config;
use hyper::header::ORIGIN;

use self::compression::Compression;
use self::probe::{Recording, STEP_TIMEOUT, StreamProbe};
use self::probe_saves::ProbeSaves;
use super::finding::ReportFinding;
use crate::cli::DoctorArgs;
use crate::exit::Failure;
use crate::http::Client;

/// Far longer than a test of a stream needs, and short enough to add to any `Instant`.
const MAX_WAIT: Duration = Duration::from_secs(24 * 60 * 60);

/// The check of one stream.
pub(crate) struct StreamCheck {
    client: Client,
    /// How long to listen.
    wait: Duration,
    /// The origin of a page that must be able to read the stream.
    origin: Option<String>,
    /// Of the app in this folder, if there is one.
    config: Option<Config>,
    /// The folder of the app, if there is one.
    app: PathBuf,
    /// The values to save meanwhile, with `--save`.
    saves: Option<ProbeSaves>,
}

impl StreamCheck {
    /// `app` is the folder of the app whose cache `--save` uses.
    pub(crate) fn prepare(client: Client, args: &DoctorArgs, app: &Path) -> Result<Self, Failure> {
        let saves = args.save.as_ref().map(|key| ProbeSaves::prepare(app, key));
        Ok(Self {
            client,
            wait: args.wait.min(MAX_WAIT),
            origin: args.origin.clone(),
            config: app
                .join(".env")
                .is_file()
                .then(|| Config::from_dir(app).ok())
                .flatten(),
            app: app.to_owned(),
            saves: saves.transpose()?,
        })
    }

    /// Tells the user how long the check takes.
    pub(crate) fn announcement(&self) -> String {
        let seconds = self.wait.as_secs_f64();
        format!("listening to {} for {seconds} s", self.client.url())
    }

    /// Reports every finding as soon as it is known.
    pub(crate) fn run(&self, report: &mut ReportFinding<'_>) -> Result<(), Failure> {
        let Some(probe) = self.open(report)? else {
            return Ok(());
        };
        if let Some(name) = probe.unknown_compression() {
            return report(compression::unknown(&name));
        }
        let compression = probe.head().compression();
        let Some(name) = compression else {
            return self.measure(probe, report);
        };
        let mut compression = Compression::new(name, self.saves.is_some());
        self.measure(probe, &mut |finding| report(compression.explain(finding)))?;
        compression.verdict().map_or(Ok(()), report)
    }

    /// Opens the stream and judges its head. Returns `None` if the server does not respond with a stream.
    fn open(&self, report: &mut ReportFinding<'_>) -> Result<Option<StreamProbe>, Failure> {
        let url = self.client.url();
        let origin = self.origin.as_deref();
        let headers = origin.map(|origin| (ORIGIN, origin));
        let mut probe = match StreamProbe::open(&self.client, url, headers.as_slice()) {
            Ok(probe) => probe,
            Err(error) => {
                report(response::unreachable_finding(url, &error))?;
                return Ok(None);
            }
        };
        let finding = response::check(&self.client, &self.app, &mut probe);
        let is_stream = !finding.is_problem();
        report(finding)?;
        if !is_stream {
            return Ok(None);
        }
        for finding in headers::check(probe.head(), url.starts_with("https:")) {
            report(finding)?;
        }
        if let Some(origin) = origin {
            report(origin::check(probe.head(), origin))?;
        }
        Ok(Some(probe))
    }

    /// Everything that depends on what arrives and when.
    fn measure(
        &self,
        mut probe: StreamProbe,
        report: &mut ReportFinding<'_>,
    ) -> Result<(), Failure> {
        let has_begun = |recording: &Recording| !recording.blocks.is_empty();
        probe.record_until(Instant::now() + STEP_TIMEOUT, has_begun);
        report(timing::check_start(probe.response_time(), &probe.recording))?;
        if !has_begun(&probe.recording) {
            return Ok(());
        }
        self.record(&mut probe, report)?;
        let last_event_id = probe.recording.last_event_id().to_owned();
        // Its connection counts towards the server's limits.
        drop(probe);
        let config = self.config.as_ref();
        let folder = config
            .and_then(|config| followed_folder::check(config, self.client.url(), &last_event_id));
        if let Some(finding) = folder {
            report(finding)?;
        }
        replay::check(&self.client, &last_event_id, report)
    }

    /// Records the stream for `--wait`, saves the test values, and judges what was received.
    fn record(
        &self,
        probe: &mut StreamProbe,
        report: &mut ReportFinding<'_>,
    ) -> Result<(), Failure> {
        let saves = self.saves.as_ref();
        let saved_at = saves.map(|saves| saves.save_all(probe)).transpose()?;
        let end = probe.requested_at + self.wait;
        probe.record_until(end, |_| false);
        let listening_time = probe.listening_time();
        let recording = &probe.recording;
        if let (Some(saves), Some(saved_at)) = (saves, &saved_at) {
            report(saves.judge(saved_at, recording, probe.round_trip()))?;
        }
        if let Some(finding) = timing::check_heartbeats(recording, listening_time) {
            report(finding)?;
        }
        report(stream_end::judge(recording, listening_time))
    }
}
