//! Whether a compressed stream is held back.
//!
//! A compressor may send each event at once, as Apache's does, or wait for more data. Only the times at which
//! events arrive tell, so this judges the findings of the checks that measure them.

use super::headers::CHECK;
use crate::doctor::finding::{Finding, Level};

const HELP: &str = "turn compression off for text/event-stream, in the proxy (nginx: remove it from \
    gzip_types) or in the app's middleware";

/// The compression of a stream that this command can decode.
pub(super) struct Compression {
    pub(super) name: String,
    /// Whether values were saved, which also times what follows the stream's beginning.
    pub(super) times_saves: bool,
    is_held_back: bool,
}

impl Compression {
    pub(super) fn new(name: String, times_saves: bool) -> Self {
        Self {
            name,
            times_saves,
            is_held_back: false,
        }
    }

    /// Names compression as the likely reason of what arrives late.
    pub(super) fn explain(&mut self, finding: Finding) -> Finding {
        let measures_pace = matches!(finding.check.0, "timing" | "saves");
        if !measures_pace || finding.level < Level::Error {
            return finding;
        }
        self.is_held_back = true;
        let name = &self.name;
        let other_help = finding.help.unwrap_or_default();
        Finding {
            message: format!("{}; the stream is compressed ({name})", finding.message),
            help: Some(format!(
                "probably the compressor waits for more data: {HELP}; otherwise, {other_help}"
            )),
            ..finding
        }
    }

    /// The finding about a stream that is not held back.
    pub(super) fn verdict(&self) -> Option<Finding> {
        let name = &self.name;
        let measured = if self.times_saves {
            "its events arrive at once"
        } else {
            "its beginning arrives at once (`--save` also times events)"
        };
        let message = format!(
            "the stream is compressed ({name}), but {measured}: compression costs CPU time, and makes short \
             events no shorter"
        );
        (!self.is_held_back).then(|| CHECK.tip(message, format!("to save the CPU time, {HELP}")))
    }
}

/// The stream cannot be decoded, so nothing more can be measured.
pub(super) fn unknown(name: &str) -> Finding {
    let message = format!(
        "the stream is compressed with `{name}`, which this command did not ask for and cannot read: \
         whether its events are held back was not checked"
    );
    CHECK.warning(message, HELP)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::finding::Check;

    #[test]
    fn only_a_compressed_stream_that_is_held_back_is_wrong() {
        let mut compression = Compression::new("gzip".to_owned(), true);
        let fine = Check("timing").ok("the stream starts");
        assert_eq!(compression.explain(fine.clone()), fine);
        let lost = Check("replay").error("a", "b");
        assert_eq!(compression.explain(lost.clone()), lost);
        let verdict = compression.verdict().expect("it is not held back");
        assert_eq!(verdict.level, Level::Note);
        assert!(verdict.message.contains("its events arrive at once"));
        let late = compression.explain(Check("saves").error("up to 0.8 s late", "see the proxy"));
        assert!(late.message.contains("compressed (gzip)"), "{late:?}");
        let help = late.help.unwrap_or_default();
        assert!(
            help.contains("gzip_types") && help.ends_with("see the proxy"),
            "{help}"
        );
        assert_eq!(compression.verdict(), None);
    }
}
