//! Creation of the cache folder, and the permissions of its content.

use std::os::unix::fs::PermissionsExt;

use super::*;

fn config(app: &Path) -> Config {
    Config::new(app, "a:k").unwrap()
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

#[test]
fn only_the_owner_can_use_a_new_folder() {
    let app = tempfile::tempdir().unwrap();
    let folder = CacheFolder::prepare(&config(app.path())).unwrap();
    assert_eq!(mode(folder.path()), 0o700);
    assert_eq!(mode(folder.broken_folder().unwrap().path()), 0o700);
    let (file, _unfinished) = folder
        .permissions()
        .create_unfinished_file(folder.sse_folder())
        .unwrap();
    assert_eq!(
        file.metadata().unwrap().permissions().mode() & 0o7777,
        0o600
    );
}

#[test]
fn a_groups_folder_is_shared_with_the_group_and_only_listed_by_others() {
    let app = tempfile::tempdir().unwrap();
    let config = config(app.path()).with_cache_dir("cache");
    fs::create_dir(config.cache_dir()).unwrap();
    fs::set_permissions(config.cache_dir(), fs::Permissions::from_mode(0o2775)).unwrap();
    let folder = CacheFolder::prepare(&config).unwrap();
    assert_eq!(mode(folder.broken_folder().unwrap().path()), 0o2775);
    let (file, _unfinished) = folder
        .permissions()
        .create_unfinished_file(folder.sse_folder())
        .unwrap();
    assert_eq!(
        file.metadata().unwrap().permissions().mode() & 0o7777,
        0o640
    );
}

#[test]
fn a_misspelt_absolute_path_is_not_created() {
    let app = tempfile::tempdir().unwrap();
    let elsewhere = tempfile::tempdir().unwrap();
    let config = config(app.path()).with_cache_dir(elsewhere.path().join("typo/cache"));
    let error = CacheFolder::prepare(&config).err().unwrap();
    assert!(error.to_string().contains("parent is missing"), "{error}");
    let env = format!(
        "SSE_EVENTS=a:k\nSSE_CACHE={}/typo/cache\n",
        elsewhere.path().display()
    );
    fs::write(app.path().join(".env"), env).unwrap();
    let error = CacheFolder::prepare(&Config::from_dir(app.path()).unwrap())
        .err()
        .unwrap();
    assert_eq!(
        error.help(),
        Some("create it, or correct SSE_CACHE (.env:2)")
    );
    assert!(!elsewhere.path().join("typo").exists());
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error_with_help() {
    let app = tempfile::tempdir().unwrap();
    fs::write(app.path().join("writable"), "").unwrap();
    let error = CacheFolder::prepare(&config(app.path())).err().unwrap();
    assert_eq!(error.kind(), ErrorKind::Cache);
    assert!(error.help().unwrap().contains("SSE_CACHE"), "{error}");
}

#[cfg(feature = "redis")]
#[test]
fn an_error_about_the_drop_in_folder_of_a_cache_in_redis_names_its_setting() {
    let app = tempfile::tempdir().unwrap();
    fs::write(app.path().join("file"), "").unwrap();
    for (folder, problem, help) in [
        (
            "file",
            "cannot use the drop-in folder",
            "set SSE_DROP_INS to another folder (.env:3)",
        ),
        (
            "/none/such",
            "the drop-in folder's parent is missing",
            "create it, or correct SSE_DROP_INS (.env:3)",
        ),
    ] {
        let env = format!("SSE_EVENTS=a:k\nSSE_CACHE=redis://host\nSSE_DROP_INS={folder}\n");
        fs::write(app.path().join(".env"), env).unwrap();
        let config = Config::from_dir(app.path()).unwrap();
        let error = CacheFolder::prepare(&config).err().unwrap();
        assert!(error.to_string().contains(problem), "{error}");
        assert!(error.help().unwrap().ends_with(help), "{error:?}");
    }
}
