//! `sse listen`.

use std::io::{self, Write};
use std::path::PathBuf;
use std::time::{Duration, Instant};

use actix_web_sse::{Config, Events};

use crate::cli::ListenArgs;
use crate::exit::{self, Failure};
use crate::listen::{Heard, Http, Journal, News, Source, stream_url};
use crate::nearest::nearest;
use crate::output::{Output, json_on_one_line};

/// Without `--timeout`, waits this long at a time. Any value works, because the loop waits again.
const MAX_WAIT: Duration = Duration::from_secs(3600);

/// `app` is called only without a URL, since reading a stream needs no app.
pub(crate) fn run(
    app: impl FnOnce() -> Result<PathBuf, Failure>,
    args: &ListenArgs,
    output: Output,
) -> Result<u8, Failure> {
    let (mut source, from): (Box<dyn Source>, String) = if let Some(url) = &args.url {
        let url = stream_url(url, &args.events)?;
        (Box::new(Http::open(url.clone())), url)
    } else {
        let config = Config::from_dir(app()?)?;
        check_events(&args.events, config.events())?;
        let from = config.cache_dir().display().to_string();
        (Box::new(Journal::open(&config, args.events.clone())?), from)
    };
    listen(source.as_mut(), &from, args, &mut io::stdout(), output)
}

fn check_events(wanted: &[String], events: &Events) -> Result<(), Failure> {
    let Some(unknown) = wanted.iter().find(|event| !events.contains(event)) else {
        return Ok(());
    };
    let names: Vec<&str> = events.names().collect();
    let help = match nearest(unknown, names.iter().copied()) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("the events in SSE_EVENTS are {}", names.join(", ")),
    };
    Err(Failure::usage(format!("no event `{unknown}`")).help(help))
}

fn listen(
    source: &mut dyn Source,
    from: &str,
    args: &ListenArgs,
    out: &mut dyn Write,
    output: Output,
) -> Result<u8, Failure> {
    let deadline = args
        .timeout
        .and_then(|timeout| Instant::now().checked_add(timeout));
    let mut received = 0;
    let mut is_listening = false;
    while args.count != Some(received) {
        match source.next(wait_time(deadline))? {
            Some(News::Event(event)) => {
                if !print(&event, args.json, out)? {
                    return Ok(exit::DONE);
                }
                received += 1;
            }
            Some(News::Listening) if is_listening => {}
            Some(News::Listening) => {
                is_listening = true;
                output.print(format!("listening to {from}"));
            }
            Some(News::Warning(message)) => output.warn(message),
            Some(News::End) => {
                output.print("the server closed the stream for good (204)");
                return ended(args, received, "the stream ended");
            }
            None if !wait_time(deadline).is_zero() => {}
            None if !is_listening && received == 0 => {
                let message = format!("timed out, and {from} was never reached");
                return Err(Failure::error(message));
            }
            None => return ended(args, received, "timed out"),
        }
    }
    Ok(exit::DONE)
}

fn wait_time(deadline: Option<Instant>) -> Duration {
    deadline.map_or(MAX_WAIT, |deadline| {
        deadline.saturating_duration_since(Instant::now())
    })
}

/// The result of an end that `--count` did not cause: a failure if `--count` was given.
fn ended(args: &ListenArgs, received: u64, why: &str) -> Result<u8, Failure> {
    match args.count {
        None => Ok(exit::DONE),
        Some(count) => Err(Failure::error(format!(
            "{why} after {received} of {count} events"
        ))),
    }
}

