//! `sse man`.

use std::error::Error;
use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use clap::Command;
use clap_mangen::Man;
use tempfile::NamedTempFile;

use crate::cli;
use crate::exit::{self, Failure};
use crate::output::Output;

pub(crate) fn run(dir: Option<&Path>, output: Output) -> Result<u8, Failure> {
    let mut command = cli::command().disable_help_subcommand(true);
    command.build();
    let Some(dir) = dir else {
        output.data(page(command)?.1.trim_end())?;
        return Ok(exit::DONE);
    };
    fs::create_dir_all(dir).map_err(|error| Failure::io("create the folder", dir, &error))?;
    let commands = command.get_subcommands().cloned().chain([command.clone()]);
    let mut files = Vec::new();
    for command in commands {
        let (name, page) = page(command)?;
        let path = dir.join(name);
        let file = prepare(&path, &page).map_err(|error| Failure::io("write", &path, &error))?;
        files.push((file, path));
    }
    for (file, path) in files {
        let replaced = file.persist(&path);
        replaced.map_err(|error| Failure::io("write", &path, &error.error))?;
        output.status("Wrote", path.display());
    }
    Ok(exit::DONE)
}

/// Writes the page beside its path, so that it can replace whatever has the name, unless that is a folder, without
/// following a link or waiting for a pipe.
fn prepare(path: &Path, page: &str) -> io::Result<NamedTempFile> {
    if path.symlink_metadata().is_ok_and(|found| found.is_dir()) {
        return Err(io::ErrorKind::IsADirectory.into());
    }
    let dir = path.parent().unwrap_or(Path::new("."));
    let readable_by_all = Permissions::from_mode(0o644);
    let mut builder = tempfile::Builder::new();
    let mut file = builder.permissions(readable_by_all).tempfile_in(dir)?;
    file.write_all(page.as_bytes())?;
    Ok(file)
}

/// The page's file name and its text in roff.
fn page(command: Command) -> Result<(String, String), Failure> {
    let is_program = command.has_subcommands();
    let man = Man::new(command).manual("actix-web-sse");
    let mut bytes = Vec::new();
    man.render(&mut bytes)
        .map_err(|error| cannot_render(&error))?;
    let text = String::from_utf8(bytes).map_err(|error| cannot_render(&error))?;
    // clap_mangen knows no better name for this section. Its lines must not be joined.
    let heading = if is_program {
        "\"EXIT STATUS\""
    } else {
        "EXAMPLES"
    };
    let text = text
        .replace(".SH EXTRA\n", &format!(".SH {heading}\n.nf\n"))
        .replace("\nExamples:\n", "\n")
        .replace("\nExit codes:\n", "\n");
    Ok((man.get_filename(), text))
}

fn cannot_render(error: &dyn Error) -> Failure {
    Failure::error(format!("cannot write the manual page: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_all_pages_none_is_written() {
        let dir = tempfile::tempdir().expect("a folder");
        fs::create_dir(dir.path().join("sse-save.1")).expect("it is created");
        fs::write(dir.path().join("sse.1"), "former").expect("it is written");
        let failure = run(Some(dir.path()), Output::new(true)).expect_err("a folder is in the way");
        let text = failure.to_string();
        assert!(text.contains("sse-save.1: is a directory"), "{text}");
        assert_eq!(fs::read_dir(dir.path()).expect("it exists").count(), 2);
        let page = fs::read_to_string(dir.path().join("sse.1")).expect("it remains");
        assert_eq!(page, "former");
    }

    #[test]
    fn a_page_has_the_sections_of_manual_pages() {
        let mut command = cli::command().disable_help_subcommand(true);
        command.build();
        let save = command.find_subcommand("save").expect("a command").clone();
        let (name, text) = page(save).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(name, "sse-save.1");
        for part in [
            ".TH sse-save 1",
            ".SH NAME",
            ".SH OPTIONS",
            ".SH EXAMPLES\n.nf\n",
            "sse save orders",
            "\\-\\-ttl",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(
            !text.contains('\u{1b}') && !text.contains("manifest"),
            "{text}"
        );
        let (name, text) = page(command).unwrap_or_else(|failure| panic!("{failure}"));
        assert_eq!(name, "sse.1");
        for part in [
            ".SH \"EXIT STATUS\"\n.nf\n",
            "130",
            "sse\\-save(1)",
            "manifest",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
    }
}
