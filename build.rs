//! Keeps the tables that cargo-pgrx reads out of the library: a linker that collects sections may drop them.
//! Set here, for the library alone, and not as cargo-pgrx does it for every crate: two sets of flags build all of them twice.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    if std::env::var("CARGO_CFG_TARGET_OS").is_ok_and(|system| system != "macos") {
        println!("cargo::rustc-link-arg-cdylib=-Wl,--no-gc-sections");
    }
}
