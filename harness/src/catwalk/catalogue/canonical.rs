//! JSON apart from its spelling: what two documents must share to be the same catalogue.
//!
//! Clients may write a catalogue anew: indented, with sorted keys, with `1e-06` for `0.000001`, and
//! without members that are null, false, zero or empty, as `omitempty` of Go's `encoding/json` does.
//! All of that leaves the canonical form as it was. A member that appears twice is refused: parsers
//! differ in which one they keep, and a torn file is where such a thing comes from.

use std::collections::BTreeMap;
use std::io::Write;

use serde_json::{Map, Value};

/// Why bytes are not one JSON document without repeated members.
#[derive(Debug, thiserror::Error)]
pub enum NotJson {
    /// The bytes end before the document does.
    #[error("JSON cut off after {0} bytes")]
    CutOff(usize),
    /// The bytes are not JSON.
    #[error("not JSON: {0}")]
    Syntax(String),
    /// An object holds two members of the same name.
    #[error("JSON in which a member appears twice")]
    Repeated,
}

/// How often a member of each name occurs with a value that may be left out.
pub type Blanks = BTreeMap<String, usize>;

/// Counts the members of `value`, at any depth, that the canonical form leaves out.
pub fn blanks(value: &Value) -> Blanks {
    fn count(value: &Value, blanks: &mut Blanks) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| count(item, blanks)),
            Value::Object(members) => {
                for (key, value) in members {
                    if !is_left_out(value) {
                        count(value, blanks);
                    } else if let Some(number) = blanks.get_mut(key) {
                        *number += 1;
                    } else {
                        blanks.insert(key.clone(), 1);
                    }
                }
            }
            _ => {}
        }
    }
    let mut blanks = Blanks::new();
    count(value, &mut blanks);
    blanks
}

/// Reads one JSON document.
///
/// # Errors
/// Whatever is no JSON, is followed by more than white space, or holds a member twice.
pub fn parse(bytes: &[u8]) -> Result<Value, NotJson> {
    let text = str::from_utf8(bytes).map_err(|error| NotJson::Syntax(error.to_string()))?;
    // Through `FromStr`, which is compiled with serde_json and so optimised in every profile.
    let value: Value = text.parse().map_err(|error: serde_json::Error| match error.is_eof() {
        true => NotJson::CutOff(bytes.len()),
        false => NotJson::Syntax(error.to_string()),
    })?;
    if members(&value) == colons(bytes) { Ok(value) } else { Err(NotJson::Repeated) }
}

/// Members of all objects in `value`.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// Colons outside strings: one for each member that was written.
fn colons(json: &[u8]) -> usize {
    let (mut count, mut in_string, mut escaped) = (0, false, false);
    for &byte in json {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_string = !in_string,
            b':' if !in_string => count += 1,
            _ => {}
        }
    }
    count
}

fn is_left_out(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.values().all(is_left_out),
    }
}

/// Appends the canonical form of `value`: no two values that differ have the same one.
pub fn write(value: &Value, form: &mut Vec<u8>) {
    match value {
        Value::Null => form.push(b'0'),
        Value::Bool(value) => form.push(if *value { b't' } else { b'f' }),
        Value::Number(number) => write_number(number.as_f64().unwrap_or(f64::NAN), form),
        Value::String(text) => write_text(text, form),
        Value::Array(items) => {
            form.push(b'[');
            items.iter().for_each(|item| write(item, form));
            form.push(b']');
        }
        Value::Object(members) => write_object(members, form),
    }
}

fn write_object(members: &Map<String, Value>, form: &mut Vec<u8>) {
    let mut members: Vec<(&String, &Value)> =
        members.iter().filter(|(_, value)| !is_left_out(value)).collect();
    members.sort_unstable_by_key(|(key, _)| *key);
    form.push(b'{');
    for (key, value) in members {
        write_text(key, form);
        write(value, form);
    }
    form.push(b'}');
}

/// Twelve digits: enough for every price and token count, and few enough that parsers which round the
/// last digit differently agree.
fn write_number(value: f64, form: &mut Vec<u8>) {
    // Writing to a Vec cannot fail.
    let _ = write!(form, "n{value:.11e};");
}

fn write_text(text: &str, form: &mut Vec<u8>) {
    let _ = write!(form, "s{}:", text.len());
    form.extend_from_slice(text.as_bytes());
}

/// Compact JSON as Go's `json.MarshalIndent` with two spaces writes it, members in the same order.
pub fn indent(compact: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(compact.len() * 3 / 2);
    let (mut depth, mut in_string, mut escaped) = (0_usize, false, false);
    let line = |out: &mut Vec<u8>, depth: usize| {
        out.push(b'\n');
        out.resize(out.len() + 2 * depth, b' ');
    };
    for (index, &byte) in compact.iter().enumerate() {
        if in_string {
            in_string = byte != b'"' || escaped;
            escaped = byte == b'\\' && !escaped;
            out.push(byte);
            continue;
        }
        let empty = matches!(compact.get(index + 1), Some(b']' | b'}'));
        let was_empty = index > 0 && matches!(compact[index - 1], b'[' | b'{');
        match byte {
            b'[' | b'{' if !empty => {
                depth += 1;
                out.push(byte);
                line(&mut out, depth);
            }
            b']' | b'}' if !was_empty => {
                depth -= 1;
                line(&mut out, depth);
                out.push(byte);
            }
            b',' => {
                out.push(byte);
                line(&mut out, depth);
            }
            b':' => out.extend_from_slice(b": "),
            _ => {
                in_string = byte == b'"';
                out.push(byte);
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form(json: &str) -> Vec<u8> {
        let mut form = Vec::new();
        write(&parse(json.as_bytes()).expect(json), &mut form);
        form
    }

    fn check_same(left: &str, right: &str, same: bool) {
        assert_eq!(form(left) == form(right), same, "{left} and {right}");
    }

    #[test]
    fn spelling_does_not_count() {
        check_same(r#"{"a":1,"b":2}"#, " {\n\"b\": 2.0, \"a\": 1e0 }\n", true);
        check_same("0.000001", "1e-06", true);
        check_same(r#"{"a":1,"b":null,"c":{"d":[]},"e":0,"f":false,"g":""}"#, r#"{"a":1}"#, true);
        check_same(r#""caf\u00e9""#, "\"café\"", true);
    }

    #[test]
    fn content_counts() {
        check_same("1", "2", false);
        check_same("1", "\"1\"", false);
        check_same("[1,2]", "[2,1]", false);
        check_same("[0]", "[]", false);
        check_same(r#"["ab","c"]"#, r#"["a","bc"]"#, false);
        check_same(r#"{"a":1}"#, r#"{"b":1}"#, false);
        check_same("0.25", "0.2500001", false);
    }

    #[test]
    fn a_member_that_appears_twice_is_refused() {
        let repeated = |json: &str| matches!(parse(json.as_bytes()), Err(NotJson::Repeated));
        assert!(repeated(r#"{"a":0,"a":0}"#));
        assert!(repeated(r#"[{"b":{"a":1,"c":":","a":2}}]"#));
        assert!(!repeated(r#"[{"a:":0},{"a:":"\":\\"}]"#));
    }

    #[test]
    fn indentation_is_that_of_go() {
        let compact = br#"[{"a\"[,":1,"b":{},"c":[],"d":[2,"x:{"]}]"#;
        let expected = "[\n  {\n    \"a\\\"[,\": 1,\n    \"b\": {},\n    \"c\": [],\n    \"d\": [\n      2,\n      \"x:{\"\n    ]\n  }\n]";
        assert_eq!(String::from_utf8_lossy(&indent(compact)), expected);
    }
}
