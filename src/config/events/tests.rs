//! Lists as people write them.

use super::*;

#[test]
fn pairs_keep_their_order_and_are_listed_once() {
    let events = Events::parse(" a:k1 , b:k2,c:k1,a:k1,").unwrap();
    assert_eq!(
        events.iter().collect::<Vec<_>>(),
        [("a", "k1"), ("b", "k2"), ("c", "k1")]
    );
    assert_eq!(events.keys().collect::<Vec<_>>(), ["k1", "k2"]);
    assert_eq!(events.names().collect::<Vec<_>>(), ["a", "b", "c"]);
    assert_eq!(events.of_key("k2").collect::<Vec<_>>(), ["b"]);
}

#[test]
fn a_key_is_private_if_one_of_its_pairs_is_marked() {
    for text in [
        "a:k:private,b:k,c:l",
        " a : k,b : k : private ,c:l",
        "a:k,a:k:private,b:k,c:l",
        "a:k:private,a:k,b:k,c:l",
    ] {
        let events = Events::parse(text).unwrap();
        assert!(events.is_private("k") && !events.is_private("l"), "{text}");
        assert!(!events.is_private("a") && !events.is_private("k:private"));
        let pairs = [("a", "k"), ("b", "k"), ("c", "l")];
        assert_eq!(events.iter().collect::<Vec<_>>(), pairs);
        assert_eq!(events.keys().collect::<Vec<_>>(), ["k", "l"]);
        assert_eq!(events.to_string().parse::<Events>().unwrap(), events);
    }
    // A word like any other, as an event and as a key.
    let events = Events::parse("private:private,a:private:private").unwrap();
    assert_eq!(events.keys().collect::<Vec<_>>(), ["private"]);
    assert_eq!(
        events.to_string(),
        "private:private,a:private:private",
        "the mark stays where it was written"
    );
    assert_ne!(
        Events::parse("a:k").unwrap(),
        Events::parse("a:k:private").unwrap()
    );
}

#[test]
fn a_list_is_written_as_it_is_parsed() {
    let events: Events = " a:k1 , b:k2,c:k1,".parse().unwrap();
    assert_eq!(events.to_string(), "a:k1,b:k2,c:k1");
    assert_eq!(events.to_string().parse::<Events>().unwrap(), events);
    let error = "a".parse::<Events>().unwrap_err();
    let text = error.to_string();
    assert!(
        text.starts_with("the list of events contains `a`"),
        "{text}"
    );
    assert_eq!(error.help(), Some("write SSE_EVENTS=a:a"));
    let long = "a".repeat(300);
    // A line that cannot be pasted as it is printed helps nobody.
    for text in [
        "open:k",
        "it's:k;b:l",
        "a\u{202e}:k;b:l",
        &format!("{}:k:l", long.repeat(10)),
    ] {
        let error = text.parse::<Events>().unwrap_err();
        assert!(error.help().unwrap().ends_with(EXAMPLE_EVENTS), "{error}");
        assert!(!error.to_string().contains(&long), "{error}");
    }
}

#[test]
fn the_help_for_a_usual_mistake_is_the_corrected_list() {
    for (text, reason, help) in [
        (
            "a:k;b:l",
            "`a:k;b:l`: pairs are separated by commas, not by `;`",
            "a:k,b:l",
        ),
        ("a:k;", "not by `;`", "a:k"),
        ("a:k b:l", "not by spaces", "a:k,b:l"),
        (
            "a:k\nb:l",
            "`a:k\\nb:l`: pairs are separated by commas, not by line ends",
            "a:k,b:l",
        ),
        (
            "a=k,b=l",
            "`a=k`: event and cache key are separated by `:`, not by `=`",
            "a:k,b:l",
        ),
        ("a->k", "not by `->`", "a:k"),
        ("a => k", "not by `=>`", "a:k"),
        (
            "'a:k','b:l'",
            "quotes are not a part of the names",
            "a:k,b:l",
        ),
        ("\"a\":\"k\"", "quotes are not a part of the names", "a:k"),
        ("a:k,b", "`b`, which lacks its `:cache_key`", "a:k,b:b"),
        ("a::my key", "contains a `:`", "'a:my key'"),
        ("a;k", "not by `;`", "a:k"),
        ("a k", "not by a space", "a:k"),
        ("a:new/k", "the cache key contains a `/`", "a:new_k"),
        ("a:user:1", "the cache key contains a `:`", "a:user_1"),
        ("a:../k", "the cache key has a leading dot", "a:k"),
        ("sse.a:k", "are reserved", "sse_a:k"),
        ("a:k:Private", "is spelled `private`", "a:k:private"),
        ("a:k:privat,b:l", "is spelled `private`", "a:k:private,b:l"),
        ("a:k:public", "without a mark is public", "a:k"),
        ("a:k private", "after one `:`", "a:k:private"),
        ("a:k;private", "after one `:`", "a:k:private"),
        ("a:k,private", "follows the key after a `:`", "a:k:private"),
        (
            "a:k:private,private",
            "follows the key after a `:`",
            "a:k:private",
        ),
        ("a:k:private:private", "more than once", "a:k:private"),
        ("a:private:k", "is the last part", "a:k:private"),
        ("a=k:private", "not by `=`", "a:k:private"),
        ("a->k:Private", "not by `->`", "a:k:private"),
        ("a private", "not by a space", "a:a:private"),
        ("a::private", "the cache key is empty", "a:a:private"),
        (
            "a:k:private b:l:private",
            "not by spaces",
            "a:k:private,b:l:private",
        ),
        ("a:k:Private b:l", "not by spaces", "a:k:private,b:l"),
        ("a:k:private;b:l", "not by `;`", "a:k:private,b:l"),
        (
            "a:new/k:private",
            "the cache key contains a `/`",
            "a:new_k:private",
        ),
        (
            "a:user:1:private",
            "the cache key contains a `:`",
            "a:user_1:private",
        ),
        ("sse.a:k:private", "are reserved", "sse_a:k:private"),
        ("'a':'k':'private'", "is spelled `private`", "a:k:private"),
        ("a:k:", "the cache key contains a `:`", "a:k"),
    ] {
        let error = text.parse::<Events>().unwrap_err();
        assert!(error.to_string().contains(reason), "{text:?}: {error}");
        assert_eq!(error.help(), Some(&*format!("write SSE_EVENTS={help}")));
    }
}

