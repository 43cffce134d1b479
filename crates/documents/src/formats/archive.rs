//! What a ZIP archive holds, for the formats that are archives.

use std::io::{Cursor, Read, Write};

use zip::ZipArchive;

/// The members that hold text may take so much unpacked, all together; what takes more is a bomb.
pub const MOST_UNPACKED_BYTES: u64 = 256 << 20;
/// Endings of the names of members that hold text.
const TEXT_ENDINGS: &[&str] = &[".xml", ".rels", ".xhtml", ".html", ".htm", ".opf", ".ncx", ".vml"];

/// The members of an archive that could be opened.
pub struct Archive {
    names: Vec<String>,
    /// The member `mimetype`, which OpenDocument and EPUB files begin with.
    pub media_type: Option<String>,
    /// A member is encrypted, or the manifest says so.
    pub encrypted: bool,
    /// Its text is longer than [`MOST_UNPACKED_BYTES`], whatever its headers say.
    pub is_bomb: bool,
}

impl Archive {
    /// The archive's directory, or why it cannot be read.
    pub fn open(bytes: &[u8]) -> Result<Self, String> {
        let mut archive = ZipArchive::new(Cursor::new(bytes)).map_err(|error| error.to_string())?;
        let names: Vec<String> = archive.file_names().map(str::to_string).collect();
        let flagged =
            (0..archive.len()).any(|index| archive.by_index_raw(index).is_ok_and(|file| file.encrypted()));
        let media_type = member(&mut archive, "mimetype", 200).map(|text| text.trim().to_string());
        let manifest = member(&mut archive, "META-INF/manifest.xml", 1 << 20).unwrap_or_default();
        let encrypted = flagged || manifest.contains("encryption-data");
        let is_bomb = !encrypted && is_bomb(&mut archive, &names);
        Ok(Self { names, media_type, encrypted, is_bomb })
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|member| member == name)
    }

    pub fn has_folder(&self, folder: &str) -> bool {
        self.names.iter().any(|member| member.starts_with(folder))
    }
}

/// Unpacks all text once, keeping none: headers may lie of sizes.
fn is_bomb(archive: &mut ZipArchive<Cursor<&[u8]>>, names: &[String]) -> bool {
    let mut left = MOST_UNPACKED_BYTES + 1;
    for name in names.iter().filter(|name| TEXT_ENDINGS.iter().any(|ending| name.ends_with(ending))) {
        let Ok(file) = archive.by_name(name) else { continue };
        let mut counted = Counted(0);
        // Members that are damaged count as far as they go.
        let _ = std::io::copy(&mut file.take(left), &mut counted);
        left -= counted.0;
        if left == 0 {
            return true;
        }
    }
    false
}

/// Counts what is written to it.
struct Counted(u64);

impl Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// A member's text, if it is not longer.
pub fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, most_bytes: u64) -> Option<String> {
    let file = archive.by_name(name).ok()?;
    let mut bytes = Vec::new();
    file.take(most_bytes + 1).read_to_end(&mut bytes).ok()?;
    if bytes.len() as u64 > most_bytes {
        return None;
    }
    Some(
        String::from_utf8(bytes)
            .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()),
    )
}
