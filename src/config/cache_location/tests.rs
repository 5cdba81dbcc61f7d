use super::*;

fn parse(text: &str) -> Result<Option<CacheLocation>, UrlMistake> {
    CacheLocation::parse(Path::new("/app"), text)
}

fn redis(text: &str) -> RedisLocation {
    match parse(text) {
        Ok(Some(CacheLocation::Redis(location))) => location,
        other => panic!("{text}: {other:?}"),
    }
}

#[test]
fn a_url_names_servers_credentials_database_and_prefix() {
    let shown = |text: &str| redis(text).to_string();
    assert_eq!(shown("redis://cache"), "redis://cache:6379/0 (prefix sse)");
    assert_eq!(
        shown("rediss://u:p%40%2f@[::1]:7000/3?prefix=shop:2"),
        "rediss://[::1]:7000/3 (prefix shop:2)"
    );
    assert_eq!(
        shown("redis+unix:///run/redis%20a.sock?db=2"),
        "redis+unix:///run/redis a.sock?db=2 (prefix sse)"
    );
    assert_eq!(
        shown("redis+sentinel://:s%3a@a,b:26380/shop/1?sentinel_password=t"),
        "redis+sentinel://a:26379,b:26380/shop/1 (prefix sse)"
    );
    let location = redis("rediss://u:p%40%2f@host?ca=ca.pem");
    assert_eq!(location.credentials.user.as_deref(), Some("u"));
    assert_eq!(location.credentials.password.as_deref(), Some("p@/"));
    let authorities = location.tls.unwrap().authorities;
    assert_eq!(authorities.as_deref(), Some(Path::new("/app/ca.pem")));
    let only_password = redis("redis://:a:b@host").credentials;
    assert_eq!(only_password.user, None);
    assert_eq!(only_password.password.as_deref(), Some("a:b"));
}

#[test]
fn other_texts_are_folders_or_unknown() {
    assert_eq!(
        parse("a/b"),
        Ok(Some(CacheLocation::Folder("/app/a/b".into())))
    );
    assert_eq!(parse("memcached://host"), Ok(None));
}

#[test]
fn no_text_of_a_location_contains_its_credentials() {
    for url in [
        "redis://adele:secret@host?prefix=x",
        "redis+sentinel://adele:secret@host/s?sentinel_user=adele&sentinel_password=secret",
    ] {
        let location = redis(url);
        for text in [format!("{location}"), format!("{location:?}")] {
            assert!(
                !text.contains("secret") && !text.contains("adele"),
                "{text}"
            );
        }
    }
}

#[test]
fn each_mistake_is_named_without_the_url() {
    let cases = [
        ("localhost:6379", "a host with a port"),
        ("redis://", "does not name a host"),
        ("redis:/:secret@host", "without `://`"),
        ("Redis+Sentinel:secret@host/s", "without `://`"),
        ("redis://:secret@", "does not name a host"),
        ("redis://secret@host", "a user without a password"),
        ("redis://:sec#ret@host", "has a `#`"),
        ("redis://:sec/ret@host", "an `@` after its first `/`"),
        ("redis://host:0", "not a number from 1 to 65535"),
        ("redis://host:99999", "not a number from 1 to 65535"),
        ("redis://ho st", "a host that is not valid"),
        ("redis://a:1:2", "not a number from 1 to 65535"),
        ("redis://host/first", "a database that is not a number"),
        ("redis://host/0?prefix={a}", "a prefix that is not valid"),
        ("redis://host/0?prefix=", "a parameter without a value"),
        ("redis://host/0?prefix=a&prefix=b", "sets a parameter twice"),
        ("redis://host/0?Prefix=a", "an unknown parameter"),
        ("redis://host/0?db=1", "an unknown parameter"),
        ("redis://host?ca=a.pem", "without TLS"),
        ("redis://%ff:a@host", "not UTF-8"),
        ("redis+unix://run/redis.sock", "a third slash"),
        ("redis+sentinel://host", "does not name the service"),
        ("redis+sentinel://a,,b/s", "does not name a host"),
    ];
    for (url, expected) in cases {
        let mistake = parse(url).unwrap_err().0;
        assert!(mistake.contains(expected), "{url}: {mistake}");
    }
}
