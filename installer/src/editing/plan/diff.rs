//! Changes as unified diffs, as `git apply` and `patch` read them.

use similar::TextDiff;

/// The change of the file `name` from `old` to `new`. `None` is a file that does not exist.
pub(crate) fn unified(name: &str, old: Option<&[u8]>, new: Option<&[u8]>) -> String {
    let text = |side: Option<&[u8]>| String::from_utf8_lossy(side.unwrap_or_default()).into_owned();
    let label = |side: Option<&[u8]>, prefix: &str| match side {
        Some(_) => format!("{prefix}/{name}"),
        None => "/dev/null".to_owned(),
    };
    TextDiff::from_lines(text(old), text(new))
        .unified_diff()
        .header(&label(old, "a"), &label(new, "b"))
        .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_is_a_valid_unified_diff() {
        let diff = unified(".env", Some(b"A=1\nB=2"), Some(b"A=1\nB=3"));
        assert_eq!(
            diff,
            "--- a/.env\n+++ b/.env\n@@ -1,2 +1,2 @@\n A=1\n-B=2\n\\ No newline at end of file\n+B=3\n\\ No newline at end of file\n"
        );
        assert!(unified("x", None, Some(b"a\n")).starts_with("--- /dev/null\n+++ b/x\n@@ -0,0 +1"));
        assert!(unified("x", Some(b"a\n"), None).starts_with("--- a/x\n+++ /dev/null\n@@ -1"));
    }
}
