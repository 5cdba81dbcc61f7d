use super::*;

impl Grants {
    /// Grants that cover every entry of these names.
    pub(crate) fn of(names: &[&str]) -> Self {
        Self::new(names.iter().map(|name| NameGrant {
            name,
            is_prefix: false,
            after: 0,
        }))
    }
}

fn recipients(names: &[&str]) -> Recipients {
    let names = names.iter().map(|name| (*name).to_owned()).collect();
    Recipients::new(Some(names)).unwrap()
}

fn name(name: &str, after: u64) -> NameGrant<'_> {
    NameGrant {
        name,
        is_prefix: false,
        after,
    }
}

fn prefix(prefix: &str, after: u64) -> NameGrant<'_> {
    NameGrant {
        is_prefix: true,
        ..name(prefix, after)
    }
}

#[test]
fn names_are_compared_as_a_whole() {
    let grants = Grants::of(&["user:4", "team:7"]);
    assert!(grants.allow(&recipients(&["user:4"]), 1));
    assert!(grants.allow(&recipients(&["other", "team:7"]), 1));
    for other in ["user:42", "user:", "ser:4", "USER:4", "user:4team:7"] {
        assert!(!grants.allow(&recipients(&[other]), 1), "{other}");
        assert!(!grants.hold(other), "{other}");
    }
}

#[test]
fn without_grants_only_public_entries_are_allowed() {
    let grants = Grants::default();
    assert!(grants.is_empty());
    assert!(grants.allow(&Recipients::Everyone, 1));
    assert!(!grants.allow(&recipients(&["user:4"]), 1));
    assert_eq!(grants.exact_names().count(), 0);
}

#[test]
fn a_grant_may_cover_a_prefix_or_only_later_entries() {
    let grants = Grants::new([name("a", 0), prefix("order:", 0), name("team:7", 41)]);
    assert!(grants.allow(&recipients(&["order:42"]), 1));
    assert!(!grants.allow(&recipients(&["order"]), 1));
    assert!(!grants.allow(&recipients(&["team:7"]), 41));
    assert!(grants.allow(&recipients(&["team:7"]), 42));
    assert!(grants.hold("team:7") && grants.hold("order:1") && grants.has_prefix());
    assert_eq!(grants.exact_names().collect::<Vec<_>>(), ["a", "team:7"]);
}

#[test]
fn only_a_later_revocation_of_a_held_name_ends_a_stream() {
    let authorization = Authorization {
        grants: Grants::new([name("user:4", 0), prefix("order:", 100)]),
        epoch: Epoch(1),
        number: 41,
    };
    assert!(!authorization.is_ended_by(41, "user:4"));
    assert!(authorization.is_ended_by(42, "user:4"));
    assert!(authorization.is_ended_by(42, "order:1"));
    assert!(!authorization.is_ended_by(42, "user:5"));
}

#[test]
fn the_same_grant_counts_once_and_the_earlier_of_two_covers_more() {
    let twice = Grants::new([name("a", 7), name("a", 7), name("a", 3)]);
    assert_eq!(twice.exact_names().collect::<Vec<_>>(), ["a", "a"]);
    assert!(twice.allow(&recipients(&["a"]), 4));
    assert!(!twice.allow(&recipients(&["a"]), 3));
}
