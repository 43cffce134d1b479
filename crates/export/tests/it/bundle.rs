//! The zip archive of a run.

use std::fs;
use std::io::Read;
use std::sync::atomic::AtomicBool;

use export::bundle::{Entry, write_bundle};
use export::{Control, ExportError};

fn entries(folder: &std::path::Path) -> Vec<Entry> {
    fs::create_dir_all(folder.join("adapter/inner")).expect("created");
    fs::write(folder.join("adapter/adapter_model.safetensors"), vec![0u8; 100_000]).expect("written");
    fs::write(folder.join("adapter/inner/notes.txt"), "x".repeat(10_000)).expect("written");
    fs::write(folder.join("report.md"), "# report").expect("written");
    vec![
        Entry { source: folder.join("report.md"), name: "report.md".into() },
        Entry { source: folder.join("adapter"), name: "peft".into() },
    ]
}

#[test]
fn archives_are_complete_and_the_same_each_time() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut entries = entries(folder.path());
    let control = Control { cancel: &AtomicBool::new(false), progress: &|_| {} };
    let (first, second) = (folder.path().join("out/a.zip"), folder.path().join("out/b.zip"));
    let bundled = write_bundle(&first, &entries, &control).expect("written");
    assert_eq!(bundled.files, ["peft/adapter_model.safetensors", "peft/inner/notes.txt", "report.md"]);
    entries.reverse();
    write_bundle(&second, &entries, &control).expect("written");
    assert!(fs::read(&first).expect("read") == fs::read(&second).expect("read"));
    let mut archive = zip::ZipArchive::new(fs::File::open(&first).expect("opened")).expect("an archive");
    let mut text = String::new();
    archive.by_name("report.md").expect("there").read_to_string(&mut text).expect("read");
    assert_eq!(text, "# report");
    let stored = |archive: &mut zip::ZipArchive<fs::File>, name: &str| {
        let file = archive.by_name(name).expect("there");
        (file.compressed_size() == file.size(), file.size())
    };
    assert_eq!(stored(&mut archive, "peft/adapter_model.safetensors"), (true, 100_000));
    assert_eq!(stored(&mut archive, "peft/inner/notes.txt"), (false, 10_000));
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_left() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let mut entries = entries(folder.path());
    let out = folder.path().join("out/a.zip");
    let stopped = Control { cancel: &AtomicBool::new(true), progress: &|_| {} };
    assert!(matches!(write_bundle(&out, &entries, &stopped), Err(ExportError::Cancelled)));
    let control = Control { cancel: &AtomicBool::new(false), progress: &|_| {} };
    entries.push(Entry { source: folder.path().join("report.md"), name: "report.md".into() });
    assert!(write_bundle(&out, &entries, &control).expect_err("twice").to_string().contains("same name"));
    entries[2].source = folder.path().join("gone");
    assert!(write_bundle(&out, &entries, &control).expect_err("missing").to_string().contains("gone"));
    assert_eq!(fs::read_dir(folder.path().join("out")).expect("listed").count(), 0);
}
