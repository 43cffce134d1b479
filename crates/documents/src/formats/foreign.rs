//! Files that are no documents, by their first bytes: their names for messages.

/// First bytes, from where they stand, and what such a file is called.
const SIGNATURES: &[(usize, &[u8], &str)] = &[
    (0, b"GIF8", "a GIF picture"),
    (8, b"WEBP", "a WebP picture"),
    (0, b"BM", "a BMP picture"),
    (8, b"WAVE", "a sound (WAV)"),
    (0, b"ID3", "a sound (MP3)"),
    (0, b"OggS", "a sound (Ogg)"),
    (0, b"fLaC", "a sound (FLAC)"),
    (4, b"ftyp", "a film or sound (MP4)"),
    (0, b"\x1A\x45\xDF\xA3", "a film (Matroska or WebM)"),
    (0, b"\x7FELF", "a program"),
    (0, b"MZ", "a program"),
    (0, b"\x1F\x8B", "an archive (gzip)"),
    (0, b"BZh", "an archive (bzip2)"),
    (0, b"\xFD7zXZ\0", "an archive (xz)"),
    (0, b"\x28\xB5\x2F\xFD", "an archive (zstd)"),
    (0, b"7z\xBC\xAF\x27\x1C", "an archive (7z)"),
    (0, b"Rar!\x1A\x07", "an archive (RAR)"),
    (257, b"ustar", "an archive (tar)"),
    (0, b"PAR1", "a Parquet file, which is data and is imported as a dataset"),
    (0, b"SQLite format 3\0", "a SQLite database"),
    (0, b"GGUF", "a GGUF model"),
    (0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1", "an old binary Office file (such as .doc, .xls, .ppt)"),
];

/// What a file that no reader recognises is.
pub fn name(bytes: &[u8]) -> Option<&'static str> {
    let fits = |(place, signature, _): &&(usize, &[u8], &str)| {
        bytes.get(*place..).is_some_and(|rest| rest.starts_with(signature))
    };
    SIGNATURES.iter().find(fits).map(|(_, _, name)| *name)
}
