//! Saves whose result cannot be checked.

use std::{fs, os::unix::fs::PermissionsExt};

use super::non_regular_files::{can_restrict_this_user, make_permissions_apply_to_root};
use crate::{
    config::Config,
    journal::{
        Journal,
        file::{CacheFolder, FileJournal, test_hooks::set_hooks},
    },
};

#[test]
fn a_save_counts_although_its_folder_cannot_be_checked_afterwards() {
    if !can_restrict_this_user() {
        return;
    }
    let app = tempfile::tempdir().unwrap();
    let set_mode = |path: &_, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode));
    // Other users find the cache folder.
    set_mode(app.path(), 0o755).unwrap();
    let config = Config::new(app.path(), "a:k").unwrap();
    make_permissions_apply_to_root(config.cache_dir());
    let journal = FileJournal::open(&CacheFolder::prepare(&config).unwrap().into()).unwrap();
    let folder = config.cache_dir().join(".sse/journal-2");
    let entry = folder.join("000000000000/.00000000000000000001");
    set_hooks(
        {
            let folder = folder.clone();
            move || {
                if fs::exists(&entry).unwrap_or(false) {
                    set_mode(&folder, 0o000).unwrap();
                }
            }
        },
        false,
    );
    let number = journal.append(b"1");
    set_hooks(|| (), false);
    set_mode(&folder, 0o700).unwrap();
    assert_eq!(number.unwrap(), 1);
    assert_eq!(journal.newest_number().unwrap(), 1);
}
