//! `sse listen`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use actix_web_sse::cli_support::cache_address;
use actix_web_sse::{Config, Events};

use super::audiences;
use crate::cli::ListenArgs;
use crate::exit::{self, Failure};
use crate::http::Client;
use crate::listen::{
    EntryFilter, ReceivedEvent, Update, Updates, follow_cache, follow_stream, stream_url,
    without_lookback,
};
use crate::nearest::nearest;
use crate::output::{
    FAINT_STYLE, HELP_STYLE as NAME_STYLE, Output, excerpt, json_on_one_line, write_data,
};

/// Without `--timeout`, the source is asked again after this time, for ever. Any long time will do.
const WAIT_WITHOUT_TIMEOUT: Duration = Duration::from_secs(3600);

/// `app` finds the app's folder. A URL needs none.
pub(crate) fn run(
    app: impl FnOnce() -> Result<PathBuf, Failure>,
    args: &ListenArgs,
    output: Output,
) -> Result<u8, Failure> {
    audiences::check(&args.to)?;
    let (updates, source_name) = if let Some(url) = &args.url {
        if args.since.is_some() {
            return Err(since_with_url());
        }
        let url = stream_url(url, &args.events, &args.to)
            .map_err(|failure| explain_name(failure, url))?;
        let url = if args.new { without_lookback(url) } else { url };
        let client = Client::new(&url, &args.http)?;
        client.warn_if_insecure(output);
        let source_name = excerpt(client.url());
        (follow_stream(client, app().ok()), source_name)
    } else {
        let config = Config::from_dir(app()?)?;
        check_events(&args.events, config.events())?;
        let cache = cache_address(&config).to_string();
        let filter = EntryFilter {
            events: args.events.clone(),
            audiences: args.to.clone(),
        };
        (follow_cache(&config, filter, args.since)?, cache)
    };
    let session = Session::new(source_name, args, output);
    if args.json {
        session.run(&updates, &mut io::stdout())
    } else {
        session.run(&updates, &mut anstream::stdout())
    }
}

/// A name in place of the URL is probably that of an event.
fn explain_name(failure: Failure, url: &str) -> Failure {
    match url.contains(['.', ':', '/']) || url.is_empty() {
        true => failure,
        false => failure.with_help(format!(
            "for one event of this app: sse listen --events {}",
            excerpt(url)
        )),
    }
}

fn since_with_url() -> Failure {
    Failure::usage("--since does not work with a URL: a stream resumes after an id, not at a time").with_help(
        "run the command without the URL in the app's folder on the server's machine, or add the id of the last \
         event that you have to the URL: ?last_event_id=ID",
    )
}

fn check_events(names: &[String], events: &Events) -> Result<(), Failure> {
    let Some(unknown) = names.iter().find(|name| !events.contains(name)) else {
        return Ok(());
    };
    let known: Vec<&str> = events.names().collect();
    let help = match nearest(unknown, known.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the events in SSE_EVENTS are {}", known.join(", ")),
    };
    Err(Failure::usage(format!("no event `{}`", excerpt(unknown))).with_help(help))
}

/// One run of the command.
struct Session<'a> {
    /// The cache or the URL, for messages.
    source_name: String,
    args: &'a ListenArgs,
    output: Output,
    deadline: Option<Instant>,
    received_events: u64,
    was_connected: bool,
    /// The server's answer, while its stream is looked for elsewhere.
    refusal: Option<Failure>,
}

impl<'a> Session<'a> {
    fn new(source_name: String, args: &'a ListenArgs, output: Output) -> Self {
        let timeout = args.timeout;
        Self {
            source_name,
            args,
            output,
            // `None` if the clock cannot represent so late a deadline: then the command waits without limit.
            deadline: timeout.and_then(|timeout| Instant::now().checked_add(timeout)),
            received_events: 0,
            was_connected: false,
            refusal: None,
        }
    }

