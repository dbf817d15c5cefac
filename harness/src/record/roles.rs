//! What a file in the cache directory is, by the client's description.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{LazyLock, Mutex, PoisonError};

use globset::{Glob, GlobBuilder, GlobMatcher};

use crate::model::client::Files;
use crate::model::record::Role;

/// The files of a client, ready to be matched. By default nothing is anything.
#[derive(Debug, Clone, Default)]
pub struct Roles {
    published: PathBuf,
    globs: Vec<(Role, GlobMatcher)>,
}

/// A glob of a client's description that does not compile.
#[derive(Debug, thiserror::Error)]
#[error("\"{glob}\" is no glob: {source}")]
pub struct BadGlob {
    /// As written.
    pub glob: String,
    /// What is wrong.
    #[source]
    pub source: globset::Error,
}

impl Roles {
    /// Compiles the globs of a description.
    ///
    /// # Errors
    /// Names the glob that does not compile.
    pub fn new(files: &Files) -> Result<Self, BadGlob> {
        // Order matters: a temporary that also looks like a sidecar is a temporary.
        let kinds = [
            (Role::Lock, &files.locks),
            (Role::Temp, &files.temporaries),
            (Role::Sidecar, &files.sidecars),
        ];
        let globs = kinds
            .into_iter()
            .flat_map(|(role, globs)| globs.iter().map(move |text| (role, text)))
            .map(|(role, text)| Ok((role, glob(text)?)))
            .collect::<Result<_, _>>()?;
        Ok(Self { published: PathBuf::from(&files.published), globs })
    }

    /// What the file at `path`, relative to the cache directory, is.
    pub fn of(&self, path: &Path) -> Role {
        if path == self.published {
            return Role::Published;
        }
        self.globs
            .iter()
            .find(|(_, matcher)| matcher.is_match(path))
            .map_or(Role::Other, |(role, _)| *role)
    }

    /// The published file, relative to the cache directory.
    pub fn published(&self) -> &Path {
        &self.published
    }
}

/// A pattern of a scenario: roles by name, or a glob relative to the cache directory.
#[derive(Debug, Clone)]
pub enum Pattern {
    /// `published`, `lock`, `temp`, `sidecar`, or several with `|` between them.
    Roles(Vec<Role>),
    /// Anything else.
    Glob(GlobMatcher),
}

impl Pattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Names the glob that does not compile.
    pub fn new(text: &str) -> Result<Self, BadGlob> {
        let role = |text: &str| {
            [Role::Published, Role::Lock, Role::Temp, Role::Sidecar]
                .into_iter()
                .find(|role| role.to_string() == text)
        };
        match text.split('|').map(role).collect() {
            Some(roles) => Ok(Self::Roles(roles)),
            None => glob(text).map(Self::Glob),
        }
    }

    /// Whether a file of this role at this path is meant.
    pub fn matches(&self, role: Role, path: &Path) -> bool {
        match self {
            Self::Roles(wanted) => wanted.contains(&role),
            Self::Glob(matcher) => matcher.is_match(path),
        }
    }
}

/// The globs that were compiled, by their text. A suite asks for the same few in each of its runs, and to compile
/// one takes longer than all its matching in a run.
static COMPILED: LazyLock<Mutex<HashMap<String, GlobMatcher>>> = LazyLock::new(Mutex::default);

fn glob(text: &str) -> Result<GlobMatcher, BadGlob> {
    // Whoever panicked with it had nothing half done.
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(known) = compiled.get(text) {
        return Ok(known.clone());
    }
    let matcher = GlobBuilder::new(text)
        .literal_separator(true)
        .build()
        .map(|glob: Glob| glob.compile_matcher())
        .map_err(|source| BadGlob { glob: text.to_owned(), source })?;
    compiled.insert(text.to_owned(), matcher.clone());
    Ok(matcher)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::client::{LockKind, PublishedForm};

    fn files() -> Files {
        Files {
            published: "crush/providers.json".into(),
            form: PublishedForm::Catalogue,
            locks: vec!["crush/*.lock".into()],
            lock_kind: LockKind::Advisory,
            temporaries: vec!["crush/*.tmp".into(), "crush/.*.tmp".into()],
            sidecars: vec!["crush/providers.json.*".into()],
            embedded: None,
        }
    }

    fn check(path: &str, expected: Role) {
        let roles = Roles::new(&files()).unwrap();
        assert_eq!(roles.of(Path::new(path)), expected, "{path}");
    }

    #[test]
    fn roles_follow_the_description() {
        check("crush/providers.json", Role::Published);
        check("crush/providers.json.lock", Role::Lock);
        check("crush/providers.json.tmp", Role::Temp);
        check("crush/.providers.json.Ab3.tmp", Role::Temp);
        check("crush/providers.json.etag", Role::Sidecar);
        check("providers.json.lock", Role::Other);
        check("crush/deep/x.lock", Role::Other);
    }

    #[test]
    fn patterns_are_roles_or_globs() {
        let check = |text: &str, path: &str, expected: bool| {
            let role = Roles::new(&files()).unwrap().of(Path::new(path));
            let pattern = Pattern::new(text).unwrap();
            assert_eq!(pattern.matches(role, Path::new(path)), expected, "{text} {path}");
        };
        check("lock", "crush/a.lock", true);
        check("temp", "crush/a.lock", false);
        check("temp|lock", "crush/a.lock", true);
        check("published|temp", "crush/a.lock", false);
        check("**/*.lock", "crush/a.lock", true);
        check("*.lock", "crush/a.lock", false);
        assert!(Pattern::new("a{").is_err());
    }
}
