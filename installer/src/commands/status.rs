//! `sse status`.

use std::path::{Path, PathBuf};

use actix_web_sse::Config;
use serde::Serialize;

use crate::app::installation::{Installation, InstalledScript};
use crate::editing::env::block::KeyState;
use crate::editing::env::values::Values;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::rust::app_code::Wiring;
use crate::editing::scripts::{Role, ScriptState};
use crate::exit::{self, Failure};
use crate::output::Output;

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum ItemState {
    Installed,
    Missing,
    /// Written by `install`, but not as this version writes it.
    Modified,
    /// Exists, and is the owner's.
    Yours,
}

#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum OverallState {
    Installed,
    Partial,
    Absent,
}

#[derive(Serialize)]
struct Item {
    item: String,
    path: String,
    state: ItemState,
    #[serde(skip_serializing_if = "Option::is_none")]
    note: Option<&'static str>,
}

#[derive(Serialize)]
struct Status {
    app: PathBuf,
    state: OverallState,
    items: Vec<Item>,
}

pub(crate) fn run(app: &Path, json: bool, output: Output) -> Result<u8, Failure> {
    let installation = Installation::read(app, &Values::default().events)?;
    let items = items(&installation);
    let status = Status {
        app: installation.app,
        state: overall_state(&items),
        items,
    };
    if let Err(error) = Config::from_dir(app)
        && status.state != OverallState::Absent
    {
        output.warn(format!("the app rejects its configuration: {error}"));
    }
    if json {
        let text = serde_json::to_string_pretty(&status)
            .map_err(|error| Failure::error(format!("cannot print the status: {error}")))?;
        output.data(&text)?;
    } else {
        if !output.is_quiet() {
            let lines: Vec<String> = status.items.iter().map(Item::line).collect();
            output.data(&lines.join("\n"))?;
        }
    }
    Ok(if status.state == OverallState::Installed {
        exit::DONE
    } else {
        exit::DRIFT
    })
}

impl ItemState {
    fn name(self) -> &'static str {
        match self {
            Self::Installed => "installed",
            Self::Missing => "missing",
            Self::Modified => "modified",
            Self::Yours => "yours",
        }
    }
}

impl Item {
    fn line(&self) -> String {
        let item = if self.item == self.path {
            self.path.clone()
        } else {
            format!("{} in {}", self.item, self.path)
        };
        let note = self
            .note
            .map(|note| format!(" ({note})"))
            .unwrap_or_default();
        format!("{:<9}  {item}{note}", self.state.name())
    }
}

fn items(installation: &Installation) -> Vec<Item> {
    let is_served_by_app = installation.serves_its_own_scripts();
    let scripts = installation.scripts.iter();
    let scripts = scripts
        .filter(|script| installation.needs_script(&script.script) || !script.script.is_types())
        .map(|script| script_item(script, is_served_by_app));
    [dependency_item(installation), wiring_item(installation)]
        .into_iter()
        .chain(key_items(installation))
        .chain(scripts)
        .collect()
}

fn dependency_item(installation: &Installation) -> Item {
    Item {
        item: "dependency".to_owned(),
        path: "Cargo.toml".to_owned(),
        state: match installation.dependency {
            LibraryEntry::Absent => ItemState::Missing,
            LibraryEntry::Ours => ItemState::Installed,
            LibraryEntry::Yours(_) => ItemState::Yours,
        },
        note: None,
    }
}

fn key_items(installation: &Installation) -> impl Iterator<Item = Item> {
    let keys = installation.env_state.keys.into_iter();
    keys.map(|(name, key)| Item {
        item: name.to_owned(),
        path: ".env".to_owned(),
        state: match key {
            KeyState::Missing => ItemState::Missing,
            KeyState::Installed => ItemState::Installed,
            KeyState::Yours => ItemState::Yours,
        },
        note: None,
    })
}

fn wiring_item(installation: &Installation) -> Item {
    let (state, path) = match installation.code.wiring() {
        Wiring::Installed(path) => (ItemState::Installed, path),
        Wiring::Yours(path) => (ItemState::Yours, path),
        Wiring::Possible { file, .. } => (ItemState::Missing, file.name().to_owned()),
        Wiring::Unclear(_) => (ItemState::Missing, "src".to_owned()),
    };
    Item {
        item: "stream".to_owned(),
        path,
        state,
        note: (state == ItemState::Missing).then_some("no code serves it"),
    }
}

/// `is_served_by_app` means that the app's code serves the scripts, so `sse.js` need not exist.
fn script_item(script: &InstalledScript, is_served_by_app: bool) -> Item {
    let is_owners = script.script.belongs_to_owner();
    let is_client = script.script.role == Role::Client;
    let (state, note) = match script.state {
        ScriptState::Missing if is_served_by_app && is_client => {
            (ItemState::Yours, Some("served by the library"))
        }
        ScriptState::Missing => (ItemState::Missing, None),
        ScriptState::Edited | ScriptState::Older if is_owners => (ItemState::Yours, None),
        ScriptState::Edited if script.script.is_types() => (
            ItemState::Modified,
            Some("edited; put your types into a file of your own"),
        ),
        ScriptState::Edited => (
            ItemState::Modified,
            Some("edited; put your code into sse-client.js"),
        ),
        ScriptState::Older if script.script.role == Role::EventTypes => (
            ItemState::Modified,
            Some("does not match SSE_EVENTS; `sse install` updates it"),
        ),
        ScriptState::Older => (
            ItemState::Modified,
            Some("from another version; `sse install` updates it"),
        ),
        ScriptState::Current if script.is_ours => (ItemState::Installed, None),
        ScriptState::Current => (ItemState::Yours, None),
    };
    Item {
        item: script.script.path.clone(),
        path: script.script.path.clone(),
        state,
        note,
    }
}

fn overall_state(items: &[Item]) -> OverallState {
    let has_state = |state: ItemState| move |item: &Item| item.state == state;
    if items.iter().all(has_state(ItemState::Missing)) {
        OverallState::Absent
    } else if items.iter().any(has_state(ItemState::Missing))
        || items.iter().any(has_state(ItemState::Modified))
    {
        OverallState::Partial
    } else {
        OverallState::Installed
    }
}