    /// Prints events until `--count`, `--timeout`, or the end of the source or of the output.
    fn run(mut self, updates: &Updates, out: &mut dyn Write) -> Result<u8, Failure> {
        while self.args.count != Some(self.received_events) {
            let update = match updates.recv_timeout(self.time_left()) {
                Ok(update) => update?,
                Err(RecvTimeoutError::Disconnected) => {
                    self.output
                        .note("the server closed the stream for good (204)");
                    return self.end("the stream ended");
                }
                Err(RecvTimeoutError::Timeout) if self.is_timed_out() => {
                    return self.end_by_timeout();
                }
                Err(RecvTimeoutError::Timeout) => continue,
            };
            match update {
                Update::Event(event) => {
                    if !print(&event, self.args.json, out)? {
                        return Ok(exit::DONE);
                    }
                    self.received_events += 1;
                }
                Update::Connected => self.report_connected(),
                Update::Warning(warning) => self.output.warn(warning),
                Update::Refused(failure) => self.refusal = Some(failure),
            }
        }
        Ok(exit::DONE)
    }

    fn time_left(&self) -> Duration {
        self.deadline.map_or(WAIT_WITHOUT_TIMEOUT, |deadline| {
            deadline.saturating_duration_since(Instant::now())
        })
    }

    fn is_timed_out(&self) -> bool {
        self.deadline
            .is_some_and(|deadline| deadline <= Instant::now())
    }

    /// Reported once: later connections continue the first.
    fn report_connected(&mut self) {
        if !self.was_connected {
            self.was_connected = true;
            self.output
                .note(format!("listening to {}", self.source_name));
        }
    }

    fn end_by_timeout(&mut self) -> Result<u8, Failure> {
        if let Some(failure) = self.refusal.take() {
            return Err(failure);
        }
        if !self.was_connected && self.received_events == 0 {
            let source = &self.source_name;
            return Err(Failure::error(format!(
                "timed out, and {source} was never reached"
            )));
        }
        self.end("timed out")
    }

    /// Ending early is a failure only if `--count` asked for a number of events.
    fn end(&self, reason: &str) -> Result<u8, Failure> {
        match self.args.count {
            None => Ok(exit::DONE),
            Some(count) => Err(Failure::error(format!(
                "{reason} after {} of {count} events",
                self.received_events
            ))),
        }
    }
}

/// Prints one event; `false` when the output's reader is gone.
fn print(event: &ReceivedEvent, json: bool, out: &mut dyn Write) -> Result<bool, Failure> {
    let line = if json {
        json_on_one_line(&serde_json::to_string(event)?)
    } else {
        styled_line(event)
    };
    write_data(out, &line)
}

