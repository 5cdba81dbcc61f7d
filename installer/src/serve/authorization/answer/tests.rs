use hyper::Response;

use super::*;

fn head(status: u16, headers: &[(&str, &[u8])]) -> Parts {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    let response = response.body(()).expect("it is a response");
    response.into_parts().0
}

fn question() -> Uri {
    Uri::from_static("http://127.0.0.1:8092/sse/auth?app=1")
}

fn permission(headers: &[(&str, &[u8])]) -> Result<Permission, Fault> {
    match parse(&head(200, headers), &question())? {
        Answer::Granted(permission) => Ok(permission),
        other => panic!("{other:?}"),
    }
}

fn audiences(list: &[u8]) -> Result<Vec<Grant>, Fault> {
    Ok(permission(&[("SSE-Audiences", list)])?.audiences)
}

fn identity(values: &[&[u8]]) -> Result<Option<String>, Fault> {
    let mut headers: Vec<(&str, &[u8])> = vec![("SSE-Audiences", b"")];
    headers.extend(values.iter().map(|value| ("SSE-Identity", *value)));
    Ok(permission(&headers)?.identity)
}

fn max_age(value: &str) -> Result<Option<u64>, Fault> {
    let headers: [(&str, &[u8]); 2] = [("SSE-Audiences", b""), ("SSE-Max-Age", value.as_bytes())];
    Ok(permission(&headers)?.max_age.map(|age| age.as_secs()))
}

