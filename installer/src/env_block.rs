//! The block of lines in the app's `.env`.
//!
//! Two markers enclose it, and whatever `install` writes between them is a key of
//! ours or a comment with a prefix of ours. Everything else that is found inside
//! was put there by the app's owner, and stays.

use std::ops::Range;

use crate::dotenv::{self, BadLine, Kind, Line};
use crate::exit::Failure;
use crate::record::Record;
use crate::text::{self, Eol};

/// The keys, each with the value that a new app begins with.
pub(crate) const KEYS: [(&str, &str); 3] = [
    ("SSE_STREAM_DURATION", "15"),
    ("SSE_POLL_INTERVAL", "2"),
    (
        "SSE_EVENTS",
        "event_name1:event_cache_key1,event_name2:event_cache_key2",
    ),
];

/// A cache key that the default `SSE_EVENTS` listens to.
pub(crate) const EXAMPLE_KEY: &str = "event_cache_key1";

const BEGIN: &str = "# >>> sse >>>";
const END: &str = "# <<< sse <<<";
/// Begins every comment of ours inside the block, of every version.
const OURS: &str = "# sse: ";
const RECORD: &str = "# sse: created ";
const ABOUT: &str = "# sse: Server-Sent Events. Written by `sse install`; `sse uninstall` takes this block out again.";
const KINDER: &str =
    "# sse: A stream ends after 15 seconds and is opened anew; 300 is kinder in production.";

/// Where a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    Missing,
    /// In our block, with the value that we wrote.
    Installed,
    /// In our block with another value, or elsewhere in the file.
    Yours,
}

/// What an `.env` has of ours.
pub(crate) struct State {
    pub(crate) has_block: bool,
    pub(crate) record: Record,
    pub(crate) keys: [(&'static str, Place); 3],
}

/// What taking the block out leaves, and what is worth telling.
pub(crate) struct Removal {
    pub(crate) text: Vec<u8>,
    /// Lines of ours that had been edited, as they were.
    pub(crate) edited: Vec<String>,
    /// How many lines that are not ours were inside the block.
    pub(crate) foreign: usize,
}

struct Block {
    /// Indexes of the markers' lines.
    begin: usize,
    end: usize,
    eol: Eol,
}

/// Looks at the file and changes nothing.
pub(crate) fn state(file: &[u8]) -> Result<State, Failure> {
    let finished = finished(file);
    let lines = dotenv::lines(&finished);
    let block = find(&finished, &lines)?;
    let place = |name: &str, value: &str| {
        let Some(index) = lines.iter().position(|line| is_key(line, name)) else {
            return Place::Missing;
        };
        let inside = block.as_ref().is_some_and(|block| block.holds(index));
        if inside && as_text(&finished, &lines[index].range) == format!("{name}={value}") {
            Place::Installed
        } else {
            Place::Yours
        }
    };
    Ok(State {
        has_block: block.is_some(),
        record: block
            .as_ref()
            .map_or_else(Record::default, |block| block.record(&finished, &lines)),
        keys: KEYS.map(|(name, value)| (name, place(name, value))),
    })
}

/// The file with the missing keys and with `created` in its record. A key that is
/// there keeps its value, wherever it stands.
pub(crate) fn install(file: &[u8], created: &Record) -> Result<Vec<u8>, Failure> {
    let before = state(file)?;
    let missing: Vec<(&str, &str)> = KEYS
        .into_iter()
        .zip(before.keys)
        .filter(|(_, (_, place))| *place == Place::Missing)
        .map(|(key, _)| key)
        .collect();
    let mut assignments: Vec<String> = missing
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    let mut record = before.record.clone();
    record.merge(created);

    let new = if before.has_block {
        let new = insert_in_block(file, &assignments)?;
        set_record(&new, &record)?
    } else {
        let mut block = vec![BEGIN.to_owned(), ABOUT.to_owned()];
        if missing.contains(&KEYS[0]) {
            block.push(KINDER.to_owned());
        }
        block.append(&mut assignments);
        if !record.is_empty() {
            block.push(format!("{RECORD}{}", record.to_text()));
        }
        block.push(END.to_owned());
        text::insert_lines(file, file.len(), &block, Eol::of(file))
    };
    verify(file, &new, &missing)?;
    Ok(new)
}

/// The file without the block; `None` where there is none.
pub(crate) fn uninstall(file: &[u8]) -> Result<Option<Removal>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = find(file, &lines)? else {
        return Ok(None);
    };
    let inside = block.begin + 1..block.end;
    let keys: Vec<usize> = KEYS
        .into_iter()
        .filter_map(|key| own_assignment(file, &lines, inside.clone(), key))
        .collect();
    let mut ranges = Vec::new();
    let mut edited = Vec::new();
    let mut foreign = 0;
    let enclosed = lines
        .iter()
        .enumerate()
        .take(block.end + 1)
        .skip(block.begin);
    for (index, line) in enclosed {
        let range = line.range.clone();
        let line = as_text(file, &range);
        let is_key = keys.contains(&index);
        if is_key && !is_as_written(&line) {
            edited.push(line.clone());
        }
        if is_key || line == BEGIN || line == END || line.starts_with(OURS) {
            ranges.push(range);
        } else {
            foreign += 1;
        }
    }
    Ok(Some(Removal {
        text: text::remove_lines(file, &ranges, block.eol),
        edited,
        foreign,
    }))
}

impl Block {
    fn holds(&self, index: usize) -> bool {
        (self.begin..self.end).contains(&index)
    }

