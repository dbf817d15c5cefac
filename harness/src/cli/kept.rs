//! Tables that stand in a repository, such as the kill matrix: read, and written anew in every form.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context, ensure};
use serde::Deserialize;
use serde::de::DeserializeOwned;

/// All of a table that is looked at before the rest.
#[derive(Deserialize)]
struct Head {
    schema: String,
}

/// The table called `name` that was kept in a folder, if one was; `schema` is the version that is read.
///
/// # Errors
/// When the file cannot be read, holds something else, or is of another version.
pub fn read<T: DeserializeOwned>(
    folder: &Path,
    name: &str,
    schema: &str,
) -> anyhow::Result<Option<T>> {
    let file = folder.join(name).with_extension("json");
    let text = match fs::read_to_string(&file) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("read {}", file.display()))?,
    };
    let other = || format!("{} is no {name}; remove it", file.display());
    let head: Head = serde_json::from_str(&text).with_context(other)?;
    ensure!(
        head.schema == schema,
        "{} is written in {}, not {schema}; remove it",
        file.display(),
        head.schema
    );
    serde_json::from_str(&text).with_context(other).map(Some)
}

/// Writes a table called `name` into a folder: its texts, each with the ending of its file.
///
/// # Errors
/// When the system refuses.
pub fn write(folder: &Path, name: &str, texts: &[(&str, String)]) -> anyhow::Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("make {}", folder.display()))?;
    for (ending, text) in texts {
        let file = folder.join(name).with_extension(ending);
        fs::write(&file, text).with_context(|| format!("write {}", file.display()))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Deserialize, Debug, PartialEq)]
    struct Table {
        schema: String,
        rows: u32,
    }

    #[test]
    fn what_was_kept_is_read_and_anything_else_is_named_with_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let read = || read::<Table>(folder.path(), "crash", "crash/1");
        assert_eq!(read().unwrap(), None);
        let keep =
            |text: &str| write(folder.path(), "crash", &[("json", text.to_owned())]).unwrap();
        keep(r#"{"schema": "crash/1", "rows": 2}"#);
        assert_eq!(read().unwrap(), Some(Table { schema: "crash/1".to_owned(), rows: 2 }));
        keep(r#"{"schema": "crash/2", "lines": 2}"#);
        let error = read().unwrap_err().to_string();
        assert!(
            error.ends_with("crash.json is written in crash/2, not crash/1; remove it"),
            "{error}"
        );
        keep("[]");
        let error = read().unwrap_err().to_string();
        assert!(error.ends_with("crash.json is no crash; remove it"), "{error}");
    }
}
