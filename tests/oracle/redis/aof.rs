//! The append-only file of a Redis server: every command that has changed its data, in order.

use std::{
    fs::{self, File},
    os::unix::fs::FileExt,
    path::{Path, PathBuf},
};

/// The words of a command.
type Words = Vec<Vec<u8>>;

/// Commands that took effect together.
pub(super) type Transaction = Vec<Words>;

/// Follows the append-only file of one server.
pub(super) struct AppendOnlyFile {
    dir: PathBuf,
    /// The number of the newest file that was opened. A server begins another one when it copies a master.
    sequence: u64,
    file: Option<File>,
    /// Up to where the file was read. The server truncates what follows if it is incomplete.
    offset: u64,
}

impl AppendOnlyFile {
    /// `dir` is the server's folder.
    pub(super) fn new(dir: &Path) -> Self {
        Self {
            dir: dir.join("appendonlydir"),
            sequence: 0,
            file: None,
            offset: 0,
        }
    }

    /// The files are about to be replaced by others.
    pub(super) fn forget(&mut self) {
        (self.sequence, self.file, self.offset) = (0, None, 0);
    }

    /// Reads the next transactions. Returns `true` with the first ones of another file, before which other changes may
    /// have been made.
    pub(super) fn read(&mut self) -> Result<(bool, Vec<Transaction>), String> {
        let transactions = self.read_file()?;
        if !transactions.is_empty() {
            return Ok((false, transactions));
        }
        let next = self.next_file();
        let Some((sequence, path)) = next else {
            return Ok((false, Vec::new()));
        };
        // The server may have written to the former one until it began this one.
        let last = self.read_file()?;
        if !last.is_empty() {
            return Ok((false, last));
        }
        self.file = File::open(path).ok();
        (self.sequence, self.offset) = (sequence, 0);
        Ok((true, self.read_file()?))
    }

    fn read_file(&mut self) -> Result<Vec<Transaction>, String> {
        let Some(file) = &self.file else {
            return Ok(Vec::new());
        };
        let length = file.metadata().map_err(|error| error.to_string())?.len();
        let Some(count @ 1..) = length.checked_sub(self.offset) else {
            return Ok(Vec::new());
        };
        let mut bytes = vec![0; usize::try_from(count).unwrap()];
        let count = file.read_at(&mut bytes, self.offset);
        bytes.truncate(count.map_err(|error| error.to_string())?);
        let (transactions, read) = parse(&bytes)?;
        self.offset += read as u64;
        Ok(transactions)
    }

    /// The oldest file that is newer than the open one.
    fn next_file(&self) -> Option<(u64, PathBuf)> {
        let names = fs::read_dir(&self.dir).ok()?.flatten();
        let files = names.filter_map(|item| {
            let name = item.file_name().into_string().ok()?;
            let sequence = name
                .strip_prefix("appendonly.aof.")?
                .strip_suffix(".incr.aof")?;
            Some((sequence.parse().ok()?, item.path()))
        });
        files
            .filter(|(sequence, _)| *sequence > self.sequence)
            .min()
    }
}

/// Parses the complete transactions, and returns how many bytes they have.
fn parse(bytes: &[u8]) -> Result<(Vec<Transaction>, usize), String> {
    let (mut transactions, mut at, mut complete) = (Vec::new(), 0, 0);
    let mut open: Option<Transaction> = None;
    while let Some((command, length)) = parse_command(&bytes[at..])? {
        at += length;
        let name = command.first().map(|name| name.to_ascii_uppercase());
        match (name.as_deref(), &mut open) {
            (Some(b"MULTI"), None) => open = Some(Vec::new()),
            (Some(b"EXEC"), Some(_)) => transactions.extend(open.take()),
            (_, Some(open)) => open.push(command),
            (_, None) => transactions.push(vec![command]),
        }
        if open.is_none() {
            complete = at;
        }
    }
    Ok((transactions, complete))
}

/// One command as an array of strings, and its length; `None` if it is incomplete.
fn parse_command(bytes: &[u8]) -> Result<Option<(Words, usize)>, String> {
    let Some((count, mut at)) = parse_number(bytes, b'*')? else {
        return Ok(None);
    };
    let mut words = Vec::new();
    for _ in 0..count {
        let Some((length, head)) = parse_number(&bytes[at..], b'$')? else {
            return Ok(None);
        };
        let start = at + head;
        let Some(word) = bytes.get(start..start + length) else {
            return Ok(None);
        };
        words.push(word.to_vec());
        at = start + length + 2;
        if at > bytes.len() {
            return Ok(None);
        }
    }
    Ok(Some((words, at)))
}

/// The number in a line such as `*3`, and the length of the line.
fn parse_number(bytes: &[u8], mark: u8) -> Result<Option<(usize, usize)>, String> {
    let Some(end) = bytes.windows(2).position(|pair| pair == b"\r\n") else {
        return Ok(None);
    };
    let line = String::from_utf8_lossy(&bytes[..end]);
    let number = line
        .strip_prefix(char::from(mark))
        .and_then(|number| number.parse().ok());
    let number = number.ok_or_else(|| format!("the append-only file has the line {line:?}"))?;
    Ok(Some((number, end + 2)))
}