/// Prints one event; `false` if the reader closed the pipe.
fn print(event: &Heard, json: bool, out: &mut dyn Write) -> Result<bool, Failure> {
    let line = if json {
        serde_json::to_string(event)
            .map_err(|error| Failure::error(format!("cannot print an event: {error}")))?
    } else {
        let value = json_on_one_line(event.value.get());
        match &event.timestamp {
            Some(timestamp) => format!("{timestamp}  {}  {value}", event.event),
            None => format!("{}  {value}", event.event),
        }
    };
    match writeln!(out, "{}", json_on_one_line(&line)).and_then(|()| out.flush()) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(false),
        Err(error) => Err(Failure::error(format!("cannot print an event: {error}"))),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;

    /// Yields the given news, then none.
    struct FixedSource(Vec<News>);

    impl Source for FixedSource {
        fn next(&mut self, timeout: Duration) -> Result<Option<News>, Failure> {
            if self.0.is_empty() {
                // As if nothing arrives. Sleeping briefly keeps the loop from spinning.
                std::thread::sleep(timeout.min(Duration::from_millis(50)));
                return Ok(None);
            }
            Ok(Some(self.0.remove(0)))
        }
    }

    struct ClosedPipe;

    impl Write for ClosedPipe {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(io::ErrorKind::BrokenPipe.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    fn event(value: &str) -> News {
        News::Event(Heard {
            id: Some("7".to_owned()),
            event: "a".to_owned(),
            key: None,
            timestamp: Some("t".to_owned()),
            value: RawValue::from_string(value.to_owned()).expect("it is JSON"),
        })
    }

    fn args(count: Option<u64>, json: bool) -> ListenArgs {
        let timeout = Some(Duration::from_millis(10));
        ListenArgs {
            url: None,
            events: Vec::new(),
            json,
            count,
            timeout,
        }
    }

    fn heard(news: Vec<News>, args: &ListenArgs) -> (Result<u8, Failure>, String) {
        let mut out = Vec::new();
        let result = listen(
            &mut FixedSource(news),
            "here",
            args,
            &mut out,
            Output::new(true),
        );
        (result, String::from_utf8(out).expect("it is text"))
    }

    #[test]
    fn each_event_is_printed_on_one_line() {
        let (result, text) = heard(vec![event("{\n \"b\": 1 }")], &args(None, false));
        assert_eq!(result.expect("it is done"), exit::DONE);
        assert_eq!(text, "t  a  {  \"b\": 1 }\n");
        let (_, text) = heard(vec![event("[1,\n2]")], &args(None, true));
        assert_eq!(
            text,
            "{\"id\":\"7\",\"event\":\"a\",\"timestamp\":\"t\",\"value\":[1, 2]}\n"
        );
    }

    #[test]
    fn listening_ends_after_count_events() {
        let (result, text) = heard(
            vec![event("1"), event("2"), event("3")],
            &args(Some(2), false),
        );
        assert_eq!(result.expect("it is done"), exit::DONE);
        assert_eq!(text.lines().count(), 2);
    }

    #[test]
    fn a_timeout_before_count_events_is_an_error() {
        let (result, _) = heard(vec![event("1")], &args(Some(2), false));
        let failure = result.expect_err("one is missing");
        assert_eq!(failure.code(), exit::ERROR);
        assert!(failure.to_string().contains("1 of 2 events"), "{failure}");
    }

    #[test]
    fn a_closed_pipe_ends_listening_without_an_error() {
        let mut source = FixedSource(vec![event("1"), event("2")]);
        let result = listen(
            &mut source,
            "",
            &args(None, false),
            &mut ClosedPipe,
            Output::new(true),
        );
        assert_eq!(result.expect("it is done"), exit::DONE);
        assert_eq!(source.0.len(), 1);
    }

    #[test]
    fn an_unknown_event_is_refused_with_the_nearest_name() {
        let config = Config::new(".", "event_name1:a,event_name2:b").expect("the list is good");
        let refused = |event: &str| check_events(&[event.to_owned()], config.events()).is_err();
        assert!(refused("event_name3") && !refused("event_name2"));
        let failure = check_events(&["event_nam1".to_owned()], config.events());
        let text = failure.expect_err("it is unknown").to_string();
        assert!(text.contains("did you mean `event_name1`?"), "{text}");
    }

    #[test]
    fn a_server_that_is_never_reached_is_an_error() {
        let (result, _) = heard(
            vec![News::Warning("it does not answer".into())],
            &args(None, false),
        );
        let failure = result.expect_err("the server was not reached");
        assert_eq!(failure.code(), exit::ERROR);
        assert!(failure.to_string().contains("here was never reached"));
    }
}
