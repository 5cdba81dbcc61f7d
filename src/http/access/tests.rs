use std::time::Duration;

use actix_web::test::TestRequest;

use super::*;
use crate::epoch::Epoch;

fn access(uri: &str) -> Access {
    let request = TestRequest::with_uri(uri).to_http_request();
    crate::Subscription::new(&request).access
}

fn granted(uri: &str, grants: impl IntoIterator<Item = Grant>) -> Access {
    let mut access = access(uri);
    grants.into_iter().for_each(|grant| access.grant(grant));
    access
}

fn kind(access: &Access) -> Option<ErrorKind> {
    access.check(&[]).err().map(|error| error.kind())
}

fn names(access: &Access) -> Vec<String> {
    let grants = access.grants(&Epoch(1).into());
    grants.exact_names().map(str::to_owned).collect()
}

#[test]
fn a_name_that_is_asked_for_and_not_granted_is_refused() {
    let error = access("/?to=order:42,order:43").check(&[]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Forbidden);
    assert!(
        error
            .help()
            .unwrap()
            .ends_with("without `order:42`, `order:43`")
    );
    let some = granted(
        "/?to=order:42,order:43",
        ["order:43".into(), "order:4".into()],
    );
    let error = some.check(&[]).unwrap_err();
    assert!(error.help().unwrap().ends_with("without `order:42`"));
    assert_eq!(kind(&granted("/?to=order:42", ["order:42".into()])), None);
    assert_eq!(
        kind(&granted("/?to=order:42", [Grant::prefix("order:")])),
        None
    );
    assert_eq!(kind(&granted("/", ["user:4".into()])), None);
}

#[test]
fn a_prefix_is_limited_to_the_names_that_are_asked_for() {
    let prefix = || [Grant::prefix("order:"), Grant::new("user:4")];
    let all = granted("/", prefix());
    assert_eq!(names(&all), ["user:4"]);
    assert!(all.grants(&Epoch(1).into()).has_prefix());
    let one = granted("/?to=order:42", prefix());
    assert_eq!(names(&one), ["order:42", "user:4"]);
    assert!(!one.grants(&Epoch(1).into()).has_prefix());
}

#[test]
fn a_grant_that_is_not_valid_refuses_the_stream() {
    for name in ["", "*", "a,b", "user:*"] {
        assert_eq!(
            kind(&granted("/", [name.into()])),
            Some(ErrorKind::Audience)
        );
    }
    assert_eq!(
        kind(&granted("/", [Grant::prefix("")])),
        Some(ErrorKind::Audience)
    );
    let grants = |count: u32| (0..count).map(|index| format!("user:{index}").into());
    assert_eq!(kind(&granted("/", grants(1_000))), None);
    assert_eq!(
        kind(&granted("/", grants(1_001))),
        Some(ErrorKind::Audience)
    );
}

#[test]
fn an_authorization_that_has_expired_is_refused() {
    let mut access = granted("/", ["user:4".into()]);
    access.until(SystemTime::now() + Duration::from_secs(60));
    assert_eq!(kind(&access), None);
    assert!(access.ends_at().unwrap() > Instant::now() + Duration::from_secs(50));
    access.until(SystemTime::now() - Duration::from_secs(1));
    access.until(SystemTime::now() + Duration::from_secs(60));
    assert_eq!(kind(&access), Some(ErrorKind::Forbidden));
}

#[test]
fn pages_of_other_sites_receive_only_public_events_unless_their_origin_is_allowed() {
    let check = |site: &str, origin: Option<&str>, grant: Option<&str>| {
        let mut request = TestRequest::default().insert_header(("sec-fetch-site", site));
        if let Some(origin) = origin {
            request = request.insert_header(("origin", origin));
        }
        let mut access = crate::Subscription::new(&request.to_http_request()).access;
        grant.into_iter().for_each(|name| access.grant(name.into()));
        let allowed = ["https://app.example".to_owned()];
        access.check(&allowed).is_ok()
    };
    assert!(check("cross-site", None, None));
    assert!(!check("cross-site", None, Some("user:4")));
    assert!(!check(
        "cross-site",
        Some("https://evil.example"),
        Some("user:4")
    ));
    assert!(check(
        "cross-site",
        Some("https://app.example"),
        Some("user:4")
    ));
    for site in ["same-origin", "same-site", "none"] {
        assert!(check(site, None, Some("user:4")));
    }
}

#[test]
fn the_identity_is_that_of_the_user_and_not_of_what_the_page_asks_for() {
    let identity = |uri: &str, grants: &[&str]| {
        granted(uri, grants.iter().map(|name| (*name).into())).identity()
    };
    assert_eq!(identity("/", &[]), None);
    let user = identity("/", &["user:4"]);
    assert_eq!(user.as_ref().unwrap().len(), 32);
    assert_eq!(identity("/?to=order:42", &["order:42", "user:4"]), user);
    assert_eq!(identity("/?to=order:42", &["order:42"]), None);
    assert_ne!(identity("/", &["user:5"]), user);
    assert_ne!(identity("/", &["user:4", "team:7"]), user);
    let mut named = granted("/", ["user:4".into(), "team:7".into()]);
    named.identify("4".into());
    let former = named.identity();
    named.grant("team:8".into());
    assert_eq!(named.identity(), former);
    assert_ne!(former, user);
}

#[test]
fn a_grant_begins_after_an_event_also_of_a_former_epoch() {
    let epochs = Epochs::from(Epoch(1)).followed_by(Epoch(2), 40);
    let event = |epoch, next| EventId::before(Epoch(epoch), next);
    assert_eq!(last_number(event(2, 51), &epochs), 50);
    assert_eq!(last_number(event(1, 31), &epochs), 30);
    assert_eq!(last_number(event(1, 51), &epochs), 40);
    assert_eq!(last_number(event(3, 51), &epochs), 0);
}