fn header_at_fault<T: std::fmt::Debug>(result: Result<T, Fault>) -> &'static str {
    match result {
        Err(Fault::Invalid { header, .. }) => header,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_status_decides() {
    let audiences: (&str, &[u8]) = ("SSE-Audiences", b"user:4");
    for status in [200, 204, 299] {
        assert!(
            matches!(
                parse(&head(status, &[audiences]), &question()),
                Ok(Answer::Granted(_))
            ),
            "{status}"
        );
        assert_eq!(
            parse(&head(status, &[]), &question()).err(),
            Some(Fault::NoAudiences(status))
        );
    }
    // The headers of a refusal grant nothing.
    for status in [300, 302, 304, 307, 399, 401] {
        assert!(
            matches!(
                parse(&head(status, &[audiences]), &question()),
                Ok(Answer::LogIn)
            ),
            "{status}"
        );
    }
    assert!(matches!(
        parse(&head(403, &[audiences]), &question()),
        Ok(Answer::Forbidden)
    ));
    for status in [101, 400, 402, 404, 429, 500, 503, 999] {
        let fault = parse(&head(status, &[audiences]), &question()).err();
        let expected = Fault::Status {
            code: status,
            retry_after: None,
        };
        assert_eq!(fault, Some(expected));
    }
}

#[test]
fn a_wait_in_seconds_is_read_and_a_date_is_not() {
    for (value, expected) in [
        ("7", Some(7)),
        (" 7 ", Some(7)),
        ("-7", None),
        ("99999999999", None),
        ("Sun, 06 Nov 1994 08:49:37 GMT", None),
    ] {
        let headers: [(&str, &[u8]); 1] = [("Retry-After", value.as_bytes())];
        let Err(Fault::Status { retry_after, .. }) = parse(&head(429, &headers), &question())
        else {
            panic!("it is a fault");
        };
        assert_eq!(retry_after, expected, "{value}");
    }
}

#[test]
fn names_are_decoded_and_a_final_asterisk_grants_a_prefix() {
    let list = "user:4, order:*,team%3A7 ,, %C3%89quipe 7,Équipe 8".as_bytes();
    let expected = [
        Grant::new("user:4"),
        Grant::prefix("order:"),
        Grant::new("team:7"),
        Grant::new("Équipe 7"),
        Grant::new("Équipe 8"),
    ];
    assert_eq!(audiences(list).expect("it is valid"), expected);
    assert_eq!(audiences(b"").expect("it is valid"), []);
    assert_eq!(audiences(b" , ,").expect("it is valid"), []);
}

#[test]
fn several_headers_are_one_list() {
    let headers: [(&str, &[u8]); 2] = [("SSE-Audiences", b"a, b"), ("sse-audiences", b"c")];
    let permission = permission(&headers).expect("it is valid");
    assert_eq!(permission.audiences, ["a", "b", "c"].map(Grant::from));
}

#[test]
fn a_list_with_one_name_that_is_not_valid_grants_nothing() {
    for name in [
        "*",
        "%2A",
        "user:%2a",
        "user:**",
        "a*b",
        "%",
        "a%4",
        "a%zz",
        "a%+1",
        "%FF",
        "%00",
        "a%0A",
        "a%2Cb",
        "%20a",
        "a%20",
        "a\u{202e}b",
        &"x".repeat(201),
    ] {
        let list = format!("user:4,{name},user:5");
        assert_eq!(
            header_at_fault(audiences(list.as_bytes())),
            "SSE-Audiences",
            "{name}"
        );
    }
    assert_eq!(header_at_fault(audiences(b"user:\xff")), "SSE-Audiences");
    assert_eq!(header_at_fault(audiences(b"a\tb")), "SSE-Audiences");
}

#[test]
fn the_number_of_names_is_bounded() {
    let list = |count: usize| vec!["user:4"; count].join(",");
    let all = audiences(list(MAX_AUDIENCES).as_bytes()).expect("as many as the library grants");
    assert_eq!(all.len(), MAX_AUDIENCES);
    let many = audiences(list(MAX_AUDIENCES + 1).as_bytes());
    assert_eq!(header_at_fault(many), "SSE-Audiences");
}

#[test]
fn an_identity_occurs_once() {
    let read = |values: &[&[u8]]| identity(values).expect("it is valid");
    assert_eq!(read(&[]), None);
    assert_eq!(read(&[b" 42 "]), Some("42".to_owned()));
    assert_eq!(read(&[b"a, b"]), Some("a, b".to_owned()));
    assert_eq!(read(&[b"42", b"42"]), Some("42".to_owned()));
    // All users would have the same.
    assert_eq!(read(&[b""]), None);
    let invalid: [&[&[u8]]; 3] = [&[b"42", b"43"], &[b"42", b""], &[b"\xff"]];
    for values in invalid {
        assert_eq!(header_at_fault(identity(values)), "SSE-Identity");
    }
}

#[test]
fn an_age_is_a_whole_number_of_seconds() {
    for (value, expected) in [
        ("0", 0),
        ("3600", 3600),
        (" 007 ", 7),
        ("2147483649", MAX_SECONDS),
        ("99999999999999999999999999", MAX_SECONDS),
    ] {
        assert_eq!(
            max_age(value).expect("it is valid"),
            Some(expected),
            "{value}"
        );
    }
    for value in ["", "-1", "+1", "1.5", "1e3", "soon", "1 2", "\u{661}"] {
        assert_eq!(header_at_fault(max_age(value)), "SSE-Max-Age", "{value}");
    }
}

#[test]
fn a_redirect_to_the_path_of_the_question_is_a_fault_and_any_other_leads_to_a_login_page() {
    for location in [
        "https://app.example/sse/auth",
        "https://app.example/index.php/sse/auth",
        "http://127.0.0.1:8092/sse/auth/?app=1",
        "/sse/auth/",
    ] {
        let result = parse(
            &head(307, &[("Location", location.as_bytes())]),
            &question(),
        );
        assert_eq!(result.err(), Some(Fault::Redirect(307)), "{location}");
    }
    for location in [
        "/login?next=/sse/auth",
        "https://app.example/",
        "https://app.example/login/sse/auth",
        "login",
        "",
    ] {
        let result = parse(
            &head(307, &[("Location", location.as_bytes())]),
            &question(),
        );
        assert!(matches!(result, Ok(Answer::LogIn)), "{location}");
    }
}
