//! Tells `sse install` which dependency to write. If this crate is built in a checkout of the
//! library, it is a path dependency. A crate from a registry has no library beside it, and
//! writes a version. So does a build for a release, which the variable SSE_RELEASE selects.

use std::env;
use std::fs;
use std::path::Path;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    // A released command runs on machines without this checkout.
    println!("cargo::rerun-if-env-changed=SSE_RELEASE");
    if env::var_os("SSE_RELEASE").is_some() {
        return;
    }
    let folder = env::var("CARGO_MANIFEST_DIR").expect("cargo sets it for build scripts");
    let Some(parent) = Path::new(&folder).parent() else {
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
