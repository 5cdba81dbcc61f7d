//! Parsing of the command line.

use super::*;

#[test]
fn the_command_line_is_consistent() {
    command().debug_assert();
}

#[test]
fn values_may_be_negative_or_standard_input() {
    for value in ["-5", "-", "-abc"] {
        let cli = parse_from(["sse", "save", "k", value]).expect("valid input");
        let Command::Save(args) = cli.command else {
            panic!("another command")
        };
        assert_eq!(args.value, value);
    }
}

#[test]
fn a_value_that_the_shell_has_split_is_to_be_quoted() {
    let refused = |words: &[&str]| match parse_from(words) {
        Ok(_) => panic!("{words:?} is accepted"),
        Err(error) => error.to_string(),
    };
    for words in [
        &["sse", "save", "k", "hello", "world"][..],
        &["sse", "-C", "app", "save", "k", "{order:", "42}"],
    ] {
        let text = refused(words);
        assert!(
            text.contains("tip: quote a value that has spaces"),
            "{text}"
        );
        assert!(text.contains("sse save KEY 'hello world'"), "{text}");
    }
    for words in [
        &["sse", "get", "save", "x"][..],
        &["sse", "save", "k", "1", "--tll", "5"],
    ] {
        assert!(!refused(words).contains("quote a value"), "{words:?}");
    }
}

#[test]
fn a_count_is_a_whole_number() {
    assert_eq!(parse_whole_number("3"), Ok(3));
    for wrong in ["", "x", "1.5", "-1"] {
        assert!(
            parse_whole_number(wrong).is_err_and(|why| why.contains("whole number")),
            "{wrong}"
        );
    }
}

#[test]
fn seconds_may_be_fractions() {
    assert_eq!(parse_seconds("0.5"), Ok(Duration::from_millis(500)));
    for wrong in ["", "-1", "NaN", "1e99", "5s"] {
        assert!(parse_seconds(wrong).is_err(), "{wrong}");
    }
}
