//! Tells cargo when the files inside the program have changed.
//!
//! A release build embeds the scenarios and the client descriptions, and a file that is new there must
//! make it build again. A debug build reads them from the disk: a new scenario must recompile nothing.
//!
//! It also looks for curl, so that the tests that need it are counted as ignored where there is none.

use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rustc-check-cfg=cfg(has_curl)");
    if Command::new("curl").arg("--version").output().is_ok() {
        println!("cargo::rustc-cfg=has_curl");
    }
    at_a_fixed_address();
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rerun-if-changed=../scenarios");
        println!("cargo::rerun-if-changed=../fixtures/clients");
    }
}

/// Links the program at a fixed address where that is known to work.
///
/// It holds the built-in clients too, and a sweep starts hundreds of them: some thirty thousand places to be
/// relocated, and the pages that are copied for it, took an eighth of all its time.
fn at_a_fixed_address() {
    let target = |what: &str| std::env::var(format!("CARGO_CFG_TARGET_{what}")).unwrap_or_default();
    if target("OS") == "linux" && target("ENV") == "gnu" && target("ARCH") == "x86_64" {
        println!("cargo::rustc-link-arg-bins=-no-pie");
    }
}