    fn record(&self, file: &[u8], lines: &[Line]) -> Record {
        let line = self.record_line(file, lines);
        let text = line.map(|line| as_text(file, &line.range));
        text.and_then(|text| text.strip_prefix(RECORD).map(Record::parse))
            .unwrap_or_default()
    }

    fn record_line<'a>(&self, file: &[u8], lines: &'a [Line]) -> Option<&'a Line> {
        let inside = &lines[self.begin..self.end];
        inside
            .iter()
            .find(|line| as_text(file, &line.range).starts_with(RECORD))
    }
}

/// The file with a newline at its end: what a line at the end says must not hang
/// on one, since whatever is added puts it there.
fn finished(file: &[u8]) -> Vec<u8> {
    let mut finished = file.to_vec();
    if !text::without_bom(file).is_empty() && !file.ends_with(b"\n") {
        finished.push(b'\n');
    }
    finished
}

fn as_text(file: &[u8], range: &Range<usize>) -> String {
    String::from_utf8_lossy(&file[range.clone()])
        .trim()
        .to_owned()
}

fn is_key(line: &Line, name: &str) -> bool {
    matches!(&line.kind, Kind::Key(key) if key == name)
}

fn is_as_written(line: &str) -> bool {
    KEYS.iter()
        .any(|(name, value)| line == format!("{name}={value}"))
}

/// The line that `install` wrote for the key. Where the owner has put a second
/// one beside it, ours is the one that is still as it was written.
fn own_assignment(
    file: &[u8],
    lines: &[Line],
    inside: Range<usize>,
    (name, value): (&str, &str),
) -> Option<usize> {
    let written = format!("{name}={value}");
    let mut all = inside.filter(|index| is_key(&lines[*index], name));
    let first = all.next()?;
    let exact = |index: &usize| as_text(file, &lines[*index].range) == written;
    if exact(&first) {
        return Some(first);
    }
    Some(all.find(exact).unwrap_or(first))
}

