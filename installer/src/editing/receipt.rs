//! What `install` created, remembered in the one text that it owns.
//!
//! `uninstall` removes nothing that it cannot prove to be ours, and there is no
//! state file that could be lost, committed or left behind: the block in `.env`
//! lists the files and folders, and each file with a hash of what was written, so
//! that every version ever installed is known as long as nobody edited it.

use std::collections::BTreeMap;

/// Paths below the app's folder, folders with a slash at the end; files of which
/// the contents matter with their hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    entries: BTreeMap<String, Option<u64>>,
}

impl Receipt {
    /// Reads what [`Receipt::to_text`] wrote; what it cannot read is passed over.
    pub(crate) fn parse(text: &str) -> Self {
        let entries = text.split_whitespace().filter_map(|entry| {
            let Some((path, hash)) = entry.split_once('=') else {
                return Some((decoded(entry), None));
            };
            Some((decoded(path), Some(u64::from_str_radix(hash, 16).ok()?)))
        });
        Self {
            entries: entries.collect(),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let entries = self.entries.iter().map(|(path, hash)| match hash {
            Some(hash) => format!("{}={hash:016x}", encoded(path)),
            None => encoded(path),
        });
        entries.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Whether `contents` are what was written to `path`, line endings aside.
    pub(crate) fn is_unmodified(&self, path: &str, contents: &[u8]) -> bool {
        self.entries.get(path) == Some(&Some(hash(contents)))
    }

    /// The folders, the deepest first.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        let paths = self.entries.keys().rev();
        paths.filter(|path| path.ends_with('/')).map(String::as_str)
    }

    /// The files of code that the wiring was put into.
    pub(crate) fn code(&self) -> impl Iterator<Item = &str> {
        let paths = self.entries.keys().map(String::as_str);
        paths.filter(|path| path.ends_with(".rs"))
    }

    pub(crate) fn add(&mut self, path: &str) {
        self.entries.entry(path.to_owned()).or_insert(None);
    }

    pub(crate) fn add_file(&mut self, path: &str, contents: &[u8]) {
        self.entries.insert(path.to_owned(), Some(hash(contents)));
    }

    /// Adds what `other` has; on the same file `other` is the newer one.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.entries.extend(
            other
                .entries
                .iter()
                .map(|(path, hash)| (path.clone(), *hash)),
        );
    }
}

/// What separates the parts of a record, and how it is written inside a path.
const SEPARATORS: [(&str, &str); 4] = [("%", "%25"), (" ", "%20"), ("=", "%3D"), ("\t", "%09")];

fn encoded(path: &str) -> String {
    let mut text = path.to_owned();
    for (separator, code) in SEPARATORS {
        text = text.replace(separator, code);
    }
    text
}

fn decoded(text: &str) -> String {
    let mut path = text.to_owned();
    for (separator, code) in SEPARATORS.into_iter().rev() {
        path = path.replace(code, separator);
    }
    path
}

/// FNV-1a over the contents without carriage returns before line feeds, which
/// version control adds and takes away. It tells an edited file from one that
/// nobody touched; it does not guard against somebody who wants to deceive us.
pub(crate) fn hash(contents: &[u8]) -> u64 {
    normalised(contents).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

/// The bytes with every CRLF as LF.
fn normalised(contents: &[u8]) -> impl Iterator<Item = u8> {
    let bytes = contents.iter().enumerate();
    let is_kept = |at: usize, byte: u8| byte != b'\r' || contents.get(at + 1) != Some(&b'\n');
    bytes
        .filter(move |(at, byte)| is_kept(*at, **byte))
        .map(|(_, byte)| *byte)
}

/// Whether two texts differ in their line endings at most.
pub(crate) fn same_text(one: &[u8], other: &[u8]) -> bool {
    one == other || normalised(one).eq(normalised(other))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_reads_back() {
        let mut record = Receipt::default();
        record.add(".env");
        record.add("public/");
        record.add("public/js/");
        record.add("src/my app=100%20.rs");
        record.add_file("public/js/sse.js", b"a\nb\n");
        assert_eq!(Receipt::parse(&record.to_text()), record);
        assert_eq!(
            record.folders().collect::<Vec<_>>(),
            ["public/js/", "public/"]
        );
        assert_eq!(record.code().collect::<Vec<_>>(), ["src/my app=100%20.rs"]);
        assert!(record.is_unmodified("public/js/sse.js", b"a\r\nb\r\n"));
        assert!(!record.is_unmodified("public/js/sse.js", b"a\nb"));
    }

    #[test]
    fn the_hash_stays_what_it_was() {
        // Files in the field carry it: a change here would call them all edited.
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