#[test]
fn spaces_around_names_and_empty_items_are_ignored() {
    for text in ["a : k , b : l", "a:k,b:l,", ",a:k,,b:l"] {
        assert_eq!(Events::parse(text).unwrap().to_string(), "a:k,b:l");
    }
}

#[test]
fn the_events_of_a_key_have_the_same_order_however_the_list_is_edited() {
    let order = |text: &str| {
        let events = Events::parse(text).unwrap();
        events.of_key("k").map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(order("a:k,b:k,x:other,c:k"), ["a", "c", "b"]);
    assert_eq!(order("c:k,a:k,b:k"), ["a", "c", "b"]);
    assert_eq!(order("new:k,b:k,a:k"), ["new", "a", "b"]);
}

#[test]
fn the_number_of_an_event_is_that_of_fnv_1a() {
    for (name, part) in [("a", 0xe40c_292c), ("foobar", 0xbf9c_f968)] {
        assert_eq!(part_of_event(name), part);
    }
}

#[test]
fn names_that_ids_cannot_tell_apart_may_not_share_a_key() {
    let error = Events::parse("costarring:k,a:k,liquid:k").unwrap_err();
    assert!(error.contains("`liquid` from `costarring`"), "{error}");
    assert!(Events::parse("costarring:k1,liquid:k2").is_ok());
}

#[test]
fn an_invalid_list_is_rejected_with_the_reason() {
    for (text, reason) in [
        ("", "empty"),
        (" , ", "empty"),
        ("a", "`a`, which lacks its `:cache_key`"),
        ("a:b,c", "`c`"),
        (":k", "no name"),
        ("a:", "is empty"),
        ("open:k", "browsers use"),
        ("error:k", "browsers use"),
        ("sse.gap:k", "are reserved"),
        ("*:k", "every event"),
        ("a:../k", "leading dot"),
        ("a:b/c", "`/`"),
        ("a:b:c", "`:`"),
        ("a\u{7}b:k", "control"),
    ] {
        let error = Events::parse(text).unwrap_err();
        assert!(error.contains(reason), "{text:?} gave {error:?}");
    }
}

/// Whatever signs people write: `k` is never a public key, neither in what is accepted nor in what is suggested.
#[test]
fn no_way_to_write_a_mark_makes_the_key_public() {
    const SIGNS: [&str; 14] = [
        ":", " : ", "::", ";", " ", "=", "->", "=>", "/", "@", "|", " (", ",", ", ",
    ];
    let is_public = |list: &str| match list.parse::<Events>() {
        Ok(events) => events.keys().any(|key| key == "k") && !events.is_private("k"),
        Err(_) => false,
    };
    let mut wrong = Vec::new();
    for first in SIGNS {
        for second in SIGNS {
            for mark in ["private", "Private", "privat", "'private'", "private:"] {
                let list = format!("a{first}k{second}{mark}");
                let suggested = match list.parse::<Events>() {
                    Ok(_) => list.clone(),
                    Err(error) => {
                        let help = error.help().unwrap();
                        let value = help.trim_start_matches("write SSE_EVENTS=");
                        value.trim_matches('\'').to_owned()
                    }
                };
                if is_public(&suggested) {
                    wrong.push((list, suggested));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}
