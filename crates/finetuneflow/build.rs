//! Lets cargo notice that the web app was built: the folder that is embedded has to exist for that.

fn main() {
    let assets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../web/dist");
    // Without the folder cargo would run this again each time; the program then says that the web app was not built.
    let _ = std::fs::create_dir_all(&assets);
    println!("cargo:rerun-if-changed={}", assets.display());
}
