//! A scenario as the text of its file.

use toml::{Table, Value};

use crate::model::scenario::{Catwalk, Clients, Expect, Scenario};

/// The text, without what is said by default anyway.
pub fn text(scenario: &Scenario) -> String {
    let plain = Scenario {
        summary: String::new(),
        why: None,
        catwalk: Catwalk::default(),
        cache: Default::default(),
        disk: Default::default(),
        clients: Clients::default(),
        waves: Vec::new(),
        inject: Vec::new(),
        expect: Expect::default(),
    };
    let mut table = table(scenario);
    without_defaults(&mut table, &self::table(&plain));
    written(&table)
}

/// The keys of a scenario and of an injection, in the order in which people write them.
const ORDER: [&str; 15] = [
    "summary",
    "why",
    "catwalk",
    "cache",
    "disk",
    "clients",
    "wave",
    "inject",
    "expect",
    "on",
    "nth",
    "each-wave",
    "target",
    "do",
    "optional",
];

/// The table as a person would write it: a section for each table, and what is in it on one line each.
fn written(table: &Table) -> String {
    let (mut plain, mut sections) = (String::new(), String::new());
    for (key, value) in in_order(table) {
        match value {
            Value::Table(section) => sections.push_str(&format!("\n[{key}]\n{}", lines(section))),
            Value::Array(items) if items.iter().all(Value::is_table) => {
                for section in items.iter().filter_map(Value::as_table) {
                    sections.push_str(&format!("\n[[{key}]]\n{}", lines(section)));
                }
            }
            value => plain.push_str(&format!("{key} = {value}\n")),
        }
    }
    plain + &sections
}

fn lines(section: &Table) -> String {
    in_order(section).into_iter().map(|(key, value)| format!("{key} = {value}\n")).collect()
}

fn in_order(table: &Table) -> Vec<(&String, &Value)> {
    let mut entries: Vec<_> = table.iter().collect();
    let place = |key: &str| ORDER.iter().position(|known| *known == key).unwrap_or(ORDER.len());
    entries.sort_by_key(|(key, _)| place(key));
    entries
}

fn table(scenario: &Scenario) -> Table {
    // Every type of the model has a form in TOML, and a test writes them all.
    Table::try_from(scenario).unwrap_or_default()
}

fn without_defaults(table: &mut Table, defaults: &Table) {
    table.retain(|key, value| match (value, defaults.get(key)) {
        (Value::Table(inner), Some(Value::Table(defaults))) => {
            without_defaults(inner, defaults);
            !inner.is_empty()
        }
        (value, default) => Some(&*value) != default,
    });
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{self, builtin};

    #[test]
    fn every_built_in_scenario_comes_back_from_its_text() {
        for entry in builtin::scenarios() {
            let scenario = entry.scenario.unwrap();
            let text = text(&scenario);
            let read = scenario::parse("kept.toml", &text).map_err(|error| error.plain());
            assert_eq!(read, Ok(scenario), "{}: {text}", entry.name);
        }
    }
}
