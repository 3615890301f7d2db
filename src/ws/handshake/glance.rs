//! Glances at a head that may be half there or hardly one: for a line that shows it, not for what depends on it.

/// The first line, without its end.
pub fn first_line(head: &[u8]) -> &[u8] {
    let line = head.split(|octet| *octet == b'\n').next().unwrap_or_default();
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// The word of number `place` in the first line: 0 is a request's method, 1 a response's status.
pub fn first_line_word(head: &[u8], place: usize) -> Option<&[u8]> {
    first_line(head).split(|octet| *octet == b' ').nth(place)
}

/// The values of the lines of that name, in order, without the space around them.
pub fn values<'a>(head: &'a [u8], name: &'a str) -> impl Iterator<Item = &'a [u8]> {
    head.split(|octet| *octet == b'\n').skip(1).filter_map(move |line| {
        let colon = line.iter().position(|octet| *octet == b':')?;
        let (found, value) = line.split_at(colon);
        found.eq_ignore_ascii_case(name.as_bytes()).then(|| value[1..].trim_ascii())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_as_far_as_it_goes() {
        let head = b"HTTP/1.1 401 No\r\nX: 1\r\nlocation : a\r\nLocation:  /b \r\nLOCATION: /c";
        assert_eq!(first_line(head), b"HTTP/1.1 401 No");
        assert_eq!(first_line_word(head, 1), Some(&b"401"[..]));
        assert_eq!(first_line_word(head, 3), None);
        assert_eq!(values(head, "location").collect::<Vec<_>>(), [&b"/b"[..], b"/c"]);
        assert_eq!(
            (first_line(b""), first_line_word(b"", 0), values(b"", "x").count()),
            (&b""[..], Some(&b""[..]), 0)
        );
    }
}
