//! The parts of a line that strace prints.

use std::path::{Component, Path, PathBuf};

/// What came of a call: `never`, the name of an error, or a number.
pub(super) fn class(result: &str) -> String {
    if result.starts_with('?') {
        return "never".to_owned();
    }
    let mut words = result.split_whitespace();
    let number = words.next().unwrap_or_default();
    match (number, words.next()) {
        ("-1", Some(error)) => error.to_owned(),
        _ => number.split('<').next().unwrap_or_default().to_owned(),
    }
}

/// The address in `0x7f0000`.
pub(super) fn address_of(text: &str) -> Option<u64> {
    u64::from_str_radix(text.strip_prefix("0x")?, 16).ok()
}

/// A path relative to a directory, or the whole path where it is not in there.
pub(super) fn relative(path: &str, root: &Path) -> Result<String, String> {
    match Path::new(path).strip_prefix(root) {
        Ok(inside) if inside.as_os_str().is_empty() => Ok(".".to_owned()),
        Ok(inside) => Ok(inside.to_string_lossy().into_owned()),
        Err(_) => Err(path.to_owned()),
    }
}

pub(super) fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut normal, component| {
        match component {
            Component::ParentDir => drop(normal.pop()),
            Component::CurDir => {}
            other => normal.push(other),
        }
        normal
    })
}

/// The text of an argument in quotation marks.
pub(super) fn quoted(arg: &str) -> Option<&str> {
    arg.strip_prefix('"')?.rsplit_once('"').map(|(text, _)| text)
}

/// What strace says that a descriptor stands for: `3</a/b>`, `3</a/b>(deleted)`, `AT_FDCWD</a>`.
pub(super) fn described(arg: &str) -> Option<&str> {
    let (_, rest) = arg.split_once('<')?;
    let text = rest.strip_suffix("(deleted)").unwrap_or(rest);
    text.rsplit_once('>').map(|(text, _)| text)
}

/// The other end in `TCP:[127.0.0.1:1->127.0.0.1:2]`.
pub(super) fn peer(described: &str) -> Option<String> {
    let (_, peer) = described.strip_prefix("TCP:[")?.strip_suffix(']')?.split_once("->")?;
    Some(peer.to_owned())
}

/// The address in `{sa_family=AF_INET, sin_port=htons(1), sin_addr=inet_addr("127.0.0.1")}`.
pub(super) fn address(arg: &str) -> Option<String> {
    let (_, port) = arg.split_once("sin_port=htons(")?;
    let (_, host) = arg.split_once("inet_addr(\"")?;
    Some(format!("{}:{}", host.split_once('"')?.0, port.split_once(')')?.0))
}

/// Arguments apart, with structures and what descriptors stand for left whole.
pub(super) fn arguments(text: &str) -> Vec<String> {
    let (mut args, mut depth, mut in_text, mut in_descriptor) =
        (vec![String::new()], 0, false, false);
    let letters: Vec<char> = text.chars().collect();
    for (at, letter) in letters.iter().enumerate() {
        let next = letters.get(at + 1);
        match letter {
            '"' if at == 0 || letters[at - 1] != '\\' => in_text = !in_text,
            _ if in_text => {}
            '<' if at > 0 && letters[at - 1].is_ascii_alphanumeric() => in_descriptor = true,
            '>' if in_descriptor && next.is_none_or(|next| ",)( ]}|".contains(*next)) => {
                in_descriptor = false;
            }
            _ if in_descriptor => {}
            '{' | '[' | '(' => depth += 1,
            '}' | ']' | ')' => depth -= 1,
            ',' if depth == 0 => {
                args.push(String::new());
                continue;
            }
            _ => {}
        }
        let last = args.len() - 1;
        if !(args[last].is_empty() && *letter == ' ') {
            args[last].push(*letter);
        }
    }
    args
}