fn find(file: &[u8], lines: &[Line]) -> Result<Option<Block>, Failure> {
    if let Some(open) = lines.iter().find(|line| swallows_marker(file, line)) {
        return Err(Failure::conflict(format!(
            ".env line {}: a quote opens here and is never closed, so it takes in the block of `sse install`",
            open.number
        ))
        .help("close the quote, then run the command again"));
    }
    let at = |marker: &str| -> Vec<usize> {
        let markers = lines
            .iter()
            .enumerate()
            .filter(|(_, line)| line.kind == Kind::Comment && as_text(file, &line.range) == marker);
        markers.map(|(index, _)| index).collect()
    };
    let (begins, ends) = (at(BEGIN), at(END));
    match (begins.as_slice(), ends.as_slice()) {
        ([], []) => Ok(None),
        ([begin], [end]) if begin < end => Ok(Some(Block {
            begin: *begin,
            end: *end,
            eol: if file[lines[*begin].range.clone()].ends_with(b"\r\n") {
                Eol::CrLf
            } else {
                Eol::Lf
            },
        })),
        _ => {
            let mut numbers: Vec<String> = begins
                .iter()
                .chain(&ends)
                .map(|index| lines[*index].number.to_string())
                .collect();
            numbers.sort();
            Err(Failure::conflict(format!(
                ".env: the markers of the block do not pair up (line {})",
                numbers.join(", ")
            ))
            .help(format!(
                "leave one line `{BEGIN}` and, below it, one line `{END}`, or delete them all"
            )))
        }
    }
}

fn swallows_marker(file: &[u8], line: &Line) -> bool {
    line.kind == Kind::Broken && {
        let text = as_text(file, &line.range);
        let mut lines = text.lines().skip(1);
        lines.any(|line| line.trim() == BEGIN || line.trim() == END)
    }
}

fn insert_in_block(file: &[u8], assignments: &[String]) -> Result<Vec<u8>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = find(file, &lines)? else {
        return Ok(file.to_vec());
    };
    let record = block.record_line(file, &lines);
    let at = record.map_or(lines[block.end].range.start, |line| line.range.start);
    Ok(text::insert_lines(file, at, assignments, block.eol))
}

fn set_record(file: &[u8], record: &Record) -> Result<Vec<u8>, Failure> {
    let lines = dotenv::lines(file);
    let Some(block) = find(file, &lines)? else {
        return Ok(file.to_vec());
    };
    if block.record(file, &lines) == *record {
        return Ok(file.to_vec());
    }
    let old = block.record_line(file, &lines);
    let at = old.map_or(lines[block.end].range.start, |line| line.range.start);
    let without = old.map_or_else(
        || file.to_vec(),
        |line| text::remove_lines(file, std::slice::from_ref(&line.range), block.eol),
    );
    let line = format!("{RECORD}{}", record.to_text());
    Ok(text::insert_lines(&without, at, &[line], block.eol))
}

