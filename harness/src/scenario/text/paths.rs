//! Paths and globs in scenarios and descriptions: all are relative to the cache directory, and none
//! may leave it.

use globset::GlobBuilder;

use super::nearest::nearest;

/// The names that stand for files which the client's description knows the paths of.
pub const ROLES: [&str; 3] = ["published", "lock", "temp"];

/// What is wrong with a glob that must match below the cache directory, if anything.
pub fn glob_fault(glob: &str) -> Option<String> {
    outside(glob).or_else(|| match GlobBuilder::new(glob).build() {
        Ok(_) => None,
        Err(error) => Some(format!("\"{glob}\" is no glob: {}", error.kind())),
    })
}

/// What is wrong with the path of one file that must lie below the cache directory, if anything.
pub fn path_fault(path: &str) -> Option<String> {
    outside(path).or_else(|| {
        path.contains(['*', '?', '[', '{'])
            .then(|| format!("\"{path}\" may be many files: one file's path is needed here"))
    })
}

/// What is wrong with a role or glob, if anything: like a glob, and no misspelt role.
pub fn role_or_glob_fault(text: &str) -> Option<String> {
    if ROLES.contains(&text) {
        return None;
    }
    let plain = text.chars().all(|character| character.is_ascii_lowercase() || character == '-');
    match nearest(text, &ROLES).filter(|_| plain) {
        Some(role) => Some(format!("\"{text}\" is no role: did you mean \"{role}\"?")),
        None => glob_fault(text),
    }
}

fn outside(path: &str) -> Option<String> {
    if path.is_empty() {
        Some("an empty path names nothing".to_owned())
    } else if path.starts_with('/') {
        Some(format!("\"{path}\" is absolute"))
    } else if path.split('/').any(|part| part == "..") {
        Some(format!("\"{path}\" leads out of the cache directory"))
    } else if path.contains('\0') {
        Some("a path cannot hold a zero byte".to_owned())
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(fault: impl Fn(&str) -> Option<String>, text: &str, expected: Option<&str>) {
        assert_eq!(fault(text).as_deref(), expected, "{text}");
    }

    #[test]
    fn globs_compile_and_stay_inside() {
        check(glob_fault, "*.tmp", None);
        check(glob_fault, "crush/.providers-*", None);
        check(glob_fault, "", Some("an empty path names nothing"));
        check(glob_fault, "/tmp/*", Some("\"/tmp/*\" is absolute"));
        check(glob_fault, "../*", Some("\"../*\" leads out of the cache directory"));
        check(glob_fault, "[a", Some("\"[a\" is no glob: unclosed character class; missing ']'"));
    }

    #[test]
    fn paths_name_one_file() {
        check(path_fault, "crush/providers.json", None);
        check(path_fault, "a..b", None);
        check(
            path_fault,
            "*.json",
            Some("\"*.json\" may be many files: one file's path is needed here"),
        );
    }

    #[test]
    fn roles_are_not_misspelt() {
        check(role_or_glob_fault, "published", None);
        check(role_or_glob_fault, "*.lock", None);
        check(role_or_glob_fault, "providers", None);
        check(role_or_glob_fault, "locks", Some("\"locks\" is no role: did you mean \"lock\"?"));
        check(role_or_glob_fault, "tmp", Some("\"tmp\" is no role: did you mean \"temp\"?"));
    }
}
