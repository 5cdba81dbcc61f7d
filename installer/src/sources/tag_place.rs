//! Where the script tag belongs: in the page that visitors most likely see, and where in it.

use std::cmp::Reverse;

use super::source_files::{FileKind, SourceFile};
use crate::editing::scripts::SCRIPT_TAG;

/// A place for the tag.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TagPlace {
    /// In words, with the file and the line.
    pub(crate) description: String,
    /// The tag as it can be pasted there.
    pub(crate) tag: String,
    /// How many other pages do not get the tag through this one.
    pub(crate) other_pages: usize,
}

/// The tags before which a script may stand, the best first.
const END_TAGS: [&str; 2] = ["</body>", "</head>"];

/// A text with one of these is a whole page, not a part of one. In lower case.
const PAGE_MARKS: [&str; 4] = ["<!doctype html", "<html", END_TAGS[0], END_TAGS[1]];

/// The names of files that most visitors see, without their extensions: layouts, then first pages.
const LIKELY_NAMES: [&str; 12] = [
    "base",
    "_base",
    "layout",
    "_layout",
    "master",
    "default",
    "main",
    "app",
    "index",
    "home",
    "welcome_message",
    "welcome",
];

/// Words in the paths of pages that visitors hardly ever see, or that are not shown in a browser.
const UNLIKELY_WORDS: [&str; 8] = [
    "mail", "error", "404", "500", "print", "pdf", "vendor", "swagger",
];

/// The place for the tag in the likeliest page; `None` if the app's files show no page.
pub(crate) fn find(sources: &[SourceFile]) -> Option<TagPlace> {
    let pages = pages(sources);
    let likeliest = pages.iter().max_by_key(|page| likelihood(page, sources))?;
    let others = pages.iter().filter(|page| page.path != likeliest.path);
    let others = others.filter(|page| is_likely(page)).count();
    Some(place_in(likeliest, others))
}

/// The app's pages: whole ones in files of their own, otherwise those in its code, otherwise any template.
fn pages(sources: &[SourceFile]) -> Vec<&SourceFile> {
    let of_kind = |kind| sources.iter().filter(move |source| source.kind == kind);
    let whole: Vec<_> = of_kind(FileKind::Page)
        .filter(|page| is_whole(page))
        .collect();
    if !whole.is_empty() {
        return whole;
    }
    let in_code: Vec<_> = of_kind(FileKind::Rust)
        .filter(|code| is_whole(code))
        .collect();
    if !in_code.is_empty() {
        return in_code;
    }
    of_kind(FileKind::Page).collect()
}

/// Whether the text is a whole page.
pub(super) fn has_page_mark(text: &str) -> bool {
    count_page_marks(text) > 0
}

fn count_page_marks(text: &str) -> usize {
    let text = text.to_ascii_lowercase();
    let marks = PAGE_MARKS.iter().filter(|mark| text.contains(**mark));
    marks.count()
}

fn is_whole(source: &SourceFile) -> bool {
    // Code may search pages of other servers for a single tag.
    let marks_needed = if source.kind == FileKind::Rust { 2 } else { 1 };
    count_page_marks(&source.text) >= marks_needed
}

/// The page with the highest value is the likeliest; of equal ones, the first.
fn likelihood<'a>(page: &'a SourceFile, sources: &[SourceFile]) -> impl Ord + use<'a> {
    let path = page.path.to_ascii_lowercase();
    let name = path.rsplit('/').next().unwrap_or_default();
    let stem = name.split('.').next().unwrap_or_default();
    let names = layout_names(&page.path);
    let is_extended = sources.iter().any(|other| {
        other.text.contains("extend") && names.iter().any(|name| other.has_quoted(name))
    });
    let position = LIKELY_NAMES.iter().position(|likely| *likely == stem);
    let depth = path.matches('/').count();
    (
        is_likely(page),
        is_extended,
        Reverse(position.unwrap_or(LIKELY_NAMES.len())),
        Reverse(depth),
        Reverse(&page.path),
    )
}

fn is_likely(page: &SourceFile) -> bool {
    let path = page.path.to_ascii_lowercase();
    !UNLIKELY_WORDS.iter().any(|word| path.contains(word))
}

/// The names by which other pages extend this one: `shop/frame.html` in most languages, `shop/frame` in
/// CodeIgniter, `shop.frame` in Laravel.
fn layout_names(path: &str) -> Vec<String> {
    let after = |folder: &str| Some(path.split_once(folder)?.1);
    let below = after("/Views/").or_else(|| after("/views/"));
    let below = below.or_else(|| after("/")).unwrap_or(path);
    let stem = below
        .strip_suffix(".php")
        .map(|stem| stem.trim_end_matches(".blade"));
    let php = stem.map(|stem| [stem.to_owned(), stem.replace('/', ".")]);
    let mut names = vec![below.to_owned()];
    names.extend(php.into_iter().flatten());
    names
}

