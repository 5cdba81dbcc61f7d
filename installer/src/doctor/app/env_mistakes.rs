//! Lines of `.env` that have no effect, or another one than intended.

use std::collections::BTreeMap;
use std::env;

use actix_web_sse::cli_support::{EnvFile, SETTINGS};

use crate::doctor::finding::{Check, Finding};
use crate::nearest::nearest;
use crate::serve;

const CHECK: Check = Check("env");

/// The beginning of every setting of the library.
const SETTING_PREFIX: &str = "SSE_";

/// More than three typing errors in a variable's name: it belongs to another program.
const MAX_VARIABLE_TYPOS: usize = 3;

/// The environment variables that are valid UTF-8, by name.
pub(super) type ProcessVariables = BTreeMap<String, String>;

/// Variables that are not valid UTF-8 are left out: none of the library's can be.
pub(super) fn process_variables() -> ProcessVariables {
    env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value.into_string().ok()?)))
        .collect()
}

/// `may_be_rust`: the app may load the file with dotenvy. Other apps have their own parsers.
pub(super) fn check(
    env_file: &EnvFile,
    environment: &ProcessVariables,
    may_be_rust: bool,
) -> Vec<Finding> {
    let unreadable = env_file.unreadable_lines().filter(|_| may_be_rust);
    let mut findings: Vec<Finding> = unreadable
        .map(|line| unreadable_line(line.number))
        .collect();
    for key in setting_names() {
        findings.extend(repeated_key(key, env_file));
        findings.extend(overridden_key(key, env_file, environment));
    }
    findings.extend(misspelt_keys(env_file));
    findings.extend(misspelt_variables(environment));
    findings
}

/// The settings of the library and of `sse serve`.
fn setting_names() -> impl Iterator<Item = &'static str> {
    let library = SETTINGS.iter().map(|setting| setting.name);
    library.chain(serve::settings::NAMES.iter().copied())
}

fn is_setting(key: &str) -> bool {
    setting_names().any(|name| name == key)
}

/// Does not repeat the line, which may contain a password.
fn unreadable_line(line: usize) -> Finding {
    CHECK.warning(
        format!(
            "line {line} of .env cannot be read. `dotenvy::dotenv()` stops there: if the app calls it, it does \
             not load the lines below"
        ),
        "write KEY=value, close every quote, and put values with spaces in quotes",
    )
}

fn repeated_key(key: &str, env_file: &EnvFile) -> Option<Finding> {
    let assignments = env_file.assignments().filter(|(_, name, _)| *name == key);
    let lines: Vec<String> = assignments.map(|(line, ..)| line.to_string()).collect();
    let [first, _, ..] = &lines[..] else {
        return None;
    };
    let lines = lines.join(", ");
    Some(CHECK.warning(
        format!("{key} is set on lines {lines} of .env: only line {first} takes effect"),
        "keep one of these lines",
    ))
}

fn overridden_key(
    key: &str,
    env_file: &EnvFile,
    environment: &ProcessVariables,
) -> Option<Finding> {
    let (line, value) = env_file.get(key)?;
    let variable = environment.get(key).filter(|variable| *variable != value)?;
    // A URL may contain a password.
    let other = match variable.contains("://") {
        true => "another value".to_owned(),
        false => format!("`{variable}`"),
    };
    Some(CHECK.warning(
        format!(
            "{key} on line {line} of .env has no effect here: an environment variable sets it to {other}"
        ),
        format!("run `unset {key}` before you start the server, or delete the line in .env"),
    ))
}

fn misspelt_keys(env_file: &EnvFile) -> impl Iterator<Item = Finding> {
    let unknown = env_file
        .assignments()
        .filter(|(_, key, _)| !is_setting(key));
    unknown.filter_map(|(line, key, _)| {
        let suggestion = if key.starts_with(SETTING_PREFIX) {
            nearest(key, setting_names())
        } else {
            // Another program's key may resemble one of the library's. Report it only if a single
            // letter is wrong, missing, added or swapped, and the library's key is not set.
            let key = key.to_uppercase();
            let similar = setting_names().find(|known| strsim::osa_distance(&key, known) <= 1)?;
            env_file.get(similar).is_none().then_some(Some(similar))?
        };
        Some(unknown_key(
            &format!("{key} on line {line} of .env"),
            suggestion,
        ))
    })
}

/// Other programs may also use the prefix: only names that resemble a key are reported.
fn misspelt_variables(environment: &ProcessVariables) -> impl Iterator<Item = Finding> {
    let names = environment.keys();
    let unknown = names.filter(|name| name.starts_with(SETTING_PREFIX) && !is_setting(name));
    unknown.filter_map(|name| {
        let similar = nearest(name, setting_names())?;
        let is_typo = strsim::osa_distance(name, similar) <= MAX_VARIABLE_TYPOS;
        is_typo.then(|| unknown_key(&format!("the environment variable {name}"), Some(similar)))
    })
}

