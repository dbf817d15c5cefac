//! The lists of the book are held against the code: a page that lacks something, or lists what is no more, fails.

use std::collections::BTreeSet;

use cachestorm::client::describe::placeholder;
use cachestorm::model::fault::Fault;
use cachestorm::model::run::RunOutcome;
use cachestorm::model::verdict::{Invariant, Outcome};
use cachestorm::scenario::schema;
use serde_json::Value;

use crate::Found;
use crate::page::{List, Page};

/// What a table may be marked to list. A name in capitals is a type of a scenario file or, behind `client.`, of a
/// description; its variants or keys are listed.
pub const NAMES: [&str; 33] = [
    "invariants",
    "verdicts",
    "exit-codes",
    "faults",
    "placeholders",
    "scenario",
    "Catwalk",
    "Answer",
    "EtagMode",
    "Cache",
    "Initial",
    "Disk",
    "Clients",
    "Start",
    "Conditions",
    "User",
    "Wave",
    "Injection",
    "Trigger",
    "Target",
    "Action",
    "Content",
    "Mtime",
    "Expect",
    "Fact",
    "client.client",
    "client.Files",
    "client.LockKind",
    "client.Stdout",
    "client.Claims",
    "client.Tells",
    "client.State",
    "client.Subject",
];

/// What the code knows by that name.
fn known(name: &str) -> BTreeSet<String> {
    match name {
        "invariants" => Invariant::ALL.iter().map(ToString::to_string).collect(),
        "verdicts" => variants(&schema_of::<Outcome>()),
        "exit-codes" => RunOutcome::ALL.iter().map(|it| it.exit_code().to_string()).collect(),
        "faults" => Fault::EXAMPLES.iter().map(|fault| fault.facts().name.to_owned()).collect(),
        "placeholders" => placeholders(),
        "scenario" => variants(&parse(&schema::scenario())),
        "client.client" => variants(&parse(&schema::client())),
        _ => {
            let (text, name) = match name.strip_prefix("client.") {
                Some(name) => (schema::client(), name),
                None => (schema::scenario(), name),
            };
            variants(&parse(&text)["$defs"][name])
        }
    }
}

fn schema_of<T: schemars::JsonSchema>() -> Value {
    schemars::schema_for!(T).to_value()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).expect("a schema is JSON")
}

/// The keys of a table, or the words of an enum, in a schema.
fn variants(schema: &Value) -> BTreeSet<String> {
    let keys = |schema: &Value| -> Vec<String> {
        let object = schema["properties"].as_object();
        object.into_iter().flat_map(|it| it.keys().cloned()).collect()
    };
    let words = |schema: &Value| -> Vec<String> {
        let listed = schema["enum"].as_array().into_iter().flatten();
        let word = |value: &Value| value.as_str().map(str::to_owned);
        listed.chain([&schema["const"]]).filter_map(word).collect()
    };
    let one_of = schema["oneOf"].as_array().into_iter().flatten();
    let all: BTreeSet<String> =
        one_of.chain([schema]).flat_map(|it| [keys(it), words(it)].concat()).collect();
    assert!(!all.is_empty(), "nothing is known of {schema}");
    all
}

fn placeholders() -> BTreeSet<String> {
    let others = [
        placeholder::CACHE_CLIENT,
        placeholder::CATALOGUE_FILE,
        placeholder::SECONDS,
        placeholder::PORT,
    ];
    let all = placeholder::EVERYWHERE.into_iter().chain(others).map(str::to_owned);
    let all = all.chain([placeholder::need_of("NAME"), placeholder::port_of("NAME")]);
    all.map(|name| format!("{{{name}}}")).collect()
}

fn marked<'p>(name: &str, pages: &'p [Page]) -> Vec<(&'p Page, &'p List)> {
    let lists = pages.iter().flat_map(|page| page.lists.iter().map(move |list| (page, list)));
    lists.filter(|(_, list)| list.name == name).collect()
}

/// The tables that are marked so list, all together, each thing once and nothing else.
pub fn is_complete(name: &str, pages: &[Page]) -> Found {
    let known = known(name);
    let mut listed = BTreeSet::new();
    for (page, list) in marked(name, pages) {
        for thing in list.names() {
            let at = format!("{}:{}", page.path.display(), list.line);
            if !known.contains(thing) {
                return Err(format!("{at}: there is no `{thing}` in {name}"));
            }
            if !listed.insert(thing.to_owned()) {
                return Err(format!("{at}: `{thing}` is listed twice"));
            }
        }
    }
    let missing: Vec<_> = known.difference(&listed).collect();
    if missing.is_empty() { Ok(()) } else { Err(format!("no list of {name} has {missing:?}")) }
}

/// No table is marked as a list that nobody checks.
pub fn are_known(pages: &[Page]) -> Found {
    for page in pages {
        for list in &page.lists {
            if !NAMES.contains(&list.name.as_str()) {
                return Err(format!(
                    "{}:{}: no list is called {}",
                    page.path.display(),
                    list.line,
                    list.name
                ));
            }
        }
    }
    Ok(())
}

/// Every fault of the network stands with what can detect it, as the code has it.
pub fn faults_are_labelled(pages: &[Page]) -> Found {
    let lists = marked("faults", pages);
    for (page, list) in &lists {
        for row in &list.rows {
            let name = row[0].split('`').nth(1).unwrap_or_default();
            let of_name = Fault::EXAMPLES.iter().map(Fault::facts).filter(|it| it.name == name);
            for facts in of_name {
                let label = facts.detectable.as_str();
                if !row.get(1).is_some_and(|cell| cell.split([',', ' ']).any(|it| it == label)) {
                    let at = format!("{}:{}", page.path.display(), list.line);
                    return Err(format!("{at}: `{name}` does not say {label}"));
                }
            }
        }
    }
    Ok(())
}
