//! From a key to its place in the text, so that checks of meaning can point at what they speak of
//! while the types of the model stay plain.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A place in a TOML document that may or may not have been written.
///
/// Where a key was left out, the node stands for the nearest table around it, so that there is
/// always something to point at.
#[derive(Debug, Clone)]
pub struct Node<'a> {
    value: Option<&'a DeValue<'a>>,
    key: Range<usize>,
    span: Range<usize>,
}

impl<'a> Node<'a> {
    /// The whole document, parsed to [`DeValue::Table`].
    pub fn root(document: &'a Spanned<DeValue<'a>>) -> Self {
        Self { value: Some(document.get_ref()), key: document.span(), span: document.span() }
    }

    /// The value of a key below this one.
    #[must_use]
    pub fn get(&self, key: &str) -> Self {
        let table = self.value.and_then(DeValue::as_table);
        let entry = table.and_then(|table: &DeTable<'_>| table.get_key_value(key));
        match entry {
            Some((key, value)) => {
                Self { value: Some(value.get_ref()), key: key.span(), span: value.span() }
            }
            None => self.unwritten(),
        }
    }

    /// An element of this array.
    #[must_use]
    pub fn at(&self, index: usize) -> Self {
        let element = self.value.and_then(DeValue::as_array).and_then(|array| array.get(index));
        match element {
            Some(element) => {
                Self { value: Some(element.get_ref()), key: element.span(), span: element.span() }
            }
            None => self.unwritten(),
        }
    }

    /// The one value inside `{ kind = value }`, or this node where a kind stands alone (`"kind"`).
    #[must_use]
    pub fn payload(&self) -> Self {
        let table = self.value.and_then(DeValue::as_table);
        match table.and_then(|table: &DeTable<'_>| table.keys().next()) {
            Some(kind) => self.get(kind.get_ref()),
            None => self.clone(),
        }
    }

    /// The string that was written here, if it is one.
    pub fn text(&self) -> Option<&'a str> {
        self.value.and_then(DeValue::as_str)
    }

    /// Whether it was written.
    pub fn is_written(&self) -> bool {
        self.value.is_some()
    }

    /// The bytes of the value; of a table with a header these are the header's.
    pub fn span(&self) -> Range<usize> {
        self.span.clone()
    }

    /// The bytes of the key.
    pub fn key_span(&self) -> Range<usize> {
        self.key.clone()
    }

    fn unwritten(&self) -> Self {
        Self { value: None, key: self.key.clone(), span: self.span.clone() }
    }
}

#[cfg(test)]
mod tests {
    use super::super::read::parse_document;
    use super::*;

    const TEXT: &str = "\
a.b = 1
[[list]]
on = { request = 7 }
[[list]]
on = 'begin'
names = ['x', 'y']
";

    fn check(find: impl Fn(Node<'_>) -> Node<'_>, expected: (&str, &str, bool)) {
        let (document, problems) = parse_document(TEXT);
        assert_eq!(problems, []);
        let node = find(Node::root(&document));
        let shown = (&TEXT[node.key_span()], &TEXT[node.span()], node.is_written());
        assert_eq!(shown, expected);
    }

    #[test]
    fn nodes_know_where_they_were_written() {
        check(|root| root.get("a").get("b"), ("b", "1", true));
        check(|root| root.get("list").at(1), ("[[list]]", "[[list]]", true));
        check(|root| root.get("list").at(0).get("on").payload(), ("request", "7", true));
        check(|root| root.get("list").at(1).get("on").payload(), ("on", "'begin'", true));
        check(|root| root.get("list").at(1).get("names").at(1), ("'y'", "'y'", true));
    }

    #[test]
    fn what_was_not_written_points_at_what_is_around_it() {
        check(|root| root.get("list").at(0).get("nth"), ("[[list]]", "[[list]]", false));
        check(|root| root.get("nothing").get("x").at(3), ("", "", false));
    }
}
