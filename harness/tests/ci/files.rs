//! The files, and the values in them.

use std::fs;
use std::path::PathBuf;

use serde_json::Value;

/// A file below the root of the repository.
pub fn path(name: &str) -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/..")).join(name)
}

/// Its text.
pub fn text(name: &str) -> String {
    let path = path(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The documents of a YAML file.
pub fn documents(name: &str) -> Vec<Value> {
    serde_saphyr::from_multiple(&text(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// The only document of a YAML file.
pub fn document(name: &str) -> Value {
    let mut documents = documents(name);
    assert_eq!(documents.len(), 1, "{name}");
    documents.remove(0)
}

/// The strings of a list.
pub fn strings(list: &Value) -> Vec<String> {
    let list = list.as_array().unwrap_or_else(|| panic!("{list} is no list"));
    list.iter().map(string).collect()
}

/// A string.
pub fn string(value: &Value) -> String {
    value.as_str().unwrap_or_else(|| panic!("{value} is no string")).to_owned()
}

/// A whole number.
pub fn number(value: &Value) -> u32 {
    let number = value.as_u64().unwrap_or_else(|| panic!("{value} is no number"));
    u32::try_from(number).unwrap()
}

/// A text with its variables replaced; none may be left.
pub fn filled(text: &str, variables: &[(&str, String)]) -> String {
    let mut filled = text.to_owned();
    for (name, value) in variables {
        filled = filled.replace(name, value);
    }
    assert!(!filled.contains('$'), "a variable is left: {filled}");
    filled
}
