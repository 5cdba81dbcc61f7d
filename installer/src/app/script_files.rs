//! The scripts in the app's folder of public files.

use super::kind::AppKind;
use super::layout::AppLayout;
use super::public_folder::PublicFolder;
use crate::editing::plan::OriginalFile;
use crate::editing::receipt::Receipt;
use crate::editing::scripts::{self, Script, ScriptState};
use crate::exit::Failure;

/// A script that this version ships, and the file at its path in the app.
pub(crate) struct ScriptFile {
    pub(crate) shipped: Script,
    pub(crate) file: OriginalFile,
    pub(crate) state: ScriptState,
    /// Whether `install` wrote the file, as far as is known.
    pub(crate) is_by_install: bool,
}

impl ScriptFile {
    /// Reads the files at the paths of all scripts. `is_by_install` means that `install` wrote them, even
    /// if no receipt lists them.
    pub(crate) fn read_all(
        layout: &AppLayout,
        events: &[String],
        receipt: &Receipt,
        is_by_install: bool,
    ) -> Result<Vec<Self>, Failure> {
        let AppLayout {
            app, kind, public, ..
        } = layout;
        let replaces_module = *kind == AppKind::CodeIgniter;
        let scripts = scripts::shipped(public, events).map(|shipped| {
            let file = OriginalFile::read(app, &shipped.path)?;
            let state = match shipped.state(file.contents(), receipt) {
                // Elsewhere it is the owner's, like any other.
                ScriptState::OfModule if !replaces_module => ScriptState::Edited,
                state => state,
            };
            Ok(Self {
                state,
                is_by_install: is_by_install || receipt.has(&shipped.receipt_path),
                shipped,
                file,
            })
        });
        scripts.collect()
    }

    /// Reads the scripts in the folders that `SSE_PUBLIC` named before.
    pub(crate) fn read_former(layout: &AppLayout, receipt: &Receipt) -> Result<Vec<Self>, Failure> {
        let mut former = Vec::new();
        for public in former_folders(&layout.public, receipt) {
            let layout = AppLayout {
                public,
                ..layout.clone()
            };
            let scripts = Self::read_all(&layout, &[], receipt, false)?;
            former.extend(scripts.into_iter().filter(|script| script.is_by_install));
        }
        Ok(former)
    }

    /// The paths of all scripts, also in the folders that `SSE_PUBLIC` named before.
    pub(crate) fn all_paths(public: &PublicFolder, receipt: &Receipt) -> Vec<String> {
        let mut folders = former_folders(public, receipt);
        folders.push(public.clone());
        let scripts = folders
            .iter()
            .flat_map(|public| scripts::shipped(public, &[]));
        scripts.map(|script| script.path).collect()
    }
}

fn former_folders(public: &PublicFolder, receipt: &Receipt) -> Vec<PublicFolder> {
    let mut folders: Vec<PublicFolder> = Vec::new();
    for name in scripts::NAMES {
        for folder in PublicFolder::former(receipt, public, name) {
            if !folders.contains(&folder) {
                folders.push(folder);
            }
        }
    }
    folders
}