fn unknown_key(place: &str, suggestion: Option<&str>) -> Finding {
    let help = match suggestion {
        Some(key) => format!("did you mean {key}?"),
        None => {
            let names: Vec<&str> = setting_names().collect();
            format!("the library's settings are {}", names.join(", "))
        }
    };
    CHECK.warning(format!("{place} is not a setting of the library"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(env: &str, environment: &[(&str, &str)]) -> Vec<Finding> {
        let environment = environment
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let findings = check(&EnvFile::new(env.into()), &environment, true);
        assert!(findings.iter().all(Finding::is_problem), "{findings:?}");
        findings
    }

    /// Message and help of the only finding.
    fn only_finding(env: &str, environment: &[(&str, &str)]) -> (String, String) {
        let mut findings = findings(env, environment);
        assert_eq!(findings.len(), 1, "{findings:?}");
        let finding = findings.remove(0);
        (finding.message, finding.help.unwrap_or_default())
    }

    #[test]
    fn a_file_without_mistakes_has_no_findings() {
        let env = "# SSE_EVENT=x\nSSE_EVENTS=a:k\nPASSWORD='x y'\nSSL_CERT=1\n";
        let environment = [("HOME", "/root"), ("SSE_EVENTS", "a:k")];
        assert_eq!(findings(env, &environment), []);
    }

    #[test]
    fn an_unreadable_line_is_named_but_not_shown() {
        let (message, help) = only_finding("SSE_EVENTS=a:k\nPASSWORD=se cret\nSSE_TTL=5\n", &[]);
        assert!(
            message.contains("line 2 of .env cannot be read"),
            "{message}"
        );
        assert!(!message.contains("cret"), "{message}");
        assert!(help.contains("quote"), "{help}");
    }

    #[test]
    fn a_line_for_the_parser_of_another_language_is_no_mistake() {
        let env = EnvFile::new(b"APP_NAME=my app\nSSE_TTL=5\n".to_vec());
        assert_eq!(check(&env, &ProcessVariables::new(), false), []);
        assert_eq!(check(&env, &ProcessVariables::new(), true).len(), 1);
    }

    #[test]
    fn the_first_line_of_a_repeated_key_takes_effect() {
        let (message, _) = only_finding("SSE_TTL=5\n\nSSE_TTL=6\nexport SSE_TTL=7\n", &[]);
        assert!(
            message.contains("lines 1, 3, 4 of .env: only line 1 takes effect"),
            "{message}"
        );
    }

    #[test]
    fn a_key_that_the_environment_overrides_is_reported() {
        let (message, help) = only_finding("SSE_TTL=5\n", &[("SSE_TTL", "6")]);
        assert!(
            message.contains("line 1 of .env has no effect"),
            "{message}"
        );
        assert!(message.contains("`6`"), "{message}");
        assert!(help.contains("unset SSE_TTL"), "{help}");
        let url = [("SSE_CACHE", "redis://:secret@host")];
        let (message, _) = only_finding("SSE_CACHE=a\n", &url);
        assert!(message.ends_with("to another value"), "{message}");
    }

    #[test]
    fn a_misspelt_key_is_reported_with_the_right_one() {
        for (wrong, right) in [
            ("SSE_EVENT", "SSE_EVENTS"),
            ("SEE_EVENTS", "SSE_EVENTS"),
            ("SSE_POOL_INTERVAL", "SSE_POLL_INTERVAL"),
            ("sse_ttl", "SSE_TTL"),
            ("SSE_DURATION", "SSE_STREAM_DURATION"),
        ] {
            let (message, help) = only_finding(&format!("A=1\n{wrong}=1\n"), &[]);
            let place = format!("{wrong} on line 2 of .env");
            assert!(message.starts_with(&place), "{message}");
            assert_eq!(help, format!("did you mean {right}?"));
        }
        let environment = [("SSE_EVENT", "a:k"), ("SSE_SOMETHING_ELSE", "1")];
        let (message, _) = only_finding("", &environment);
        let start = "the environment variable SSE_EVENT is not";
        assert!(message.starts_with(start), "{message}");
    }

    #[test]
    fn a_similar_key_of_another_program_is_ignored_if_the_librarys_is_set() {
        assert_eq!(findings("SSE_CACHE=a\nSSL_CACHE=b\n", &[]), []);
    }

    #[test]
    fn a_key_of_another_program_that_differs_by_two_letters_is_ignored() {
        assert_eq!(findings("SSL_TTY=1\nSEE_CACHES=1\n", &[]), []);
    }
}
