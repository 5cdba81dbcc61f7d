//! `sse status`.

use std::path::{Path, PathBuf};

use actix_web_sse::Config;
use serde::Serialize;

use crate::app::installation::{Installation, InstalledScript};
use crate::editing::env::block::KeyState;
use crate::editing::env::values::Values;
use crate::editing::manifest::cargo_toml::LibraryEntry;
use crate::editing::rust::app_code::Wiring;
use crate::editing::scripts::{Role, ScriptState};
use crate::exit::{self, Failure};
use crate::output::Output;

/// How one item stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum ItemState {
    Installed,
    Missing,
    /// Ours, and not as this version writes it.
    Modified,
    /// There, and the owner's.
    Yours,
}

/// How the whole stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Whole {
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
    state: Whole,
    items: Vec<Item>,
}

pub(crate) fn run(app: &Path, json: bool, output: Output) -> Result<u8, Failure> {
    let installation = Installation::read(app, &Values::default().events)?;
    let items = items(&installation);
    let status = Status {
        app: installation.app,
        state: whole(&items),
        items,
    };
    if let Err(error) = Config::from_dir(app)
        && status.state != Whole::Absent
    {
        output.warn(format!("the app refuses its configuration: {error}"));
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
    Ok(if status.state == Whole::Installed {
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
    let dependency = Item {
        item: "dependency".to_owned(),
        path: "Cargo.toml".to_owned(),
        state: match installation.dependency {
            LibraryEntry::Absent => ItemState::Missing,
            LibraryEntry::Ours => ItemState::Installed,
            LibraryEntry::Yours(_) => ItemState::Yours,
        },
        note: None,
    };
    let keys = installation
        .env_state
        .keys
        .iter()
        .map(|(name, place)| Item {
            item: (*name).to_owned(),
            path: ".env".to_owned(),
            state: match place {
                KeyState::Missing => ItemState::Missing,
                KeyState::Installed => ItemState::Installed,
                KeyState::Yours => ItemState::Yours,
            },
            note: None,
        });
    let served = installation.serves_its_own_scripts();
    let scripts = installation.scripts.iter();
    let scripts = scripts
        .filter(|script| installation.wants(&script.script) || !script.script.is_types())
        .map(|script| script_item(script, served));
    [dependency, wiring_item(installation)]
        .into_iter()
        .chain(keys)
        .chain(scripts)
        .collect()
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

/// `served` says that the app goes without its own copy of what the library serves.
fn script_item(script: &InstalledScript, served: bool) -> Item {
    let is_owners = script.script.is_owners();
    let is_client = script.script.role == Role::Client;
    let (state, note) = match script.state {
        ScriptState::Missing if served && is_client => {
            (ItemState::Yours, Some("served by the library"))
        }
        ScriptState::Missing => (ItemState::Missing, None),
        ScriptState::Edited | ScriptState::Older if is_owners => (ItemState::Yours, None),
        ScriptState::Edited if script.script.is_types() => (
            ItemState::Modified,
            Some("edited; your types belong into a file of your own"),
        ),
        ScriptState::Edited => (
            ItemState::Modified,
            Some("edited; your code belongs into sse-client.js"),
        ),
        ScriptState::Older if script.script.role == Role::EventTypes => (
            ItemState::Modified,
            Some("does not fit SSE_EVENTS; `sse install` refreshes it"),
        ),
        ScriptState::Older => (
            ItemState::Modified,
            Some("from another version; `sse install` refreshes it"),
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

fn whole(items: &[Item]) -> Whole {
    let is = |state: ItemState| move |item: &Item| item.state == state;
    if items.iter().all(is(ItemState::Missing)) {
        Whole::Absent
    } else if items.iter().any(is(ItemState::Missing)) || items.iter().any(is(ItemState::Modified))
    {
        Whole::Partial
    } else {
        Whole::Installed
    }
}
