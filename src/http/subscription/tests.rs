//! What a request asks for, and which requests are refused.

use actix_web::{http::header::HeaderValue, test::TestRequest};

use super::*;

fn read(uri: &str, header: Option<&[u8]>) -> Subscription {
    let mut request = TestRequest::with_uri(uri);
    if let Some(header) = header {
        request =
            request.insert_header(("last-event-id", HeaderValue::from_bytes(header).unwrap()));
    }
    Subscription::new(&request.to_http_request())
}

fn id(text: &str) -> Option<LastEventId> {
    Some(LastEventId::Valid(text.parse().unwrap()))
}

#[test]
fn the_id_in_the_header_overrides_the_one_in_the_query() {
    let (a, b) = ("00000000000000ff-1", "00000000000000ff-2");
    let uri = format!("/sse/stream?last_event_id={a}");
    assert_eq!(read(&uri, None).last_event_id, id(a));
    assert_eq!(read(&uri, Some(b.as_bytes())).last_event_id, id(b));
    assert_eq!(
        read(&uri, Some("\u{2026}".as_bytes())).last_event_id,
        Some(LastEventId::Invalid)
    );
    assert_eq!(read("/sse/stream?last_event_id=", None).last_event_id, None);
    assert_eq!(read(&uri, Some(b"")).last_event_id, id(a));
    assert_eq!(
        read("/sse/stream?last_event_id=%ff", None).last_event_id,
        Some(LastEventId::Invalid)
    );
}

#[test]
fn only_a_new_client_wants_the_lookback_by_default() {
    let id = "last_event_id=00000000000000ff-1";
    for (query, wants_lookback) in [
        ("", true),
        ("lookback=false", false),
        (id, false),
        ("last_event_id=x", false),
        (&*format!("{id}&lookback=true"), true),
    ] {
        let subscription = read(&format!("/s?{query}"), None);
        assert_eq!(subscription.wants_lookback, wants_lookback, "{query}");
    }
}

#[test]
fn the_query_or_the_handler_asks_for_values_without_envelope() {
    let events = Events::parse("a:k").unwrap();
    for (subscription, has_envelope) in [
        (read("/s", None), true),
        (read("/s?data=value", None), false),
        (read("/s", None).without_envelope(), false),
    ] {
        assert_eq!(subscription.has_envelope(), has_envelope);
        assert!(subscription.check(&events).is_ok());
    }
    for uri in ["/s?data=", "/s?data=raw", "/s?data=VALUE%0a"] {
        let error = read(uri, None).check(&events).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Request, "{uri}");
        assert!(error.help().unwrap().contains("data=value"), "{error:?}");
        assert!(!error.to_string().contains('\n'), "{error}");
    }
    assert!(
        read("/s?data=value&data=value", None)
            .check(&events)
            .is_err()
    );
}

#[test]
fn a_handler_reads_what_the_client_asks_for_and_may_have() {
    let events = |subscription: Subscription| {
        let names = subscription.events()?;
        Some(names.map(str::to_owned).collect::<HashSet<_>>())
    };
    let set = |names: &[&str]| Some(names.iter().map(ToString::to_string).collect());
    assert_eq!(events(read("/s", None)), None);
    assert_eq!(events(read("/s?events=b,a", None)), set(&["a", "b"]));
    assert_eq!(
        events(read("/s?events=b,a", None).only(["a", "c"])),
        set(&["a"])
    );
    assert_eq!(events(read("/s", None).only(["a"])), set(&["a"]));
    let address = IpAddr::from([192, 0, 2, 1]);
    let with_address = read("/s", None).with_address(address);
    assert_eq!(with_address.address(), Some(address));
}

#[test]
fn the_query_names_the_events() {
    let events = Events::parse("a:k,b:k").unwrap();
    for (uri, fine) in [
        ("/s", true),
        ("/s?events=a", true),
        ("/s?events=a%2Cb,", true),
        ("/s?events=", false),
        ("/s?events=c", false),
        ("/s?events=a,%0d%0aid:1", false),
    ] {
        let checked = read(uri, None).check(&events);
        assert_eq!(checked.is_ok(), fine, "{uri}");
        if let Err(error) = checked {
            assert_eq!(error.kind(), ErrorKind::Request);
            assert!(!error.to_string().contains(['\r', '\n']));
        }
    }
    assert!(read("/s", None).only(["c"]).check(&events).is_err());
    assert!(
        read("/s?events=b", None)
            .only(["a"])
            .check(&events)
            .is_err()
    );
    assert!(
        read("/s?events=a,b", None)
            .only(["a"])
            .check(&events)
            .is_ok()
    );
}

#[test]
fn an_allowed_event_that_does_not_exist_is_ignored() {
    let events = Events::parse("a:k,b:k").unwrap();
    let check = |uri, allowed: &[&str]| {
        let subscription = read(uri, None).only(allowed.iter().copied());
        subscription.check(&events)
    };
    for uri in ["/s", "/s?events=a", "/s?events=a,unset"] {
        assert!(check(uri, &["a", "unset"]).is_ok(), "{uri}");
    }
    for uri in ["/s?events=unset", "/s?events=b"] {
        assert!(check(uri, &["a", "unset"]).is_err(), "{uri}");
    }
    assert!(check("/s", &["unset"]).is_err());
}

#[test]
fn a_refusal_names_only_events_that_the_client_may_receive() {
    let events = Events::parse("a:k,b:k,secret:k").unwrap();
    let refusal = |uri, allowed: &[&str]| {
        let subscription = read(uri, None).only(allowed.iter().copied());
        let error = subscription.check(&events).unwrap_err();
        format!("{error} {}", error.help().unwrap())
    };
    for uri in ["/s?events=secret", "/s?events=typo", "/s?events="] {
        let text = refusal(uri, &["a", "b"]);
        assert!(text.ends_with("a, b"), "{text}");
        assert_eq!(text, refusal("/s?events=other", &["a", "b"]), "{uri}");
    }
    for allowed in [&["unset"][..], &["a", "unset"], &[]] {
        let text = refusal("/s?events=unset", allowed);
        assert!(!text.contains("secret"), "{text}");
    }
}
