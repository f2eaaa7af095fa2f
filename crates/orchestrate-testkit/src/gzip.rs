//! Gzip without a compressor: stored blocks for honest bodies, and a bomb of a few bytes' pattern.

/// Wraps `content` in gzip, uncompressed (RFC 1952 around stored blocks of RFC 1951).
pub fn stored(content: &[u8]) -> Vec<u8> {
    let mut out = HEADER.to_vec();
    let mut blocks = content.chunks(0xffff).peekable();
    if blocks.peek().is_none() {
        out.extend_from_slice(&[1, 0, 0, 0xff, 0xff]);
    }
    while let Some(block) = blocks.next() {
        out.push(u8::from(blocks.peek().is_none()));
        let length = u16::try_from(block.len()).unwrap_or(u16::MAX);
        out.extend_from_slice(&length.to_le_bytes());
        out.extend_from_slice(&(!length).to_le_bytes());
        out.extend_from_slice(block);
    }
    out.extend_from_slice(&crc32(content.iter().copied()).to_le_bytes());
    let size = u32::try_from(content.len() % (1 << 32)).unwrap_or_default();
    out.extend_from_slice(&size.to_le_bytes());
    out
}

/// Gzip that unpacks to `pattern` repeated up to about `size` bytes, about 160 times smaller than
/// that: one block of the fixed code, in which every match of 258 bytes costs 13 bits.
///
/// `pattern` has 1 to 4 ASCII bytes, since the distances 1 to 4 need no extra bits.
pub fn bomb(pattern: &[u8], size: usize) -> Vec<u8> {
    assert!((1..=4).contains(&pattern.len()) && pattern.is_ascii(), "1 to 4 ASCII bytes");
    let mut bits = Bits { out: HEADER.to_vec(), pending: 0, count: 0 };
    bits.low_first(0b011, 3); // the last block, fixed code
    for &byte in pattern {
        bits.high_first(0x30 + u32::from(byte), 8); // literals 0 to 143 are 8 bits from 0x30
    }
    let matches = size / 258;
    for _ in 0..matches {
        bits.high_first(0b1100_0101, 8); // length symbol 285: 258 bytes
        bits.high_first(u32::try_from(pattern.len() - 1).unwrap_or_default(), 5);
    }
    bits.high_first(0, 7); // end of block
    if bits.count > 0 {
        bits.low_first(0, 8 - bits.count);
    }
    let total = pattern.len() + matches * 258;
    let mut out = bits.out;
    out.extend_from_slice(&crc32(pattern.iter().copied().cycle().take(total)).to_le_bytes());
    out.extend_from_slice(&u32::try_from(total % (1 << 32)).unwrap_or_default().to_le_bytes());
    out
}

const HEADER: [u8; 10] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 0xff];

struct Bits {
    out: Vec<u8>,
    pending: u8,
    count: u32,
}

impl Bits {
    /// Writes `length` bits, the lowest first, as RFC 1951 packs everything but codes.
    fn low_first(&mut self, value: u32, length: u32) {
        for at in 0..length {
            self.bit(value >> at & 1 == 1);
        }
    }

    /// Writes a code of `length` bits, the highest first.
    fn high_first(&mut self, code: u32, length: u32) {
        for at in (0..length).rev() {
            self.bit(code >> at & 1 == 1);
        }
    }

    fn bit(&mut self, set: bool) {
        self.pending |= u8::from(set) << self.count;
        self.count += 1;
        if self.count == 8 {
            self.out.push(self.pending);
            (self.pending, self.count) = (0, 0);
        }
    }
}

/// CRC-32 as gzip uses it (polynomial 0xEDB88320, reflected), by a table of 16 entries.
fn crc32(bytes: impl Iterator<Item = u8>) -> u32 {
    let mut table = [0_u32; 16];
    for (index, entry) in (0_u32..).zip(table.iter_mut()) {
        *entry = (0..4).fold(index, |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)));
    }
    !bytes.fold(u32::MAX, |crc, byte| {
        let crc = crc ^ u32::from(byte);
        let crc = (crc >> 4) ^ table[(crc & 15) as usize];
        (crc >> 4) ^ table[(crc & 15) as usize]
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_checksum_is_the_one_of_the_standard() {
        assert_eq!(crc32(b"123456789".iter().copied()), 0xcbf4_3926);
    }

    #[test]
    fn a_bomb_is_much_smaller_than_what_it_holds() {
        assert!(bomb(b":\n", 16 << 20).len() < 110 << 10);
    }
}
