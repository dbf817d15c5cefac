//! Entity tags (RFC 9110, section 8.8.3) as the real Catwalk makes and compares them.

/// Hex digits of the SHA-256 that an entity tag shows.
const DIGITS: usize = 16;

/// The entity tag of a body with this SHA-256 in hex: its first 16 digits in quotes.
pub fn of_digest(sha256: &str) -> String {
    format!("\"{}\"", sha256.get(..DIGITS).unwrap_or(sha256))
}

/// Whether an `If-None-Match` header names `etag`: a list of tags, some perhaps weak, or `*`. The
/// comparison is the weak one (RFC 9110, section 13.1.2).
pub fn matches(if_none_match: &str, etag: &str) -> bool {
    if if_none_match.trim() == "*" {
        return true;
    }
    let opaque = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    if_none_match.split(',').any(|tag| opaque(tag) == opaque(etag))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(if_none_match: &str, expected: bool) {
        assert_eq!(matches(if_none_match, "\"0123456789abcdef\""), expected, "{if_none_match}");
    }

    #[test]
    fn a_tag_is_the_first_digits_in_quotes() {
        assert_eq!(of_digest("0123456789abcdef0123"), "\"0123456789abcdef\"");
    }

    #[test]
    fn lists_weak_tags_and_the_star_match() {
        check("\"0123456789abcdef\"", true);
        check("W/\"0123456789abcdef\"", true);
        check("\"other\", \"0123456789abcdef\" , \"more\"", true);
        check(" * ", true);
        check("\"other\"", false);
        check("0123456789abcdef", false);
        check("", false);
    }
}