fn place_in(page: &SourceFile, other_pages: usize) -> TagPlace {
    let text = page.text.to_ascii_lowercase();
    let end_tag = END_TAGS
        .iter()
        .find_map(|tag| Some((text.rfind(tag)?, *tag)));
    let description = match end_tag {
        Some((at, tag)) => format!("In {}, before {tag}", page.location(at)),
        None if page.kind == FileKind::Rust => {
            let start = PAGE_MARKS.iter().find_map(|mark| text.find(mark));
            let location = page.location(start.unwrap_or_default());
            format!("At the end of the page in {location}")
        }
        None => format!("At the end of {}", page.path),
    };
    let tag = match page.kind {
        // Single quotes need no escape in a string.
        FileKind::Rust => SCRIPT_TAG.replace('"', "'"),
        FileKind::Page | FileKind::Script | FileKind::Php => SCRIPT_TAG.to_owned(),
    };
    TagPlace {
        description,
        tag,
        other_pages,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHOLE: &str = "<!doctype html>\n<html>\n<head>\n</head>\n<body>\n</BODY>\n</html>\n";

    fn place(files: &[(&str, &str)]) -> Option<TagPlace> {
        let sources = files.iter().map(|(path, text)| {
            let kind = if path.ends_with(".rs") {
                FileKind::Rust
            } else {
                FileKind::Page
            };
            SourceFile::for_test(*path, kind, text)
        });
        find(&sources.collect::<Vec<_>>())
    }

    #[track_caller]
    fn assert_place(files: &[(&str, &str)], description: &str, other_pages: usize) {
        let place = place(files).expect("there is a page");
        assert_eq!(
            (&*place.description, place.other_pages),
            (description, other_pages)
        );
    }

    #[test]
    fn the_tag_goes_before_the_end_of_the_body_or_of_the_head() {
        assert_place(
            &[("public/a.html", WHOLE)],
            "In public/a.html:6, before </body>",
            0,
        );
        assert_place(
            &[("src/a.html", "<!doctype html>\n<head>\n</head>\n<p>")],
            "In src/a.html:3, before </head>",
            0,
        );
        assert_place(
            &[("src/a.html", "<!doctype html>\n<title>A</title>\n")],
            "At the end of src/a.html",
            0,
        );
        // Browsers ignore a tag in a comment.
        assert_place(
            &[("src/a.html", "<html>\n<!-- </body> -->\n")],
            "At the end of src/a.html",
            0,
        );
    }

    #[test]
    fn a_layout_comes_before_a_first_page_and_that_before_others() {
        let about = ("templates/about.html", WHOLE);
        let index = ("templates/index.html", WHOLE);
        let base = ("templates/base.html", WHOLE);
        let frame = ("templates/shop/frame.html", WHOLE);
        let child = ("templates/a.html", "{% extends \"shop/frame.html\" %}");
        assert_place(
            &[about, index],
            "In templates/index.html:6, before </body>",
            1,
        );
        assert_place(
            &[about, base, index],
            "In templates/base.html:6, before </body>",
            2,
        );
        assert_place(
            &[base, child, frame, index],
            "In templates/shop/frame.html:6, before </body>",
            2,
        );
        let mail = ("templates/mail/base.html", WHOLE);
        assert_place(
            &[about, mail],
            "In templates/about.html:6, before </body>",
            0,
        );
        let deeper = ("templates/shop/index.html", WHOLE);
        assert_place(
            &[deeper, index],
            "In templates/index.html:6, before </body>",
            1,
        );
    }

    #[test]
    fn the_layouts_of_php_frameworks_are_known_by_their_names() {
        let index = ("app/Views/index.php", WHOLE);
        for (layout, child) in [
            (
                "app/Views/layouts/frame.php",
                "<?= $this->extend('layouts/frame') ?>",
            ),
            (
                "resources/views/layouts/frame.blade.php",
                "@extends('layouts.frame')",
            ),
        ] {
            assert_place(
                &[index, (layout, WHOLE), ("app/Views/a.php", child)],
                &format!("In {layout}:6, before </body>"),
                1,
            );
        }
        let errors = ("app/Views/errors/html/production.php", WHOLE);
        let welcome = ("app/Views/welcome_message.php", WHOLE);
        assert_place(
            &[errors, welcome],
            "In app/Views/welcome_message.php:6, before </body>",
            0,
        );
    }

    #[test]
    fn a_part_of_a_page_counts_only_without_whole_pages() {
        let part = ("templates/part.html", "<p>");
        assert_place(&[part], "At the end of templates/part.html", 0);
        assert_place(
            &[part, ("src/a.html", WHOLE)],
            "In src/a.html:6, before </body>",
            0,
        );
    }

    #[test]
    fn a_page_in_the_code_gets_a_tag_that_fits_into_a_string() {
        let code = (
            "src/main.rs",
            "const PAGE: &str = \"<html>\n<body>\n</body></html>\";",
        );
        assert_place(&[code], "In src/main.rs:3, before </body>", 0);
        let tag = place(&[code]).map(|place| place.tag);
        assert_eq!(
            tag.as_deref(),
            Some("<script src='/js/sse-client.js'></script>")
        );
        assert_place(
            &[("src/main.rs", "\n\"<!doctype html><html><p>\"")],
            "At the end of the page in src/main.rs:2",
            0,
        );
        assert_eq!(place(&[("src/main.rs", "text.find(\"</body>\")")]), None);
        assert_eq!(place(&[]), None);
    }
}
