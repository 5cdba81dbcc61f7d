//! Finds the ends of the journal without listing its entries.

use std::{fs, io};

use super::layout::{Layout, exists};
use crate::error::Error;

/// The number of the newest entry; 0 where there was none yet.
pub(super) fn newest(layout: &Layout) -> Result<u64, Error> {
    loop {
        let folder = *folders(layout)?.last().ok_or_else(|| no_folders(layout))?;
        let newest = newest_in(layout, folder)?;
        // The folder may have been filled, followed by another and swept while it was searched;
        // then what was found is not the end.
        if layout.has(folder)? {
            return Ok(newest);
        }
    }
}

/// The oldest folder that is left.
pub(super) fn oldest_folder(layout: &Layout) -> Result<u64, Error> {
    folders(layout)?
        .first()
        .copied()
        .ok_or_else(|| no_folders(layout))
}

/// The folders of numbers, oldest first: a dozen names, however many entries there are.
pub(super) fn folders(layout: &Layout) -> Result<Vec<u64>, Error> {
    let entries = layout.entries();
    let cannot = |error| Error::io("list the journal", entries, error);
    let mut folders = Vec::new();
    for item in fs::read_dir(entries).map_err(cannot)? {
        let name = item.map_err(cannot)?.file_name();
        folders.extend(name.to_str().and_then(|name| name.parse::<u64>().ok()));
    }
    folders.sort_unstable();
    Ok(folders)
}

/// Numbers have no gaps, so the newest is found by doubling and bisecting: some twenty looks.
fn newest_in(layout: &Layout, folder: u64) -> Result<u64, Error> {
    let (first, last) = (layout.first(folder), layout.last(folder));
    if !exists(&layout.entry(first))? {
        return Ok(first - 1);
    }
    let mut taken = first;
    let mut step = 1;
    let mut free = loop {
        let probe = taken + step;
        if probe > last {
            break last + 1;
        }
        if !exists(&layout.entry(probe))? {
            break probe;
        }
        taken = probe;
        step *= 2;
    };
    while free - taken > 1 {
        let middle = taken + (free - taken) / 2;
        if exists(&layout.entry(middle))? {
            taken = middle;
        } else {
            free = middle;
        }
    }
    Ok(taken)
}

fn no_folders(layout: &Layout) -> Error {
    Error::io(
        "find the journal's entries",
        layout.entries(),
        io::Error::new(io::ErrorKind::NotFound, "the folder is empty"),
    )
}
