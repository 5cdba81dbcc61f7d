//! `sse status`.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use actix_web_sse::Config;
use actix_web_sse::cli_support::{one_line, settings};
use anstyle::Style;
use serde::Serialize;

use crate::app::app_files::AppFiles;
use crate::app::kind::AppKind;
use crate::app::rust_app::RustApp;
use crate::app::script_files::ScriptFile;
use crate::editing::env::block::SettingState;
use crate::editing::manifest::edits::LibraryEntry;
use crate::editing::rust::app_code::RouteCall;
use crate::editing::scripts::{ScriptRole, ScriptState};
use crate::exit::{self, Failure};
use crate::output::{DONE_STYLE, ERROR_STYLE, HELP_STYLE, Output, WARNING_STYLE};

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
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
    note: Option<Cow<'static, str>>,
}

#[derive(Serialize)]
struct Status {
    app: PathBuf,
    kind: AppKind,
    state: OverallState,
    items: Vec<Item>,
    /// Of `SSE_EVENTS`. Empty if the app rejects its configuration.
    private_keys: Vec<String>,
}

pub(crate) fn run(app: &Path, json: bool, output: Output) -> Result<u8, Failure> {
    let app_files = AppFiles::read(app)?;
    let config = Config::from_dir(app);
    let private_keys = config.as_ref().map(private_keys).unwrap_or_default();
    let items = items(&app_files, &private_keys);
    let status = Status {
        kind: app_files.layout.kind,
        app: app_files.layout.app,
        state: overall_state(&items),
        items,
        private_keys,
    };
    if let Err(error) = config
        && status.state != OverallState::Absent
    {
        let server = status.kind.server();
        output.warn(format!("{server} rejects the configuration: {error}"));
    }
    if json {
        output.data(&serde_json::to_string_pretty(&status)?)?;
    } else if !output.is_quiet() {
        let lines: Vec<String> = status.items.iter().map(Item::line).collect();
        output.styled_data(&lines.join("\n"))?;
    }
    Ok(if status.state == OverallState::Installed {
        exit::DONE
    } else {
        exit::FINDINGS
    })
}

impl ItemState {
    fn style(self) -> Style {
        match self {
            Self::Installed => DONE_STYLE,
            Self::Missing => ERROR_STYLE,
            Self::Modified => WARNING_STYLE,
            Self::Yours => HELP_STYLE,
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
            .as_deref()
            .map(|note| format!(" ({note})"))
            .unwrap_or_default();
        let state = format!("{:?}", self.state).to_lowercase();
        let style = self.state.style();
        format!("{style}{state:<9}{style:#}  {item}{note}")
    }
}

fn private_keys(config: &Config) -> Vec<String> {
    let events = config.events();
    let keys = events.keys().filter(|key| events.is_private(key));
    keys.map(str::to_owned).collect()
}

fn items(app_files: &AppFiles, private_keys: &[String]) -> Vec<Item> {
    let is_served_by_app = app_files.serves_its_own_scripts();
    let scripts = app_files.scripts.iter();
    let scripts = scripts
        .filter(|script| app_files.needs_script(&script.shipped) || !script.shipped.is_types())
        .map(|script| script_item(script, is_served_by_app));
    let rust = app_files.rust.iter();
    rust.flat_map(|rust| [dependency_item(rust), route_call_item(rust)])
        .chain(setting_items(app_files, private_keys))
        .chain(scripts)
        .collect()
}

fn dependency_item(rust: &RustApp) -> Item {
    Item {
        item: "dependency".to_owned(),
        path: "Cargo.toml".to_owned(),
        state: match rust.dependency {
            LibraryEntry::Absent => ItemState::Missing,
            LibraryEntry::ByInstall => ItemState::Installed,
            LibraryEntry::ByOwner(_) => ItemState::Yours,
        },
        note: None,
    }
}

fn setting_items(app_files: &AppFiles, private_keys: &[String]) -> impl Iterator<Item = Item> {
    let private_keys = (!private_keys.is_empty())
        .then(|| one_line(&format!("private: {}", private_keys.join(", "))));
    let settings = app_files.env_state.settings_to_show();
    settings.map(move |(setting, state)| Item {
        item: setting.name.to_owned(),
        path: ".env".to_owned(),
        state: match state {
            SettingState::Missing => ItemState::Missing,
            SettingState::Installed => ItemState::Installed,
            SettingState::ByOwner => ItemState::Yours,
        },
        note: (private_keys.clone().map(Cow::Owned))
            .filter(|_| setting.name == settings::events.name),
    })
}

fn route_call_item(rust: &RustApp) -> Item {
    let (state, path) = match rust.code.route_call() {
        RouteCall::Installed(path) => (ItemState::Installed, path),
        RouteCall::ByOwner(path) => (ItemState::Yours, path),
        RouteCall::Possible(file, _) => (ItemState::Missing, file.name().to_owned()),
        RouteCall::Uncertain(_) => (ItemState::Missing, "src".to_owned()),
    };
    Item {
        item: "stream".to_owned(),
        path,
        state,
        note: (state == ItemState::Missing).then_some("not in the code".into()),
    }
}

/// `is_served_by_app` means that the app's code serves the scripts, so `sse.js` need not exist.
fn script_item(script: &ScriptFile, is_served_by_app: bool) -> Item {
    let is_owners = script.shipped.belongs_to_owner();
    let is_client = script.shipped.role == ScriptRole::Client;
    let (state, note) = match script.state {
        ScriptState::Missing if is_served_by_app && is_client => {
            (ItemState::Yours, Some("served by the library"))
        }
        ScriptState::Missing => (ItemState::Missing, None),
        ScriptState::OfModule => (
            ItemState::Missing,
            Some("that of the original module is there; `sse install` replaces it"),
        ),
        ScriptState::Edited | ScriptState::Older if is_owners => (ItemState::Yours, None),
        ScriptState::Edited if script.shipped.is_types() => (
            ItemState::Modified,
            Some("put your types into another file"),
        ),
        ScriptState::Edited => (
            ItemState::Modified,
            Some("put your code into sse-client.js"),
        ),
        ScriptState::Older if script.shipped.role == ScriptRole::EventTypes => (
            ItemState::Modified,
            Some("does not match SSE_EVENTS; `sse install` updates it"),
        ),
        ScriptState::Older => (
            ItemState::Modified,
            Some("from another version; `sse install` updates it"),
        ),
        ScriptState::Current if script.is_by_install => (ItemState::Installed, None),
        ScriptState::Current => (ItemState::Yours, None),
    };
    Item {
        item: script.shipped.path.clone(),
        path: script.shipped.path.clone(),
        state,
        note: note.map(Cow::Borrowed),
    }
}

fn overall_state(items: &[Item]) -> OverallState {
    let mut states = items.iter().map(|item| item.state);
    if states.clone().all(|state| state == ItemState::Missing) {
        OverallState::Absent
    } else if states.any(|state| matches!(state, ItemState::Missing | ItemState::Modified)) {
        OverallState::Partial
    } else {
        OverallState::Installed
    }
}
