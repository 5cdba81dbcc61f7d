//! An app with an installation, and the tools that compile its scripts.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::json;
use support::{sse_in, workspace};
use tempfile::TempDir;

const CARGO_TOML: &str =
    "[package]\nname = \"shop\"\nedition = \"2024\"\n\n[dependencies]\nactix-web = \"4\"\n";

const MAIN_RS: &str = "use actix_web::App;\n\nfn main() {\n    App::new();\n}\n";

/// An app in which `sse install` was run, with scripts in the folder `web`.
pub(super) struct App {
    dir: TempDir,
}

impl App {
    pub(super) fn new(events: &str) -> Self {
        let app = Self {
            dir: tempfile::tempdir().unwrap(),
        };
        app.write("Cargo.toml", CARGO_TOML);
        app.write("src/main.rs", MAIN_RS);
        app.write("package.json", r#"{"type": "module"}"#);
        app.sse(&["install", "--events", events]);
        app
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn write(&self, name: &str, contents: &str) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }

    pub(super) fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).unwrap()
    }

    #[track_caller]
    pub(super) fn sse(&self, arguments: &[&str]) {
        run(sse_in(self.dir.path()).args(arguments));
    }

    /// Every error that the compiler finds, with the strictest checks: no setting of an app may cause
    /// an error in our files.
    pub(super) fn errors(&self, resolution: &str) -> Vec<String> {
        let module = if resolution == "bundler" {
            "preserve"
        } else {
            resolution
        };
        let settings = json!({
            "compilerOptions": {
                "allowJs": true,
                "checkJs": true,
                "exactOptionalPropertyTypes": true,
                "lib": ["es2022", "dom"],
                "module": module,
                "moduleResolution": resolution,
                "noEmit": true,
                "noUncheckedIndexedAccess": true,
                "skipLibCheck": false,
                "strict": true,
                "target": "es2022",
                "types": [],
                "verbatimModuleSyntax": true,
            },
            "include": ["web", "public/js/*.d.ts", "public/js/sse-client.js"],
        });
        self.write("tsconfig.json", &settings.to_string());
        let output = tool("typescript/bin/tsc", self.dir.path())
            .args(["--pretty", "false"])
            .output()
            .unwrap();
        assert!(output.stderr.is_empty(), "{output:?}");
        let text = String::from_utf8(output.stdout).unwrap();
        let mut errors: Vec<String> = Vec::new();
        for line in text.lines() {
            match errors.last_mut() {
                Some(error) if line.starts_with(' ') => *error += line,
                _ => errors.push(line.to_owned()),
            }
        }
        assert_eq!(output.status.success(), errors.is_empty(), "{errors:?}");
        errors
    }

    #[track_caller]
    pub(super) fn compiles(&self) {
        for resolution in ["bundler", "nodenext"] {
            let errors = self.errors(resolution);
            assert!(errors.is_empty(), "{resolution}:\n{}", errors.join("\n"));
        }
    }
}

/// A tool from npm, with this working folder.
pub(super) fn tool(script: &str, dir: &Path) -> Command {
    let script = workspace().join("tests/types/node_modules").join(script);
    assert!(
        script.is_file(),
        "{} is missing\nhelp: run `tests/setup`",
        script.display()
    );
    let mut command = Command::new("node");
    command.arg(script).current_dir(dir);
    command
}

#[track_caller]
pub(super) fn run(command: &mut Command) {
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}: {}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
}

/// Reads a file of tests/types.
pub(super) fn read_source(name: &str) -> String {
    fs::read_to_string(workspace().join("tests/types").join(name)).unwrap()
}
