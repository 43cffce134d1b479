//! What a ZIP archive holds, for the formats that are archives.

use std::io::{Cursor, Read};

use zip::ZipArchive;

/// The members of an archive that could be opened.
pub struct Archive {
    names: Vec<String>,
    /// The member `mimetype`, which OpenDocument and EPUB files begin with.
    pub media_type: Option<String>,
    /// A member is encrypted, or the manifest says so.
    pub encrypted: bool,
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
        Ok(Self { names, media_type, encrypted })
    }

    pub fn has(&self, name: &str) -> bool {
        self.names.iter().any(|member| member == name)
    }

    pub fn has_folder(&self, folder: &str) -> bool {
        self.names.iter().any(|member| member.starts_with(folder))
    }
}

/// The beginning of a member's text.
pub fn member(archive: &mut ZipArchive<Cursor<&[u8]>>, name: &str, most_bytes: u64) -> Option<String> {
    let file = archive.by_name(name).ok()?;
    let mut bytes = Vec::new();
    file.take(most_bytes).read_to_end(&mut bytes).ok()?;
    Some(String::from_utf8_lossy(&bytes).into_owned())
}
