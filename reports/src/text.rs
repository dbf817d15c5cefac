//! Words and lines: numbers with their nouns, durations for people, wrapping, and harmless text.

use std::fmt::Write as _;

/// No line is wrapped to fewer characters than this, however narrow the terminal.
const NARROWEST: usize = 20;

/// `1 request`, `3 requests`, `2 processes`.
pub fn counted(number: impl Into<u64>, noun: &str) -> String {
    let number = number.into();
    let ending = match (number, noun.ends_with('s')) {
        (1, _) => "",
        (_, false) => "s",
        (_, true) => "es",
    };
    format!("{number} {noun}{ending}")
}

/// A length of time with as many digits as a person wants: `0.004 s`, `0.21 s`, `10.4 s`,
/// `2 min 05 s`, `1 h 02 min`.
pub fn duration(milliseconds: u64) -> String {
    // The seconds are far below 2^52, so that the conversion is exact.
    #[allow(clippy::cast_precision_loss)]
    let seconds = milliseconds as f64 / 1000.0;
    // Each bound is where rounding would carry into the next form: 59.95 s must not print as 60.0 s.
    match milliseconds {
        0..95 => format!("{seconds:.3} s"),
        95..9_995 => format!("{seconds:.2} s"),
        9_995..59_950 => format!("{seconds:.1} s"),
        59_950..3_599_500 => {
            let whole = (milliseconds + 500) / 1000;
            format!("{} min {:02} s", whole / 60, whole % 60)
        }
        _ => {
            let minutes = milliseconds.saturating_add(30_000) / 60_000;
            format!("{} h {:02} min", minutes / 60, minutes % 60)
        }
    }
}

/// `7`, `7 and 19`, `7, 19 and 44`; beyond eight numbers it says how many more there are.
pub fn listed(numbers: &[u32]) -> String {
    const SHOWN: usize = 8;
    let mut words: Vec<String> = numbers.iter().take(SHOWN).map(u32::to_string).collect();
    if numbers.len() > SHOWN {
        words.push(format!("{} more", numbers.len() - SHOWN));
    }
    match words.split_last() {
        None => String::new(),
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
    }
}

/// Text with control characters made visible (`\u{1b}`), so that what a client printed can neither
/// move the cursor of a terminal nor make XML invalid. Line breaks stay, tabs become spaces.
pub fn clean(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.replace("\r\n", "\n").chars() {
        match character {
            '\n' => out.push('\n'),
            '\t' => out.push(' '),
            // U+FFFE and U+FFFF are not control characters, but no XML document may hold them.
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => {
                out.extend(c.escape_unicode());
            }
            c => out.push(c),
        }
    }
    out
}

/// Text without the escape codes that style it.
pub fn without_styles(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Text on one line, with single spaces.
pub fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The first line that is not blank, with single spaces.
pub fn first_line(text: &str) -> String {
    text.lines().map(one_line).find(|line| !line.is_empty()).unwrap_or_default()
}

/// The lines of `text`, none longer than `width` characters. Breaks between words only: a word
/// that is longer than the width stays whole. Line breaks in the text are kept.
pub fn wrap(text: &str, width: usize) -> Vec<String> {
    let width = width.max(1);
    let mut lines = Vec::new();
    for paragraph in text.lines() {
        let mut line = String::new();
        let mut length = 0;
        for word in paragraph.split_whitespace() {
            let word_length = word.chars().count();
            if length > 0 && length + 1 + word_length > width {
                lines.push(std::mem::take(&mut line));
                length = 0;
            }
            if length > 0 {
                line.push(' ');
                length += 1;
            }
            line.push_str(word);
            length += word_length;
        }
        lines.push(line);
    }
    lines
}

/// A paragraph that starts with `bullet` at column `indent` and whose further lines stand under its
/// first word. Ends with a line break.
pub fn hanging(indent: usize, bullet: &str, text: &str, width: usize) -> String {
    let hang = indent + bullet.chars().count();
    let lines = wrap(text, width.saturating_sub(hang).max(NARROWEST));
    let mut out = String::new();
    for (index, line) in lines.iter().enumerate() {
        // Writing into a string cannot fail.
        let _ = if index == 0 {
            writeln!(out, "{:indent$}{bullet}{line}", "")
        } else {
            writeln!(out, "{:hang$}{line}", "")
        };
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_agree_with_their_nouns() {
        assert_eq!(counted(1_u32, "request"), "1 request");
        assert_eq!(counted(0_u32, "request"), "0 requests");
        assert_eq!(counted(2_u32, "process"), "2 processes");
    }

    #[test]
    fn durations_have_the_digits_that_a_person_wants() {
        let check = |milliseconds, expected| assert_eq!(duration(milliseconds), expected);
        check(0, "0.000 s");
        check(4, "0.004 s");
        check(210, "0.21 s");
        check(9_994, "9.99 s");
        check(9_995, "10.0 s");
        check(59_949, "59.9 s");
        check(59_950, "1 min 00 s");
        check(125_000, "2 min 05 s");
        check(3_599_499, "59 min 59 s");
        check(3_599_500, "1 h 00 min");
        check(3_720_000, "1 h 02 min");
        check(u64::MAX, "5124095576030 h 25 min");
    }

    #[test]
    fn lists_end_with_and() {
        assert_eq!(listed(&[]), "");
        assert_eq!(listed(&[7]), "7");
        assert_eq!(listed(&[7, 19]), "7 and 19");
        assert_eq!(listed(&[7, 19, 44]), "7, 19 and 44");
        let many: Vec<u32> = (1..=50).collect();
        assert_eq!(listed(&many), "1, 2, 3, 4, 5, 6, 7, 8 and 42 more");
    }

    #[test]
    fn control_characters_become_visible() {
        assert_eq!(clean("a\tb\r\nc\u{1b}[2Jd\0\u{ffff}"), "a b\nc\\u{1b}[2Jd\\u{0}\\u{ffff}");
        assert_eq!(clean("naïve – 猫"), "naïve – 猫");
    }

    fn check_wrap(text: &str, width: usize, expected: &[&str]) {
        assert_eq!(wrap(text, width), expected, "{text:?} at {width}");
    }

    #[test]
    fn wrapping_breaks_between_words_and_never_cuts_one() {
        check_wrap("", 10, &[]);
        check_wrap("one two three", 7, &["one two", "three"]);
        check_wrap("one two three", 6, &["one", "two", "three"]);
        check_wrap("incomprehensibilities yes", 5, &["incomprehensibilities", "yes"]);
        check_wrap("kept\nline breaks", 40, &["kept", "line breaks"]);
        check_wrap("zwölf größe", 6, &["zwölf", "größe"]);
        check_wrap("a b", 0, &["a", "b"]);
    }

    #[test]
    fn further_lines_hang_under_the_first_word() {
        let text = "c03 sent a second request while c01 held the lock.";
        assert_eq!(
            hanging(2, "- ", text, 30),
            "  - c03 sent a second request\n    while c01 held the lock.\n"
        );
    }
}
