//! The stream as browsers get it, through whatever stands in between.

mod headers;
mod probe;
mod replay;
mod response;
mod stream_end;
mod test_saves;
mod timing;

use std::path::Path;
use std::time::{Duration, Instant};

use self::probe::{Connection, LONGEST};
use self::test_saves::Saves;
use super::finding::Finding;
use crate::cli::DoctorArgs;
use crate::exit::Failure;

/// Clocks count on from now, and not every sum of times is a time.
const A_DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// What is to be done with a stream.
pub(crate) struct Plan {
    url: String,
    wait: Duration,
    saves: Option<Saves>,
}

/// Takes in one finding after the other; fails when nobody can be told.
type Tell<'a> = dyn FnMut(Finding) -> Result<(), Failure> + 'a;

impl Plan {
    /// `app` is the folder of the app whose cache is saved to, if anything is.
    pub(crate) fn new(url: String, args: &DoctorArgs, app: &Path) -> Result<Self, Failure> {
        let saves = args.save.as_ref().map(|key| Saves::prepare(app, key));
        Ok(Self {
            url,
            wait: args.wait.min(A_DAY),
            saves: saves.transpose()?,
        })
    }

    /// What the user will be waiting for.
    pub(crate) fn announcement(&self) -> String {
        format!(
            "listening to {} for {} s",
            self.url,
            self.wait.as_secs_f64()
        )
    }
}

/// Every finding about the stream, as soon as it is known.
pub(crate) fn examine(plan: &Plan, tell: &mut Tell<'_>) -> Result<(), Failure> {
    let mut connection = match Connection::open(&plan.url, &[]) {
        Ok(connection) => connection,
        Err(unreached) => return tell(response::unreached(&plan.url, &unreached)),
    };
    if let Some(finding) = response::no_stream(&mut connection) {
        return tell(finding);
    }
    tell(Finding::ok(
        response::CHECK,
        format!("{} answers with 200", plan.url),
    ))?;
    for finding in headers::check(&connection.head, plan.url.starts_with("https:")) {
        tell(finding)?;
    }
    if connection.head.encoding().is_some() {
        // What comes is no text, and nothing more can be said about it.
        return Ok(());
    }
    connection.listen(Instant::now() + LONGEST, |heard| {
        heard.first_block.is_some()
    });
    tell(timing::first_block(
        connection.head.after,
        &connection.heard,
    ))?;
    if connection.heard.first_block.is_none() {
        return Ok(());
    }
    let sent = match &plan.saves {
        Some(saves) => Some(saves.send(&mut connection)?),
        None => None,
    };
    let end = connection.begun + plan.wait;
    connection.listen(end, |_| false);
    let listened = connection.listened();
    if let (Some(saves), Some(sent)) = (&plan.saves, &sent) {
        tell(saves.judge(sent, &connection.heard))?;
    }
    if let Some(finding) = timing::heartbeats(&connection.heard, listened) {
        tell(finding)?;
    }
    tell(stream_end::judge(&connection.heard, listened))?;
    let last_event_id = connection.heard.last_event_id.clone();
    drop(connection);
    replay::check(&plan.url, &last_event_id, tell)
}
