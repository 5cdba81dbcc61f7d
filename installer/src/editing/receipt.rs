//! The receipt: a list of what `install` created.
//!
//! `uninstall` removes only what `install` provably created. A state file could be lost, committed or
//! left behind, so the block in `.env` lists the created files and folders. Each file has a
//! hash of its contents, which identifies an unedited file of any version.

use std::collections::BTreeMap;
use std::path::Path;

use super::plan;

/// Paths below the app's folder, and names of settings. Folders end with a slash. A file whose
/// contents matter has their hash. A setting is listed only if `install` wrote another value than
/// the default, and has the hash of its line.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Receipt {
    entries: BTreeMap<String, Option<u64>>,
}

impl Receipt {
    /// Parses the output of [`Receipt::to_text`]. Entries that do not parse are skipped, and paths that
    /// leave the app's folder: anybody can write them into the `.env` of a repository.
    pub(crate) fn parse(text: &str) -> Self {
        let entries = text.split_whitespace().filter_map(|entry| {
            let Some((path, hash)) = entry.split_once('=') else {
                return Some((decode_path(entry), None));
            };
            Some((decode_path(path), Some(u64::from_str_radix(hash, 16).ok()?)))
        });
        Self {
            entries: entries
                .filter(|(path, _)| plan::is_below(Path::new(path)))
                .collect(),
        }
    }

    pub(crate) fn to_text(&self) -> String {
        let entries = self.entries.iter().map(|(path, hash)| match hash {
            Some(hash) => format!("{}={hash:016x}", encode_path(path)),
            None => encode_path(path),
        });
        entries.collect::<Vec<_>>().join(" ")
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.entries.contains_key(path)
    }

    /// Whether `contents` are those written to `path`, apart from line endings.
    pub(crate) fn is_unmodified(&self, path: &str, contents: &[u8]) -> bool {
        self.entries.get(path) == Some(&Some(hash(contents)))
    }

    /// The folders, the deepest first.
    pub(crate) fn folders(&self) -> impl Iterator<Item = &str> {
        let paths = self.entries.keys().rev();
        paths.filter(|path| path.ends_with('/')).map(String::as_str)
    }

    /// The files, and the names of settings.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        let paths = self.entries.keys().map(String::as_str);
        paths.filter(|path| !path.ends_with('/'))
    }

    /// The source files that the call was inserted into.
    pub(crate) fn source_files(&self) -> impl Iterator<Item = &str> {
        let paths = self.entries.keys().map(String::as_str);
        paths.filter(|path| path.ends_with(".rs"))
    }

    pub(crate) fn add(&mut self, path: &str) {
        self.entries.entry(path.to_owned()).or_insert(None);
    }

    pub(crate) fn add_with_hash(&mut self, path: &str, contents: &[u8]) {
        self.entries.insert(path.to_owned(), Some(hash(contents)));
    }

    /// Adds the entries of `other`, which is newer: they replace existing ones.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.entries.extend(other.entries.clone());
    }
}

/// The characters that separate entries and fields, and their encoding inside a path.
const SEPARATORS: [(&str, &str); 4] = [("%", "%25"), (" ", "%20"), ("=", "%3D"), ("\t", "%09")];

fn encode_path(path: &str) -> String {
    let mut text = path.to_owned();
    for (separator, encoding) in SEPARATORS {
        text = text.replace(separator, encoding);
    }
    text
}

fn decode_path(text: &str) -> String {
    let mut path = text.to_owned();
    for (separator, encoding) in SEPARATORS.into_iter().rev() {
        path = path.replace(encoding, separator);
    }
    path
}

/// The parameters of the hash function FNV-1a with 64 bits.
const FNV_OFFSET_BASIS: u64 = 0xcbf2_9ce4_8422_2325;
const FNV_PRIME: u64 = 0x0100_0000_01b3;

/// FNV-1a of the contents with CRLF as LF, because version control converts line endings. It
/// distinguishes edited files from unedited ones; it does not resist deliberate collisions.
pub(crate) fn hash(contents: &[u8]) -> u64 {
    normalize_line_endings(contents).fold(FNV_OFFSET_BASIS, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(FNV_PRIME)
    })
}

/// The bytes, with CRLF as LF.
fn normalize_line_endings(contents: &[u8]) -> impl Iterator<Item = u8> {
    let bytes = contents.iter().enumerate();
    let is_kept = |at: usize, byte: u8| byte != b'\r' || contents.get(at + 1) != Some(&b'\n');
    bytes
        .filter(move |(at, byte)| is_kept(*at, **byte))
        .map(|(_, byte)| *byte)
}

/// Whether two texts are equal, apart from line endings.
pub(crate) fn is_same_text(a: &[u8], b: &[u8]) -> bool {
    a == b || normalize_line_endings(a).eq(normalize_line_endings(b))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_receipt_reads_back() {
        let mut receipt = Receipt::default();
        receipt.add(".env");
        receipt.add("public/");
        receipt.add("public/js/");
        receipt.add("src/my app=100%20.rs");
        receipt.add_with_hash("public/js/sse.js", b"a\nb\n");
        assert_eq!(Receipt::parse(&receipt.to_text()), receipt);
        assert_eq!(
            receipt.folders().collect::<Vec<_>>(),
            ["public/js/", "public/"]
        );
        assert_eq!(
            receipt.source_files().collect::<Vec<_>>(),
            ["src/my app=100%20.rs"]
        );
        assert!(receipt.is_unmodified("public/js/sse.js", b"a\r\nb\r\n"));
        assert!(!receipt.is_unmodified("public/js/sse.js", b"a\nb"));
    }

    #[test]
    fn paths_outside_of_the_apps_folder_are_skipped() {
        let receipt = Receipt::parse("../victim.rs /abs.rs ../empty/ src/../../x.rs / public/");
        let mut expected = Receipt::default();
        expected.add("public/");
        assert_eq!(receipt, expected);
    }

    #[test]
    fn the_hash_function_does_not_change() {
        // Existing receipts contain hashes: with another function all files would count as edited.
        assert_eq!(hash(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
    }
}
