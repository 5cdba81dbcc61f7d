//! Forty situations that an installer must handle, and the test of each.
//!
//! | case | test |
//! |---|---|
//! | no `.env` | `env_file::no_env_file` |
//! | an empty one | `env_file::empty_env_file` |
//! | no newline at the end | `env_file::no_final_newline` |
//! | Windows line endings | `env_file::windows_line_endings` |
//! | mixed line endings | `env_file::mixed_line_endings` |
//! | a carriage return alone at the end | `env_file::lone_final_carriage_return` |
//! | a byte order mark | `env_file::byte_order_mark` |
//! | bytes that are not valid UTF-8, NUL | `env_file::invalid_utf8_and_nul` |
//! | blank lines at the end | `env_file::blank_lines_at_the_end` |
//! | a key that is set | `env_file::key_that_is_set` |
//! | an exported key | `env_file::exported_key` |
//! | all keys set | `env_file::all_keys_set` |
//! | a key in a comment | `env_file::key_in_a_comment` |
//! | a key twice | `env_file::duplicate_keys` |
//! | a key inside a value of several lines | `env_file::key_inside_a_value_of_several_lines` |
//! | a quote that is never closed | `env_file::quote_that_is_never_closed`, `env_file::quote_that_is_never_closed_before_the_block` |
//! | a bad line before the block | `env_file::bad_line_before_the_block` |
//! | a relative symbolic link, run from elsewhere | `files::relative_symbolic_link_from_another_working_directory` |
//! | a symbolic link to nowhere, or out of the app | `files::symbolic_link_to_nowhere_or_out_of_the_app` |
//! | mode 0600 | `files::mode_is_kept` |
//! | mode 0444 | `files::read_only_file` |
//! | a hard link | `files::hard_link` |
//! | a folder or a pipe in place of a file | `files::folder_or_pipe_in_the_place_of_a_file` |
//! | markers missing, doubled, reversed, indented | `env_file::markers_missing_doubled_reversed_indented` |
//! | a value edited in the block | `env_file::value_edited_in_the_block` |
//! | a line of the owner in the block | `env_file::line_of_the_owner_in_the_block` |
//! | text after the block, a block that moved | `env_file::text_behind_the_block_and_a_block_that_moved` |
//! | a change between plan and rename | `files::change_between_plan_and_rename` |
//! | a crash after each step | `files::crash_after_each_step`, and for every system call `killed` |
//! | a second write that fails | `files::second_write_that_fails`, and for every system call `failing` |
//! | install twice, uninstall twice | `files::two_installs_two_uninstalls` |
//! | a script edited, converted, of an older version | `files::script_edited_or_converted`, `files::script_of_another_version_is_refreshed` |
//! | a scripts folder that existed, and one that was created | `files::scripts_folder_that_was_there_and_one_that_was_made` |
//! | `Cargo.toml` with CRLF, a byte order mark, no newline at the end | `manifest::line_endings_mark_and_no_final_newline` |
//! | every kind of `[dependencies]` | `manifest::every_kind_of_dependencies` |
//! | an existing dependency, renamed, inherited, for tests only | `manifest::dependency_that_is_there`, `manifest::dependency_under_another_name_is_called_by_it`, `manifest::dependency_of_the_workspace` |
//! | a workspace, no manifest, an invalid one | `manifest::no_manifest_an_invalid_one_and_a_workspace`, and for members `install::a_workspace_member_is_selected_by_its_package` |
//! | a path with spaces, run from a folder below | `manifest::path_with_spaces_and_letters_of_the_world_from_a_folder_below` |
//! | no terminal, closed streams, colors, JSON, a dry run | `terminal` |
//! | the template in each of its forms | `generate`, in the test target `project` |

mod env_file;
mod files;
mod manifest;
mod terminal;

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use crate::hello::Hello;

/// The three keys as `install` sets them.
pub(crate) const KEYS: [(&str, &str); 3] = [
    ("SSE_STREAM_DURATION", "15"),
    ("SSE_POLL_INTERVAL", "2"),
    (
        "SSE_EVENTS",
        "event_name1:event_cache_key1,event_name2:event_cache_key2",
    ),
];

/// Everything below a folder: its kind, its bytes and its mode.
pub(crate) type Snapshot = BTreeMap<PathBuf, (String, Vec<u8>, u32)>;

pub(crate) fn snapshot(dir: &Path) -> Snapshot {
    let mut found = Snapshot::new();
    collect(dir, &mut found);
    found
}

fn collect(dir: &Path, found: &mut Snapshot) {
    for item in fs::read_dir(dir).unwrap() {
        let path = item.unwrap().path();
        let metadata = fs::symlink_metadata(&path).unwrap();
        let kind = format!("{:?}", metadata.file_type());
        let contents = if metadata.is_file() {
            fs::read(&path).unwrap()
        } else if metadata.is_symlink() {
            let target = fs::read_link(&path).unwrap();
            target.into_os_string().into_encoded_bytes()
        } else {
            Vec::new()
        };
        found.insert(path.clone(), (kind, contents, mode(&metadata)));
        if metadata.is_dir() {
            collect(&path, found);
        }
    }
}

fn mode(metadata: &fs::Metadata) -> u32 {
    std::os::unix::fs::PermissionsExt::mode(&metadata.permissions())
}

/// The variables that an app reads from this `.env`. The first of equal keys counts.
pub(crate) fn variables(env: &[u8]) -> BTreeMap<String, String> {
    let env = env.strip_prefix(b"\xef\xbb\xbf").unwrap_or(env);
    let mut values = BTreeMap::new();
    for item in dotenvy::from_read_iter(env) {
        let (key, value) = item.expect("every line can be read");
        values.entry(key).or_insert(value);
    }
    values
}

/// Installs and uninstalls. In between, an app reads all three keys, with the owner's values; in the end
/// everything is unchanged.
#[track_caller]
pub(crate) fn install_and_uninstall(hello: &Hello) {
    let before = snapshot(hello.path());
    let env = fs::read(hello.path().join(".env")).unwrap_or_default();
    hello.sse_succeeds(&["install"]);
    let values = variables(&fs::read(hello.path().join(".env")).unwrap());
    let owners = variables(&env);
    for (key, value) in KEYS {
        let expected = owners.get(key).map_or(value, String::as_str);
        assert_eq!(values.get(key).map(String::as_str), Some(expected), "{key}");
    }
    for (key, value) in &owners {
        assert_eq!(values.get(key), Some(value), "{key}");
    }
    assert_eq!(hello.sse(&["status"]).code, 0);
    hello.sse_succeeds(&["uninstall"]);
    assert_eq!(snapshot(hello.path()), before);
}

/// Expects that `install` refuses with this error, and changes nothing.
#[track_caller]
pub(crate) fn assert_refused(hello: &Hello, what: &str) {
    let before = snapshot(hello.path());
    hello.sse(&["install"]).fails(3, what);
    assert_eq!(snapshot(hello.path()), before);
}
