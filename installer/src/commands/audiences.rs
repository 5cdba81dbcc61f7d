//! The names of audiences in arguments.

use actix_web_sse::cli_support::check_audiences;

use crate::exit::Failure;

/// Fails if one of the names cannot name an audience, or if there are too many. The names count once each.
pub(super) fn check(names: &[String]) -> Result<(), Failure> {
    let mut names = names.to_vec();
    names.sort_unstable();
    names.dedup();
    let Err(error) = check_audiences(&names) else {
        return Ok(());
    };
    let has_list = names.iter().any(|name| name.contains(','));
    let help = match error.help() {
        _ if has_list => "to name several, repeat the option: --to user:42 --to role:admin",
        help => help.unwrap_or_default(),
    };
    Err(Failure::usage(error.to_string()).with_help(help))
}

/// The names in a sentence.
pub(super) fn joined<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().collect::<Vec<_>>().join(", ")
}
