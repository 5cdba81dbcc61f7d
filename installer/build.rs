//! Finds out where this command is built from, for `sse install` to know what
//! dependency to write: a checkout of the library adds a path, and a crate that
//! was unpacked from a registry, which has no library beside it, a version.

use std::env;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let own = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts");
    let Some(parent) = Path::new(&own).parent() else {
        return;
    };
    let manifest = parent.join("Cargo.toml");
    let Ok(text) = fs::read_to_string(&manifest) else {
        return;
    };
    println!("cargo::rerun-if-changed={}", manifest.display());
    if text
        .lines()
        .any(|line| line.trim() == "name = \"actix-web-sse\"")
    {
        println!("cargo::rustc-env=SSE_CHECKOUT={}", parent.display());
    }
}
