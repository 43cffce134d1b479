//! Writes ZIP archives (APPNOTE 6.3) member by member, so that their headers can lie.

use std::io::Write;

use flate2::write::DeflateEncoder;
use flate2::{Compression, Crc};

/// A packed member and what the headers say of it.
pub struct Member {
    name: String,
    packed: Vec<u8>,
    crc: u32,
    /// Length before packing, as the headers say.
    pub size: u32,
    /// Length of the packed bytes, as the headers say.
    pub packed_size: u32,
    /// Added to the place where the directory says that it begins.
    pub shift: u32,
}

impl Member {
    pub fn new(name: &str, bytes: &[u8]) -> Self {
        Self::repeating(name, bytes, b"", 0, b"")
    }

    /// `head`, then `times` the `filling`, then `tail`: a bomb need not be held unpacked.
    pub fn repeating(name: &str, head: &[u8], filling: &[u8], times: usize, tail: &[u8]) -> Self {
        let mut crc = Crc::new();
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::fast());
        let mut write = |bytes: &[u8]| {
            crc.update(bytes);
            encoder.write_all(bytes).expect("memory can be written to");
        };
        write(head);
        let block = filling.repeat(times.min((1 << 20) / filling.len().max(1)).max(1));
        let in_block = block.len() / filling.len().max(1);
        for _ in 0..times / in_block.max(1) {
            write(&block);
        }
        write(tail);
        let packed = encoder.finish().expect("memory can be written to");
        let packed_size = packed.len() as u32;
        Self { name: name.to_string(), packed, crc: crc.sum(), size: crc.amount(), packed_size, shift: 0 }
    }

    /// The fields that the local header and the directory share.
    fn fields(&self) -> Vec<u8> {
        let mut out = Vec::new();
        // Version 2.0, no flags, deflated, no time, 1 January 1980.
        for field in [20_u16, 0, 8, 0, 0x21] {
            out.extend(field.to_le_bytes());
        }
        for field in [self.crc, self.packed_size, self.size] {
            out.extend(field.to_le_bytes());
        }
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend([0, 0]);
        out
    }
}

/// The archive. `count` is how many members its end says that there are.
pub fn archive_saying(members: &[Member], count: u16) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for member in members {
        let place = out.len() as u32 + member.shift;
        out.extend(b"PK\x03\x04");
        out.extend(member.fields());
        out.extend(member.name.bytes());
        out.extend(&member.packed);
        directory.extend(b"PK\x01\x02\x14\0");
        directory.extend(member.fields());
        // No comment, disk 0, no attributes.
        directory.extend([0; 10]);
        directory.extend(place.to_le_bytes());
        directory.extend(member.name.bytes());
    }
    let place = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend(count.to_le_bytes());
    out.extend(count.to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(place.to_le_bytes());
    out.extend([0, 0]);
    out
}

/// The archive, truly described.
pub fn archive(members: &[Member]) -> Vec<u8> {
    archive_saying(members, members.len() as u16)
}
