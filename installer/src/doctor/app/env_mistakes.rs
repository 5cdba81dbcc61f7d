//! What in a `.env` is read otherwise than its author thinks, or not at all.

use super::Environment;
use super::env_assignments::EnvLines;
use super::value_origin::KEYS;
use crate::doctor::finding::Finding;
use crate::nearest::nearest;

const CHECK: &str = "env";

/// What all our keys begin with.
const PREFIX: &str = "SSE_";

pub(super) fn check(lines: &EnvLines, environment: &Environment) -> Vec<Finding> {
    let mut findings: Vec<Finding> = lines.broken.iter().map(|line| broken(*line)).collect();
    findings.extend(KEYS.into_iter().flat_map(|key| {
        let twice = twice(key, lines);
        twice.into_iter().chain(shadowed(key, lines, environment))
    }));
    findings.extend(misspelt(lines));
    findings.extend(misspelt_in_environment(environment));
    findings
}

fn broken(line: usize) -> Finding {
    Finding::warning(
        CHECK,
        format!(
            ".env line {line} cannot be read: `dotenvy::dotenv()` stops there, and what is below \
             does not reach the app"
        ),
        "write KEY=value; close every quote, and put a value that has spaces in quotes",
    )
}

fn twice(key: &str, lines: &EnvLines) -> Option<Finding> {
    let all: Vec<usize> = lines
        .assignments
        .iter()
        .filter(|assignment| assignment.key == key)
        .map(|assignment| assignment.line)
        .collect();
    let (first, others) = all.split_first()?;
    if others.is_empty() {
        return None;
    }
    let others: Vec<String> = others.iter().map(ToString::to_string).collect();
    Some(Finding::warning(
        CHECK,
        format!(
            "{key} is set twice in .env: line {first} counts, line {} does not",
            others.join(", ")
        ),
        "leave one of them",
    ))
}

fn shadowed(key: &str, lines: &EnvLines, environment: &Environment) -> Option<Finding> {
    let (line, variable) = (lines.get(key)?, environment.get(key)?);
    (line.value != *variable).then(|| {
        Finding::warning(
            CHECK,
            format!(
                "{key} on .env line {} has no effect here: the environment has it as `{variable}`",
                line.line
            ),
            format!("`unset {key}` where the app is started, or take the line out of .env"),
        )
    })
}

fn misspelt(lines: &EnvLines) -> Vec<Finding> {
    let unknown = lines
        .assignments
        .iter()
        .filter(|assignment| !KEYS.contains(&assignment.key.as_str()));
    let found = unknown.filter_map(|assignment| {
        let key = assignment.key.as_str();
        let meant = if key.starts_with(PREFIX) {
            nearest(key, KEYS)
        } else {
            // A key of somebody else may look like one of ours: it must be very near, and ours missing.
            let meant = KEYS.into_iter().find(|ours| is_a_slip(key, ours))?;
            lines.get(meant).is_none().then_some(Some(meant))?
        };
        Some(unknown_key(
            &format!("{key} on .env line {}", assignment.line),
            meant,
        ))
    });
    found.collect()
}

fn misspelt_in_environment(environment: &Environment) -> impl Iterator<Item = Finding> {
    let unknown = environment
        .keys()
        .filter(|key| key.starts_with(PREFIX) && !KEYS.contains(&key.as_str()));
    unknown.filter_map(|key| {
        // Of the environment we know less: what resembles no key of ours is not our business.
        let meant = nearest(key, KEYS).filter(|meant| strsim::osa_distance(key, meant) <= 3)?;
        Some(unknown_key(
            &format!("{key} in the environment"),
            Some(meant),
        ))
    })
}

/// One letter wrong, missing or too many, or two swapped.
fn is_a_slip(key: &str, ours: &str) -> bool {
    strsim::osa_distance(&key.to_uppercase(), ours) <= 1
}

fn unknown_key(which: &str, meant: Option<&str>) -> Finding {
    let help = match meant {
        Some(meant) => format!("did you mean {meant}?"),
        None => format!("the keys are {}", KEYS.join(", ")),
    };
    Finding::warning(CHECK, format!("{which} is no key of the library"), help)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(env: &str, environment: &[(&str, &str)]) -> Vec<Finding> {
        let environment = environment
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect();
        let findings = check(&EnvLines::parse(env.as_bytes()), &environment);
        assert!(findings.iter().all(Finding::is_bad), "{findings:?}");
        findings
    }

    fn one(env: &str, environment: &[(&str, &str)]) -> (String, String) {
        let mut findings = found(env, environment);
        assert_eq!(findings.len(), 1, "{findings:?}");
        let finding = findings.remove(0);
        (finding.what, finding.help.unwrap_or_default())
    }

    #[test]
    fn a_file_without_a_fault_gives_nothing() {
        let env = "# SSE_EVENT=x\nSSE_EVENTS=a:k\nPASSWORD='x y'\nSSL_CERT=1\n";
        assert_eq!(found(env, &[("HOME", "/root"), ("SSE_EVENTS", "a:k")]), []);
    }

    #[test]
    fn a_broken_line_is_named_and_not_repeated() {
        let (what, help) = one("SSE_EVENTS=a:k\nPASSWORD=se cret\nSSE_TTL=5\n", &[]);
        assert!(what.contains(".env line 2 cannot be read"), "{what}");
        assert!(
            !what.contains("cret") && help.contains("quote"),
            "{what} {help}"
        );
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_first_line_counts() {
        let (what, _) = one("SSE_TTL=5\n\nSSE_TTL=6\nexport SSE_TTL=7\n", &[]);
        assert!(what.contains("line 1 counts, line 3, 4 does not"), "{what}");
    }

    #[test]
    fn a_key_that_the_environment_overrides_is_named() {
        let (what, help) = one("SSE_TTL=5\n", &[("SSE_TTL", "6")]);
        assert!(
            what.contains("line 1 has no effect") && what.contains("`6`"),
            "{what}"
        );
        assert!(help.contains("unset SSE_TTL"), "{help}");
    }

    #[test]
    fn a_misspelt_key_is_told_with_the_right_one() {
        for (wrong, right) in [
            ("SSE_EVENT", "SSE_EVENTS"),
            ("SEE_EVENTS", "SSE_EVENTS"),
            ("SSE_POOL_INTERVAL", "SSE_POLL_INTERVAL"),
            ("sse_ttl", "SSE_TTL"),
            ("SSE_DURATION", "SSE_STREAM_DURATION"),
        ] {
            let (what, help) = one(&format!("A=1\n{wrong}=1\n"), &[]);
            assert!(
                what.starts_with(&format!("{wrong} on .env line 2")),
                "{what}"
            );
            assert_eq!(help, format!("did you mean {right}?"));
        }
        let (what, _) = one("", &[("SSE_EVENT", "a:k"), ("SSE_SOMETHING_ELSE", "1")]);
        assert!(what.starts_with("SSE_EVENT in the environment"), "{what}");
    }

    #[test]
    fn a_key_of_somebody_else_is_left_alone_where_ours_is_set() {
        assert_eq!(found("SSE_CACHE=a\nSSL_CACHE=b\n", &[]), []);
    }
}
