//! Files and links of other programs beside the journal's files, which must change nothing.

use std::{
    fs::{self, File},
    os::unix::fs::symlink,
    path::{Path, PathBuf},
};

use fastrand::Rng;

use super::journal::{folder_name, newest_folder};

/// Creates files and folders beside the folders of entries, some with the names of later folders.
pub(crate) fn put_names(cache: &Path, rng: &mut Rng) {
    let journal = cache.join(".sse/journal-2");
    for name in ["5", "+7", "20261128", "999999999999"] {
        let _ = fs::create_dir(journal.join(name));
    }
    if let Some(newest) = newest_folder(&journal) {
        for ahead in 1..=3 {
            let path = journal.join(folder_name(newest + ahead));
            match rng.u32(..3) {
                0 => drop(File::create_new(path)),
                1 => drop(fs::create_dir(path)),
                _ if fs::create_dir(&path).is_ok() => drop(File::create_new(path.join("stray"))),
                _ => {}
            }
        }
    }
    let trash = cache.join(".sse/trash");
    // Not through a link from an earlier fault.
    if trash.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        let _ = fs::write(trash.join("stray"), "");
    }
}

/// Creates a drop-in and removes it at once. A server that has claimed it keeps it as invalid; for one that has not, its
/// value is lost.
pub(crate) fn lose_drop_in(cache: &Path) {
    let drop_in = cache.join("k1");
    let _ = File::create_new(&drop_in);
    let _ = fs::remove_file(drop_in);
}

/// A folder outside the cache, which is the target of links in the cache.
pub(crate) struct Outside {
    folder: PathBuf,
    before: Vec<(PathBuf, Option<Vec<u8>>)>,
}

impl Outside {
    /// It contains names that the library would use, or remove, if it followed a link.
    pub(crate) fn new(app: &Path) -> Self {
        let folder = app.join("outside");
        fs::create_dir_all(folder.join("deep/000000000000")).unwrap();
        for name in [
            "precious",
            "k1",
            ".abcdef123456",
            ".high-water",
            ".id",
            ".00000000000000001000",
            "deep/precious",
            "deep/000000000000/.high-water",
        ] {
            fs::write(folder.join(name), name).unwrap();
        }
        let before = content(&folder);
        Self { folder, before }
    }

    /// Creates links to it where the library creates, moves and removes files.
    pub(crate) fn put_links(&self, cache: &Path, rng: &mut Rng) {
        let sse = cache.join(".sse");
        for name in ["trash", "broken"] {
            let dir = sse.join(name);
            if rng.bool() {
                let _ = fs::remove_dir_all(&dir);
                let _ = symlink(&self.folder, &dir);
            } else {
                // Not through a link from an earlier fault.
                let is_dir = dir.symlink_metadata().is_ok_and(|found| found.is_dir());
                if is_dir {
                    let _ = symlink(&self.folder, dir.join("link"));
                    let _ = symlink(self.folder.join("k1"), dir.join("k1"));
                    let _ = fs::create_dir(dir.join("odd"));
                    let _ = symlink(&self.folder, dir.join("odd/.abcdef123456"));
                }
            }
        }
        let journal = sse.join("journal-2");
        if let Some(newest) = newest_folder(&journal) {
            let _ = symlink(&self.folder, journal.join(folder_name(newest + 1)));
        }
        // An invalid drop-in is moved to `broken`.
        let _ = File::create_new(cache.join("k1"));
    }

    /// Nothing in it was created, changed or removed.
    pub(crate) fn check(&self) -> Result<(), String> {
        let after = content(&self.folder);
        if after == self.before {
            return Ok(());
        }
        Err(format!(
            "a link was followed: the folder outside contained {:?}, and contains {after:?}",
            self.before
        ))
    }
}

/// All paths below a folder, and the contents of the files.
fn content(folder: &Path) -> Vec<(PathBuf, Option<Vec<u8>>)> {
    let mut all = Vec::new();
    for item in fs::read_dir(folder).unwrap() {
        let path = item.unwrap().path();
        let is_dir = path.symlink_metadata().unwrap().is_dir();
        if is_dir {
            all.extend(content(&path));
        }
        let bytes = (!is_dir).then(|| fs::read(&path).unwrap_or_default());
        all.push((path, bytes));
    }
    all.sort();
    all
}
