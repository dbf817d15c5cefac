//! Tells cargo when the files inside the program have changed.
//!
//! A release build embeds the scenarios and the client descriptions, and a file that is new there must
//! make it build again. A debug build reads them from the disk: a new scenario must recompile nothing.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("PROFILE").as_deref() == Ok("release") {
        println!("cargo::rerun-if-changed=../scenarios");
        println!("cargo::rerun-if-changed=../fixtures/clients");
    }
}
