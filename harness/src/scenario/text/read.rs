//! A text becomes a value, or all of its mistakes.

use std::ops::Range;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::{DeTable, DeValue, Deserializer};

use super::diagnostic::{Diagnostics, Problem};
use super::locate::Node;
use super::source::Source;
use super::wording;

/// Reads a value from TOML: its syntax, its types, and by `check` its meaning.
///
/// # Errors
///
/// All mistakes of the first of these three that has any: what comes after would only repeat them.
pub fn read<T: DeserializeOwned>(
    source: &Source,
    check: impl FnOnce(&T, &Node<'_>, &mut Vec<Problem>),
) -> Result<T, Diagnostics> {
    let failed = |problems| Diagnostics::new(source.clone(), problems);
    let (document, syntax) = parse_document(&source.text);
    if !syntax.is_empty() {
        return Err(failed(syntax));
    }
    let value = convert(document.clone(), &source.text).map_err(failed)?;
    let mut meaning = Vec::new();
    check(&value, &Node::root(&document), &mut meaning);
    if meaning.is_empty() { Ok(value) } else { Err(failed(meaning)) }
}

/// The document as far as it could be understood, and the mistakes in its syntax.
pub(in crate::scenario) fn parse_document(text: &str) -> (Spanned<DeValue<'_>>, Vec<Problem>) {
    let (table, errors) = DeTable::parse_recoverable(text);
    let span = table.span();
    let document = Spanned::new(span, DeValue::Table(table.into_inner()));
    (document, errors.iter().map(wording::syntax).collect())
}

/// Converts a document to a value, or to all mistakes in its types.
///
/// The library stops at the first mistake. So that one look shows all, each mistake is cut out and
/// the rest tried again, until it converts or only complains of what was cut out.
fn convert<T: DeserializeOwned>(
    document: Spanned<DeValue<'_>>,
    text: &str,
) -> Result<T, Vec<Problem>> {
    let root = document.span();
    let DeValue::Table(mut table) = document.into_inner() else {
        unreachable!("a document is a table")
    };
    let mut problems = Vec::new();
    let mut cut: Vec<Range<usize>> = Vec::new();
    loop {
        let attempt = Deserializer::from(Spanned::new(root.clone(), table.clone()));
        let error = match T::deserialize(attempt) {
            Ok(value) if problems.is_empty() => return Ok(value),
            Ok(_) => return Err(problems),
            Err(error) => error,
        };
        let span = error.span().unwrap_or(root.clone());
        let removed = remove_from_table(&mut table, &span, &root);
        if !cut.contains(&span) {
            let key = removed.as_ref().and_then(|removed| removed.key.as_deref());
            problems.push(wording::types(&error, text, span, key));
        }
        match removed {
            Some(removed) => cut.push(removed.from),
            None => return Err(problems),
        }
    }
}

/// An entry that was cut out of a document.
struct Removed {
    /// The entry's key; none for an element of an array.
    key: Option<String>,
    /// The place of the table or array that it was cut out of.
    from: Range<usize>,
}

/// Cuts out the innermost entry whose key or value stands at `span`. The place of a table with a
/// header is the header alone, and so tables are searched whatever their own place.
fn remove_from_table(
    table: &mut DeTable<'_>,
    span: &Range<usize>,
    place: &Range<usize>,
) -> Option<Removed> {
    for (_, value) in table.iter_mut() {
        let inner = value.span();
        if let Some(removed) = remove_from_value(value.get_mut(), span, &inner) {
            return Some(removed);
        }
    }
    let key = table
        .iter()
        .find(|(key, value)| key.span() == *span || value.span() == *span)
        .map(|(key, _)| key.get_ref().to_string())?;
    table.remove(key.as_str());
    Some(Removed { key: Some(key), from: place.clone() })
}

fn remove_from_value(
    value: &mut DeValue<'_>,
    span: &Range<usize>,
    place: &Range<usize>,
) -> Option<Removed> {
    match value {
        DeValue::Table(table) => remove_from_table(table, span, place),
        DeValue::Array(array) => {
            for element in array.iter_mut() {
                let inner = element.span();
                if let Some(removed) = remove_from_value(element.get_mut(), span, &inner) {
                    return Some(removed);
                }
            }
            let index = array.iter().position(|element| element.span() == *span)?;
            let others = array.iter().enumerate().filter(|(at, _)| *at != index);
            *array = others.map(|(_, element)| element.clone()).collect();
            Some(Removed { key: None, from: place.clone() })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use cachestorm_model::scenario::Scenario;

    use super::*;

    fn check(text: &str, expected: &[(&str, &str)]) {
        let found = read::<Scenario>(&Source::new("x.toml", text), |_, _, _| ());
        let diagnostics =
            found.map_or_else(|diagnostics| diagnostics.problems().to_vec(), |_| vec![]);
        let shown: Vec<_> = diagnostics
            .iter()
            .map(|problem| (&text[problem.span.clone()], problem.message.as_str()))
            .collect();
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_right_text_has_no_mistakes() {
        check("summary = 'x'", &[]);
    }

    #[test]
    fn mistakes_of_type_are_found_all_at_once() {
        check(
            "\
[catwalk]
etag = 'none'
[clients]
cuont = 3
between = ['age', 7, 'bmp']
[[inject]]
on = { request = 'one' }
do = { plant = { path = 'x', content = 'empty', mtim = 'now' } }
[[inject]]
on = 'begin'
",
            &[
                ("", "the key `summary` is missing"),
                ("'none'", "`none` is none of the words allowed here"),
                ("cuont", "unknown key `cuont`"),
                ("7", "expected a word or a table, found something else"),
                ("'bmp'", "`bmp` is none of the words allowed here"),
                ("'one'", "expected a whole number from 0 on, found the string \"one\""),
                ("mtim", "unknown key `mtim`"),
                ("[[inject]]", "the key `do` is missing"),
            ],
        );
    }

    #[test]
    fn what_was_cut_out_is_not_missed() {
        check(
            "sumary = 'x'\n[[inject]]\non = { requst = 1 }\ndo = 'stop'\n",
            &[
                ("sumary", "unknown key `sumary`"),
                ("requst", "`requst` is none of the words allowed here"),
            ],
        );
    }

    #[test]
    fn mistakes_of_syntax_hide_those_of_type() {
        check(
            "summary = 3\nsummary = 4\n[clients\n",
            &[("summary", "the same key is written twice"), ("", "unclosed table")],
        );
    }
}
