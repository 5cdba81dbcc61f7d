//! Forty situations that an installer must handle, and the test of each.
//!
//! | case | test |
//! |---|---|
//! | no `.env` | `env_file::a_missing_env_file_is_created_and_removed` |
//! | an empty one | `env_file::an_empty_env_file_is_restored` |
//! | no newline at the end | `env_file::a_missing_final_newline_stays_missing` |
//! | Windows line endings | `env_file::windows_line_endings_are_kept` |
//! | mixed line endings | `env_file::mixed_line_endings_are_kept` |
//! | a carriage return alone at the end | `env_file::a_lone_final_carriage_return_is_kept` |
//! | a byte order mark | `env_file::a_byte_order_mark_is_kept` |
//! | bytes that are not valid UTF-8, NUL | `env_file::bytes_that_dotenvy_cannot_read_are_refused` |
//! | blank lines at the end | `env_file::blank_lines_at_the_end_are_kept` |
//! | a key that is set | `env_file::a_setting_that_exists_keeps_its_value` |
//! | an exported key | `env_file::an_exported_setting_keeps_its_value` |
//! | all keys set | `env_file::existing_settings_keep_their_values` |
//! | a key in a comment | `env_file::a_setting_in_a_comment_counts_as_missing` |
//! | a key twice | `env_file::the_first_of_duplicate_settings_takes_effect` |
//! | a key inside a value of several lines | `env_file::a_setting_inside_a_multiline_value_counts_as_missing` |
//! | a quote that is never closed | `env_file::an_unclosed_quote_is_refused`, `env_file::an_unclosed_quote_before_the_block_is_refused` |
//! | a bad line before the block | `env_file::an_unreadable_line_is_refused` |
//! | a relative symbolic link, run from elsewhere | `files::a_relative_symbolic_link_is_followed_from_another_working_directory` |
//! | a symbolic link to nowhere, or out of the app | `files::a_symbolic_link_to_nowhere_or_out_of_the_app_is_refused` |
//! | mode 0600 | `files::mode_is_kept` |
//! | mode 0444 | `files::a_read_only_file_is_refused` |
//! | a hard link | `files::a_hard_link_stays_linked` |
//! | a folder or a pipe in place of a file | `files::a_folder_or_pipe_in_place_of_a_file_is_refused` |
//! | markers missing, doubled, reversed, indented | `env_file::unpaired_markers_are_refused_and_indented_ones_are_found` |
//! | a value edited in the block | `env_file::an_edited_value_in_the_block_is_kept` |
//! | a line of the owner in the block | `env_file::an_owners_line_in_the_block_is_kept` |
//! | text after the block, a block that moved | `env_file::text_behind_the_block_and_a_moved_block_are_handled` |
//! | a change between plan and rename | `files::a_change_between_plan_and_rename_is_not_overwritten` |
//! | a crash after each step | `files::a_crash_after_any_step_is_recovered`, and for every system call `killed` |
//! | a second write that fails | `files::a_second_write_that_fails_undoes_the_first`, and for every system call `failing` |
//! | install twice, uninstall twice | `files::two_installs_and_two_uninstalls_restore_every_byte` |
//! | a script edited, converted, of an older version | `files::an_edited_script_is_kept_and_converted_line_endings_do_not_count_as_edits`, `files::script_of_another_version_is_refreshed` |
//! | a scripts folder that existed, and one that was created | `files::only_a_scripts_folder_that_install_created_is_removed` |
//! | `Cargo.toml` with CRLF, a byte order mark, no newline at the end | `manifest::line_endings_a_byte_order_mark_and_a_missing_final_newline_are_kept` |
//! | every kind of `[dependencies]` | `manifest::the_dependency_is_added_to_every_kind_of_table_and_removed` |
//! | an existing dependency, renamed, inherited, for tests only | `manifest::an_existing_dependency_is_kept`, `manifest::a_renamed_dependency_is_called_by_its_name`, `manifest::a_workspace_dependency_is_inherited` |
//! | a workspace, no manifest, an invalid one | `manifest::a_missing_or_invalid_manifest_and_a_bare_workspace_are_refused`, and for members `install::a_workspace_member_is_selected_by_its_package` |
//! | a path with spaces, run from a folder below | `manifest::paths_with_spaces_and_non_ascii_letters_work_from_a_subfolder` |
//! | no terminal, closed streams, colors, JSON, a dry run | `terminal` |
//! | the template in each of its forms | `generate`, in the test target `project` |

mod env_file;
mod files;
mod manifest;
pub(crate) mod terminal;

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
