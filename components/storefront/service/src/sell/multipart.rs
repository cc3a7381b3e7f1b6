//! Forms with files (RFC 7578), whole in memory: what browsers send, and nothing else.
//!
//! Parsers of the field read streams, and so bring what waits; a service waits for nothing but its
//! ports. Nothing is copied here.

/// One field.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Part<'b> {
    pub(super) name: &'b str,
    pub(super) bytes: &'b [u8],
}

/// The fields in their order; none where the body is not whole, or not what its kind says.
pub(super) fn parts<'b>(kind: &str, body: &'b [u8]) -> Option<Vec<Part<'b>>> {
    // Every field but the first follows upon a line.
    let between = format!("\r\n--{}", boundary(kind)?);
    let (between, first) = (between.as_bytes(), between.as_bytes().get(2..)?);
    let mut rest = body.strip_prefix(first)?;
    let mut parts = Vec::new();
    while !rest.starts_with(b"--") {
        let (head, tail) = split(rest.strip_prefix(b"\r\n")?, b"\r\n\r\n")?;
        let (bytes, next) = split(tail, between)?;
        if parts.len() == PARTS_MAX {
            return None;
        }
        parts.push(Part { name: name(head)?, bytes });
        rest = next;
    }
    Some(parts)
}

/// Is this the kind of a form with files?
pub(super) fn is_kind(kind: &str) -> bool {
    let (kind, _) = kind.split_once(';').unwrap_or((kind, ""));
    kind.trim().eq_ignore_ascii_case("multipart/form-data")
}

/// What stands between the fields: 1 to 70 characters (RFC 2046 §5.1.1).
fn boundary(kind: &str) -> Option<&str> {
    let mut parameters = kind.split(';').skip(1).filter_map(|pair| pair.trim().split_once('='));
    let (_, value) = parameters.find(|(name, _)| name.eq_ignore_ascii_case("boundary"))?;
    let value = value.trim_matches('"');
    (1..=70).contains(&value.len()).then_some(value)
}

/// What stands before a mark that begins with a return, and what behind it.
fn split<'b>(bytes: &'b [u8], mark: &[u8]) -> Option<(&'b [u8], &'b [u8])> {
    let mut from = 0;
    loop {
        let next = bytes.get(from..)?.iter().position(|byte| *byte == b'\r')?;
        let (before, after) = bytes.split_at_checked(from.saturating_add(next))?;
        if let Some(behind) = after.strip_prefix(mark) {
            return Some((before, behind));
        }
        from = before.len().saturating_add(1);
    }
}

/// The name of a field. Browsers write it first, and quotes in it as `%22`.
fn name(head: &[u8]) -> Option<&str> {
    let head = core::str::from_utf8(head).ok()?;
    let (_, rest) = head.split("\r\n").find_map(|line| {
        let (header, value) = line.split_once(':')?;
        let is_it = header.trim().eq_ignore_ascii_case("content-disposition");
        value.split_once("; name=\"").filter(|_| is_it)
    })?;
    rest.split_once('"').map(|(name, _)| name)
}

/// A form here has three.
const PARTS_MAX: usize = 16;

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "tests")]
mod tests {
    use super::*;

    const KIND: &str = "multipart/form-data; boundary=----WebKitFormBoundaryA1";

    fn body(bytes: &[u8]) -> Vec<u8> {
        let head = "------WebKitFormBoundaryA1\r\nContent-Disposition: form-data; \
            name=\"form_token\"\r\n\r\ntoken\r\n------WebKitFormBoundaryA1\r\n\
            Content-Disposition: form-data; name=\"picture\"; filename=\"a; name=.png\"\r\n\
            Content-Type: image/png\r\n\r\n";
        [head.as_bytes(), bytes, b"\r\n------WebKitFormBoundaryA1--\r\n"].concat()
    }

    #[test]
    fn fields_and_files_are_read_byte_by_byte() {
        for bytes in [
            b"\x89PNG\r\n\x1a\n\r\r\n\r\n".as_slice(),
            b"",
            b"\r\n------WebKitFormBoundaryA",
            b"--",
            &[13; 300],
        ] {
            let body = body(bytes);
            let expected =
                [Part { name: "form_token", bytes: b"token" }, Part { name: "picture", bytes }];
            assert_eq!(parts(KIND, &body).unwrap(), expected, "{bytes:?}");
        }
    }

    #[test]
    fn the_boundary_may_stand_in_quotes() {
        let kind = "Multipart/Form-Data; charset=utf-8; BOUNDARY=\"x y\"";
        assert!(is_kind(kind));
        let body = b"--x y\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n1\r\n--x y--";
        assert_eq!(parts(kind, body).unwrap(), [Part { name: "a", bytes: b"1" }]);
    }

    #[test]
    fn what_is_cut_or_not_a_form_is_nothing() {
        let whole = body(b"\r\n\r\n");
        let end = whole.len() - b"--\r\n".len();
        for cut in 0..end {
            assert_eq!(parts(KIND, whole.get(..cut).unwrap()), None, "{cut}");
        }
        for (kind, body) in [
            ("multipart/form-data", whole.as_slice()),
            ("multipart/form-data; boundary=", b"--\r\n"),
            ("multipart/form-data; boundary=b", &whole),
            ("multipart/form-data; boundary=b", b"--b\r\ncontent-type: a\r\n\r\n\r\n--b--"),
            ("multipart/form-data; boundary=b", b"--b\r\n\xff\r\n\r\n\r\n--b--"),
        ] {
            assert_eq!(parts(kind, body), None, "{kind}");
        }
        let many = "--b\r\ncontent-disposition: form-data; name=\"a\"\r\n\r\n\r\n".repeat(17);
        assert_eq!(parts("multipart/form-data; boundary=b", many.as_bytes()), None);
        assert!(!is_kind("multipart/mixed; boundary=b") && !is_kind("image/png"));
    }
}
