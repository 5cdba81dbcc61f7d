use super::*;

fn entry(ttl: Duration, time: SystemTime) -> Entry {
    let value = RawValue::from_string("{\"order\":42}".into()).unwrap();
    Entry::parse(Epoch(15), 7, &encode_document("k", value, ttl, time)).unwrap()
}

#[test]
fn an_entry_is_read_as_it_was_saved() {
    let time = SystemTime::UNIX_EPOCH + Duration::from_millis(1_795_449_060_123);
    let entry = entry(Duration::from_secs(60), time);
    assert_eq!((entry.number, entry.key()), (7, "k"));
    assert_eq!(entry.id().to_string(), "000000000000000f-7");
    assert_eq!(
        entry.data(),
        r#"{"timestamp":"2026-11-23T15:51:00.123Z","value":{"order":42}}"#
    );
    assert_eq!(entry.value_as::<serde_json::Value>().unwrap()["order"], 42);
}

#[test]
fn a_tombstone_is_recognised() {
    let bytes = encode_tombstone(&Recipients::Everyone, "k", SystemTime::UNIX_EPOCH);
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        r#"{"time":"1970-01-01T00:00:00.000Z","ttl_ms":0,"key":"k","value":null,"deleted":true}"#
    );
    assert!(Entry::parse(Epoch(15), 1, &bytes).unwrap().is_tombstone());
    let null = to_bytes(&Document {
        deleted: false,
        ..serde_json::from_slice(&bytes).unwrap()
    });
    assert!(!Entry::parse(Epoch(15), 1, &null).unwrap().is_tombstone());
}

/// An older version has to treat it as missed.
#[test]
fn a_loss_needs_a_reader_that_knows_it() {
    let bytes = encode_loss("k", SystemTime::UNIX_EPOCH);
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        r#"{"time":"1970-01-01T00:00:00.000Z","ttl_ms":0,"key":"k","value":null,"lost":true,"needs":["losses"]}"#
    );
    let entry = Entry::parse(Epoch(15), 1, &bytes).unwrap();
    assert!(entry.is_loss() && !entry.has_value() && !entry.is_tombstone());
}

#[test]
fn an_entry_expires_after_its_ttl_and_never_without_one() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let saved = now - Duration::from_secs(60);
    assert_eq!(
        entry(Duration::from_secs(90), saved).expires_at(now),
        Some(now + Duration::from_secs(30))
    );
    assert_eq!(entry(Duration::ZERO, saved).expires_at(now), None);
    assert_eq!(
        entry(Duration::from_micros(400), saved).expires_at(now),
        Some(saved + Duration::from_millis(1))
    );
    // If the clock was set back by an hour, the entry still expires after its time to live.
    let ahead = entry(Duration::from_secs(1), now + Duration::from_secs(3600));
    assert_eq!(ahead.expires_at(now), Some(now + Duration::from_secs(1)));
}

#[test]
fn the_age_of_an_entry_is_unknown_only_if_its_time_is_far_ahead() {
    let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000);
    let age = |time| entry(Duration::ZERO, time).age(now);
    let second = Duration::from_secs(1);
    assert_eq!(age(now - second), Some(second));
    assert_eq!(age(now + MAX_CLOCK_SKEW), Some(Duration::ZERO));
    assert_eq!(age(now + MAX_CLOCK_SKEW + second), None);
}

#[test]
fn a_trace_context_is_stored_and_one_that_is_not_valid_is_ignored() {
    const TRACE: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    let value = RawValue::from_string("1".into()).unwrap();
    let (time, trace) = (SystemTime::UNIX_EPOCH, TraceParent::parse(TRACE).unwrap());
    let everyone = Recipients::Everyone;
    let ttl = Duration::ZERO;
    let bytes = encode_document_for(&everyone, "k", value, ttl, time, None, Some(&trace));
    let text = String::from_utf8(bytes).unwrap();
    assert_eq!(
        text,
        format!(
            r#"{{"time":"1970-01-01T00:00:00.000Z","ttl_ms":0,"key":"k","value":1,"trace":"{TRACE}"}}"#
        )
    );
    let parse = |text: &str| Entry::parse(Epoch(15), 1, text.as_bytes()).unwrap();
    assert_eq!(parse(&text).trace_parent(), Some(TRACE));
    let quoted = format!("\"{TRACE}\"");
    for other in ["null", "7", "{\"a\":[1]}", "\"\"", "\"00-x\""] {
        let entry = parse(&text.replace(&quoted, other));
        assert_eq!(entry.trace_parent(), None, "{other}");
        assert_eq!(entry.value(), "1");
    }
}

#[test]
fn a_private_entry_has_its_audiences_and_older_versions_refuse_it() {
    let recipients = Recipients::new(Some(vec!["user:42".into(), "role:admin".into()])).unwrap();
    let value = RawValue::from_string("1".into()).unwrap();
    let time = SystemTime::UNIX_EPOCH;
    let bytes = encode_document_for(&recipients, "k", value, Duration::ZERO, time, None, None);
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        r#"{"time":"1970-01-01T00:00:00.000Z","ttl_ms":0,"key":"k","value":1,"to":["role:admin","user:42"],"needs":["audiences"]}"#
    );
    let entry = Entry::parse(Epoch(15), 1, &bytes).unwrap();
    let audiences: Vec<_> = entry.audiences().collect();
    assert_eq!(audiences, ["role:admin", "user:42"]);
    assert!(entry.has_value());
}

#[test]
fn a_revocation_names_its_audience_and_has_no_value() {
    let bytes = encode_revocation("user:42", SystemTime::UNIX_EPOCH);
    assert_eq!(
        String::from_utf8_lossy(&bytes),
        r#"{"time":"1970-01-01T00:00:00.000Z","ttl_ms":0,"key":"","value":null,"revokes":"user:42","needs":["revocations"]}"#
    );
    let entry = Entry::parse(Epoch(15), 1, &bytes).unwrap();
    assert_eq!(entry.revoked_audience(), Some("user:42"));
    assert!(!entry.has_value());
}

#[test]
fn a_list_of_audiences_that_cannot_be_trusted_makes_an_entry_unreadable() {
    for fields in [
        r#""to":["a"]"#,
        r#""to":[],"needs":["audiences"]"#,
        r#""to":["*"],"needs":["audiences"]"#,
        r#""needs":["audiences"]"#,
        r#""revokes":"a""#,
        r#""revokes":"a,b","needs":["revocations"]"#,
        r#""to":["a"],"needs":["audiences","later"]"#,
    ] {
        let time = "2026-11-23T15:51:00Z";
        let text = format!(r#"{{"time":"{time}","ttl_ms":0,"key":"k","value":1,{fields}}}"#);
        assert!(
            Entry::parse(Epoch(15), 1, text.as_bytes()).is_err(),
            "{fields}"
        );
    }
}

#[test]
fn bytes_that_are_not_a_document_are_rejected() {
    for bytes in [
        &b""[..],
        b"{",
        b"{}",
        b"1",
        b"{\"time\":\"now\",\"ttl_ms\":0,\"key\":\"k\",\"value\":1}",
        b"{\"time\":\"2026-11-23T15:51:00Z\",\"ttl_ms\":0,\"key\":\"k\",\"value\":1,\"needs\":[\"x\"]}",
    ] {
        assert!(Entry::parse(Epoch(15), 1, bytes).is_err());
    }
}