/// Reads the planned file with dotenvy: the app must see what was added, and go on
/// seeing everything else as it was.
fn verify(old: &[u8], new: &[u8], added: &[(&str, &str)]) -> Result<(), Failure> {
    let unreadable = |bad: &BadLine| {
        Failure::conflict(format!(
            ".env line {}: `{}` cannot be read, and the app reads nothing from there on",
            bad.number, bad.text
        ))
        .help("close its quote, or put quotes round a value with spaces, then run `sse install` again")
    };
    let values = dotenv::values(new).map_err(|bad| unreadable(&bad))?;
    let mut expected = dotenv::values(&finished(old)).map_err(|bad| unreadable(&bad))?;
    for (name, value) in added {
        expected.insert((*name).to_owned(), (*value).to_owned());
    }
    if values == expected {
        return Ok(());
    }
    let differs = |name: &&String| values.get(*name) != expected.get(*name);
    let name = expected.keys().chain(values.keys()).find(differs);
    let name = name.map_or("SSE_EVENTS", String::as_str);
    Err(Failure::conflict(format!(
        ".env: with our lines added, the app would read another value of {name}"
    ))
    .help("add the lines by hand: see `sse install --help`"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(file: &str) -> Vec<u8> {
        let mut created = Record::default();
        created.add_file("public/js/sse.js", b"x");
        install(file.as_bytes(), &created).unwrap_or_else(|failure| panic!("{file:?}: {failure}"))
    }

    fn uninstalled(file: &[u8]) -> Removal {
        let removal = uninstall(file).unwrap_or_else(|failure| panic!("{failure}"));
        removal.expect("the block is there")
    }

    fn refusal(file: &str) -> Failure {
        let result = install(file.as_bytes(), &Record::default());
        result.expect_err("it must be refused")
    }

    /// Each is readable, and each has been somebody's `.env`.
    const NASTY: &[&str] = &[
        "",
        "\n",
        "A=1",
        "A=1\n",
        "A=1 ",
        "A=1\r",
        "A=1\r\n",
        "A=1\r\nB=2",
        "A=1\r\nB=2\nC=3",
        "A=1\nB=2\r\nC=3\n",
        "\u{feff}",
        "\u{feff}A=1\n",
        "\u{feff}A=1",
        "A=1\n\n\n\n",
        "# only a comment, it's harmless",
        "SSE_EVENTS=a:b\n",
        "SSE_EVENTS=\n",
        "export SSE_STREAM_DURATION=300",
        "SSE_STREAM_DURATION = '300'\nSSE_POLL_INTERVAL=1\nSSE_EVENTS=a:b\n",
        "# SSE_EVENTS=a:b\n#SSE_POLL_INTERVAL=1",
        "SSE_EVENTS=a:b\nSSE_EVENTS=c:d\n",
        "SSE_TTL=5\nSSE_CACHE=x\n",
        "TEXT='\nSSE_EVENTS=no\n# >>> sse >>>\n'\nB=2\n",
        "TEXT=\"a \\\" b\nSSE_POLL_INTERVAL=no\"",
        "A=\"$HOME and ${B}\"\nB='$'\n",
    ];

    #[test]
    fn uninstall_gives_back_every_byte() {
        for file in NASTY {
            let with = installed(file);
            assert_ne!(with, file.as_bytes(), "{file:?}");
            let out = uninstalled(&with);
            assert_eq!(out.text, file.as_bytes(), "{file:?}");
            assert!(out.edited.is_empty() && out.foreign == 0, "{file:?}");
        }
    }

    #[test]
    fn a_second_install_changes_nothing() {
        for file in NASTY {
            let once = installed(file);
            let twice = installed(&String::from_utf8(once.clone()).expect("it is text"));
            assert_eq!(twice, once, "{file:?}");
        }
    }

    #[test]
    fn the_three_lines_stand_together_as_they_are_documented() {
        let with = String::from_utf8(installed("")).expect("it is text");
        let lines = "\nSSE_STREAM_DURATION=15\nSSE_POLL_INTERVAL=2\n\
             SSE_EVENTS=event_name1:event_cache_key1,event_name2:event_cache_key2\n";
        assert!(with.contains(lines), "{with}");
        assert!(
            with.contains("`sse install`") && with.contains("300 is kinder"),
            "{with}"
        );
    }

    #[test]
    fn every_line_has_the_ending_of_the_file() {
        let with = installed("A=1\r\nB=2\r\n");
        assert!(
            with.windows(2)
                .all(|pair| pair[1] != b'\n' || pair[0] == b'\r')
        );
    }

    #[test]
    fn a_key_that_is_there_keeps_its_value() {
        let with = installed("export SSE_EVENTS='a:b'\n");
        let values = dotenv::values(&with).expect("it reads");
        assert_eq!(values["SSE_EVENTS"], "a:b");
        assert_eq!(values["SSE_POLL_INTERVAL"], "2");
    }

    #[test]
    fn a_file_that_dotenvy_cannot_read_is_refused_by_its_line() {
        for (file, line) in [
            ("A=1\nB='open\n", "line 2"),
            ("A=1\nB=\"open", "line 2"),
            ("it's\n", "line 1"),
            ("\nA=two words\n", "line 2"),
            ("A=1 \\", "line 1"),
        ] {
            let failure = refusal(file);
            assert_eq!(failure.code(), crate::exit::CONFLICT, "{file:?}");
            assert!(failure.to_string().contains(line), "{file:?}: {failure}");
        }
        let failure = install(b"A=\xff\n", &Record::default()).expect_err("no UTF-8");
        assert_eq!(failure.code(), crate::exit::CONFLICT);
    }

    #[test]
    fn markers_that_do_not_pair_up_are_refused() {
        for file in [
            "# >>> sse >>>\n",
            "# <<< sse <<<\n",
            "# <<< sse <<<\n# >>> sse >>>\n",
            "# >>> sse >>>\n# >>> sse >>>\n# <<< sse <<<\n",
        ] {
            assert_eq!(refusal(file).code(), crate::exit::CONFLICT, "{file:?}");
            assert!(uninstall(file.as_bytes()).is_err(), "{file:?}");
        }
    }

    #[test]
    fn lines_of_the_owner_inside_the_block_stay() {
        let with = String::from_utf8(installed("A=1")).expect("it is text");
        let with = with
            .replace(
                "SSE_POLL_INTERVAL=2\n",
                "SSE_POLL_INTERVAL=7\nSSE_TTL=5\n# mine\n",
            )
            .replace("SSE_EVENTS=", "SSE_EVENTS=mine:mine\nSSE_EVENTS=");
        let out = uninstalled(with.as_bytes());
        let left = String::from_utf8(out.text).expect("it is text");
        assert_eq!(left, "A=1\nSSE_TTL=5\n# mine\nSSE_EVENTS=mine:mine");
        assert_eq!(out.edited, ["SSE_POLL_INTERVAL=7"]);
        assert_eq!(out.foreign, 3);
    }

    #[test]
    fn text_behind_the_block_and_a_moved_block_are_no_trouble() {
        let with = installed("A=1");
        let with = [with.as_slice(), b"\nB=2\n"].concat();
        assert_eq!(uninstalled(&with).text, b"A=1\nB=2\n");
        let with = [installed("").as_slice(), b"A=1"].concat();
        assert_eq!(uninstalled(&with).text, b"A=1");
    }

    #[test]
    fn a_key_taken_out_of_the_block_comes_back() {
        let with = String::from_utf8(installed("A=1\n")).expect("it is text");
        let without = with.replace("SSE_POLL_INTERVAL=2\n", "");
        let again = installed(&without);
        assert_eq!(
            dotenv::values(&again).expect("it reads")["SSE_POLL_INTERVAL"],
            "2"
        );
        assert_eq!(uninstalled(&again).text, b"A=1\n");
    }

    #[test]
    fn the_record_grows_with_what_is_created_later() {
        let with = installed("A=1\n");
        let mut later = Record::default();
        later.add("public/");
        let with = install(&with, &later).expect("it can be installed");
        let state = state(&with).expect("it reads");
        assert!(state.record.has("public/") && state.record.has("public/js/sse.js"));
        assert_eq!(uninstalled(&with).text, b"A=1\n");
    }

    #[test]
    fn random_files_are_restored_or_refused() {
        const PIECES: &[&str] = &[
            "A=",
            "B='",
            "C=\"",
            "'",
            "\"",
            "1",
            " ",
            "  ",
            "\\",
            "#",
            "# it's",
            "=",
            "$A",
            "${",
            "export ",
            "SSE_EVENTS=",
            "SSE_POLL_INTERVAL=9",
            "\n",
            "\n",
            "\n",
            "\r\n",
            "\r",
            "\n\n",
            "\u{feff}",
            "\u{a0}",
            "# >>> sse >>>",
            "# <<< sse <<<",
            "# sse: x",
        ];
        let mut random = text::tests::Random(1);
        let (mut restored, mut refused) = (0, 0);
        for _ in 0..20_000 {
            let length = random.below(12);
            let file: String = (0..length)
                .map(|_| PIECES[random.below(PIECES.len())])
                .collect();
            let had_block = find(file.as_bytes(), &dotenv::lines(file.as_bytes()));
            if matches!(had_block, Ok(Some(_))) {
                continue;
            }
            let Ok(with) = install(file.as_bytes(), &Record::default()) else {
                refused += 1;
                continue;
            };
            let values = dotenv::values(&with).expect("it was checked");
            assert!(
                KEYS.iter().all(|(name, _)| values.contains_key(*name)),
                "{file:?}"
            );
            assert_eq!(uninstalled(&with).text, file.as_bytes(), "{file:?}");
            restored += 1;
        }
        assert!(
            restored > 1_000 && refused > 1_000,
            "{restored} restored, {refused} refused"
        );
    }
}
