//! Masking (RFC 6455 5.3): the payload XORed with a four-byte key, eight bytes at a time.

/// Writes `source` XORed with `key` to `target`; `phase` payload bytes went before it in the frame.
///
/// Masking and unmasking are the same. Works up to the shorter of the two.
#[inline]
pub fn mask_into(target: &mut [u8], source: &[u8], key: [u8; 4], phase: u64) {
    let word = wide_key(key, phase);
    let length = target.len().min(source.len());
    let (target_words, target_rest) = target[..length].as_chunks_mut::<8>();
    let (source_words, source_rest) = source[..length].as_chunks::<8>();
    for (target, source) in target_words.iter_mut().zip(source_words) {
        *target = (u64::from_ne_bytes(*source) ^ word).to_ne_bytes();
    }
    for ((target, source), key) in target_rest.iter_mut().zip(source_rest).zip(word.to_ne_bytes()) {
        *target = source ^ key;
    }
}

/// Masks or unmasks in place; `phase` payload bytes went before `bytes` in the frame.
pub fn mask(bytes: &mut [u8], key: [u8; 4], phase: u64) {
    let word = wide_key(key, phase);
    let (words, rest) = bytes.as_chunks_mut::<8>();
    for bytes in words {
        *bytes = (u64::from_ne_bytes(*bytes) ^ word).to_ne_bytes();
    }
    for (byte, key) in rest.iter_mut().zip(word.to_ne_bytes()) {
        *byte ^= key;
    }
}

/// The key twice, turned so that its first byte is the one for payload byte `phase`.
fn wide_key(key: [u8; 4], phase: u64) -> u64 {
    let at = |offset: u64| key[((phase + offset) % 4) as usize];
    let [a, b, c, d] = [at(0), at(1), at(2), at(3)];
    u64::from_ne_bytes([a, b, c, d, a, b, c, d])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_length_and_phase_is_byte_by_byte_xor() {
        let key = [0x12, 0x34, 0x56, 0x78];
        let payload: Vec<u8> = (0..67).collect();
        for start in 0..16 {
            for end in start..payload.len() {
                let expected: Vec<u8> = (start..end).map(|at| payload[at] ^ key[at % 4]).collect();
                let mut target = vec![0; end - start];
                mask_into(&mut target, &payload[start..end], key, start as u64);
                assert_eq!(target, expected);
                let mut in_place = payload[start..end].to_vec();
                mask(&mut in_place, key, start as u64);
                assert_eq!(in_place, expected);
            }
        }
    }

    #[test]
    fn the_example_of_the_rfc() {
        let mut hello = [0x7f, 0x9f, 0x4d, 0x51, 0x58]; // RFC 6455 5.7
        mask(&mut hello, [0x37, 0xfa, 0x21, 0x3d], 0);
        assert_eq!(&hello, b"Hello");
    }
}