/// With styles, which only a terminal gets.
fn styled_line(event: &ReceivedEvent) -> String {
    let name = excerpt(&event.event);
    let value = json_on_one_line(event.value.get());
    let audiences: Vec<String> = event.audiences.iter().map(|name| excerpt(name)).collect();
    let recipients = match audiences.as_slice() {
        [] => String::new(),
        names => format!("{FAINT_STYLE}(for {}){FAINT_STYLE:#}  ", names.join(", ")),
    };
    let line = format!("{NAME_STYLE}{name}{NAME_STYLE:#}  {recipients}{value}");
    match &event.timestamp {
        Some(timestamp) => {
            let timestamp = excerpt(timestamp);
            format!("{FAINT_STYLE}{timestamp}{FAINT_STYLE:#}  {line}")
        }
        None => line,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::sync_channel;

    use serde_json::value::RawValue;

    use super::*;
    use crate::cli::HttpArgs;

    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn event(value: &str) -> Update {
        Update::Event(ReceivedEvent {
            id: Some("7".to_owned()),
            event: "a".to_owned(),
            key: None,
            audiences: Vec::new(),
            timestamp: Some("t".to_owned()),
            value: RawValue::from_string(value.to_owned()).expect("it is JSON"),
        })
    }

    fn args(count: Option<u64>, json: bool) -> ListenArgs {
        let timeout = Some(Duration::from_millis(10));
        ListenArgs {
            url: None,
            events: Vec::new(),
            to: Vec::new(),
            new: false,
            since: None,
            json,
            count,
            timeout,
            http: HttpArgs::default(),
        }
    }

    fn session(args: &ListenArgs) -> Session<'_> {
        Session::new("here".to_owned(), args, Output::new(true))
    }

    /// How the session ended, its output, and the updates that it has not taken. After the given ones, none
    /// arrives.
    fn listen_to(
        updates: Vec<Update>,
        args: &ListenArgs,
        out: &mut dyn Write,
    ) -> (Result<u8, Failure>, usize) {
        let (sender, receiver) = sync_channel(updates.len());
        for update in updates {
            sender.send(Ok(update)).expect("the receiver exists");
        }
        let result = session(args).run(&receiver, out);
        (result, receiver.try_iter().count())
    }

    /// How the session ended, and its output.
    fn listen(updates: Vec<Update>, args: &ListenArgs) -> (Result<u8, Failure>, String) {
        let mut out = anstream::StripStream::new(Vec::new());
        let (result, _) = listen_to(updates, args, &mut out);
        let out = out.into_inner();
        (result, String::from_utf8(out).expect("valid UTF-8"))
    }

    #[test]
    fn an_event_is_printed_as_one_line() {
        let (result, text) = listen(vec![event("{\n \"b\": 1 }")], &args(None, false));
        assert_eq!(result.expect("it succeeds"), exit::DONE);
        assert_eq!(text, "t  a  {  \"b\": 1 }\n");
        let (_, text) = listen(vec![event("[1,\n2]")], &args(None, true));
        assert_eq!(
            text,
            "{\"id\":\"7\",\"event\":\"a\",\"timestamp\":\"t\",\"value\":[1, 2]}\n"
        );
    }

    #[test]
    fn names_and_times_do_not_control_the_terminal() {
        let value = RawValue::from_string("1".to_owned()).expect("it is JSON");
        let update = Update::Event(ReceivedEvent {
            id: None,
            event: "a\u{1b}[31mred\u{7}".to_owned(),
            key: None,
            audiences: Vec::new(),
            timestamp: Some("\u{1b}c".to_owned()),
            value,
        });
        let (_, text) = listen(vec![update], &args(None, false));
        assert_eq!(text, "\\u{1b}c  a\\u{1b}[31mred\\u{7}  1\n");
    }

    #[test]
    fn the_command_ends_after_count_events() {
        let (result, text) = listen(
            vec![event("1"), event("2"), event("3")],
            &args(Some(2), false),
        );
        assert_eq!(result.expect("it succeeds"), exit::DONE);
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_timeout_before_count_events_is_an_error() {
        let (result, _) = listen(vec![event("1")], &args(Some(2), false));
        let failure = result.expect_err("one is missing");
        assert_eq!(failure.code(), exit::ERROR);
        assert!(failure.to_string().contains("1 of 2 events"), "{failure}");
    }

    #[test]
    fn a_closed_pipe_ends_the_command_without_an_error() {
        let updates = vec![event("1"), event("2")];
        let (result, left) = listen_to(updates, &args(None, false), &mut ClosedPipe);
        assert_eq!((result.expect("it succeeds"), left), (exit::DONE, 1));
    }

    #[test]
    fn an_unknown_event_is_refused_with_the_nearest_name() {
        let config = Config::new(".", "event_name1:a,event_name2:b").expect("a valid list");
        let refused = |event: &str| check_events(&[event.to_owned()], config.events()).is_err();
        assert!(refused("event_name3") && !refused("event_name2"));
        let failure = check_events(&["event_nam1".to_owned()], config.events());
        let text = failure.expect_err("it is unknown").to_string();
        assert!(text.contains("did you mean `event_name1`?"), "{text}");
    }

    #[test]
    fn a_timeout_keeps_the_servers_refusal() {
        let refusal = Update::Refused(Failure::error("refused with 404"));
        let (result, _) = listen(vec![refusal], &args(None, false));
        let failure = result.expect_err("the server refused it");
        assert_eq!(failure.message(), "refused with 404");
    }

    #[test]
    fn a_server_that_is_never_reached_is_an_error() {
        let (result, _) = listen(
            vec![Update::Warning("it does not answer".into())],
            &args(None, false),
        );
        let failure = result.expect_err("the server was not reached");
        assert_eq!(failure.code(), exit::ERROR);
        assert!(failure.to_string().contains("here was never reached"));
    }
}
