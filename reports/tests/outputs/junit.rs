//! JUnit XML against the rules of its well-known schemas, and what GitLab and Jenkins need beyond them.
//!
//! The rules are those that `junit-10.xsd` of Jenkins's xUnit plugin and the schema of Ant's task have in common
//! with what GitLab reads: which elements there are, in which order, with which attributes, and that the counts are
//! right. Two attributes of a test case stand in no schema, `file` and `line`; readers that do not know them leave
//! them.

use std::collections::BTreeSet;

use cachestorm_model::plan::{Part, Plan, Shard};
use cachestorm_model::run::{Host, Run};
use cachestorm_reports::junit;
use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::samples::{every_event, every_outcome, only_skipped, run};

/// An element with what is in it.
#[derive(Debug, Default)]
struct Element {
    name: String,
    attributes: Vec<(String, String)>,
    children: Vec<Element>,
    text: String,
}

impl Element {
    fn of(tag: &BytesStart<'_>) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        let attributes = tag.attributes().map(|attribute| {
            let attribute = attribute.expect("the attribute is well-formed");
            let value = quick_xml::escape::unescape(std::str::from_utf8(&attribute.value).unwrap());
            (text(attribute.key.as_ref()), value.unwrap().into_owned())
        });
        Self {
            name: text(tag.name().as_ref()),
            attributes: attributes.collect(),
            ..Self::default()
        }
    }

    fn get(&self, name: &str) -> Option<&str> {
        self.attributes.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    fn named<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Self> {
        self.children.iter().filter(move |child| child.name == name)
    }
}

fn parse(xml: &str) -> Element {
    let mut reader = Reader::from_str(xml);
    let mut open = vec![Element::default()];
    loop {
        match reader.read_event().expect("the XML is well-formed") {
            Event::Start(tag) => open.push(Element::of(&tag)),
            Event::Empty(tag) => open.last_mut().unwrap().children.push(Element::of(&tag)),
            Event::End(_) => {
                let done = open.pop().unwrap();
                open.last_mut().unwrap().children.push(done);
            }
            Event::Text(text) => open.last_mut().unwrap().text += &String::from_utf8_lossy(&text),
            Event::Eof => return open.pop().unwrap().children.pop().unwrap(),
            _ => {}
        }
    }
}

/// What an element may hold: its children in order with the most of each, and its attributes, those that it must
/// have first.
type Rule = (
    &'static str,
    &'static [(&'static [&'static str], usize)],
    &'static [&'static str],
    &'static [&'static str],
);

const MANY: usize = usize::MAX;

const RULES: [Rule; 10] = [
    (
        "testsuites",
        &[(&["testsuite"], MANY)],
        &["name", "tests", "failures", "errors"],
        &["time", "skipped"],
    ),
    (
        "testsuite",
        &[(&["properties"], 1), (&["testcase"], MANY), (&["system-out"], 1), (&["system-err"], 1)],
        &["name", "tests", "failures", "errors", "skipped", "time", "timestamp"],
        &[],
    ),
    (
        "testcase",
        &[
            (&["properties"], 1),
            (&["skipped", "error", "failure"], 1),
            (&["system-out"], 1),
            (&["system-err"], 1),
        ],
        &["name", "classname", "time"],
        &["file", "line"],
    ),
    ("properties", &[(&["property"], MANY)], &[], &[]),
    ("property", &[], &["name", "value"], &[]),
    ("failure", &[], &["message", "type"], &[]),
    ("error", &[], &["message", "type"], &[]),
    ("skipped", &[], &["message", "type"], &[]),
    ("system-out", &[], &[], &[]),
    ("system-err", &[], &[], &[]),
];

/// Checks an element and everything in it against the rules.
fn valid(element: &Element) -> Result<(), String> {
    let name = element.name.as_str();
    let rule = RULES.iter().find(|rule| rule.0 == name);
    let (_, children, must, may) = rule.ok_or_else(|| format!("<{name}> is unknown"))?;
    let mut rest = element.children.as_slice();
    for (names, most) in *children {
        let same = rest.iter().take_while(|child| names.contains(&child.name.as_str())).count();
        rest = &rest[same.min(*most)..];
    }
    if let Some(odd) = rest.first() {
        return Err(format!("<{}> may not stand there in <{name}>", odd.name));
    }
    if let Some(missing) = must.iter().find(|must| element.get(must).is_none()) {
        return Err(format!("<{name}> has no {missing}"));
    }
    let known = |name: &&(String, String)| {
        must.contains(&name.0.as_str()) || may.contains(&name.0.as_str())
    };
    if let Some((odd, _)) = element.attributes.iter().find(|it| !known(it)) {
        return Err(format!("<{name}> may not have {odd}"));
    }
    for number in ["tests", "failures", "errors", "skipped", "line"] {
        if let Some(value) = element.get(number) {
            value.parse::<u32>().map_err(|_| format!("{number} is {value}"))?;
        }
    }
    if let Some(time) = element.get("time") {
        time.parse::<f64>().map_err(|_| format!("time is {time}"))?;
    }
    counted(element)?;
    element.children.iter().try_for_each(valid)
}

/// Checks that the counts of a suite, and of all suites, are those of its cases.
fn counted(element: &Element) -> Result<(), String> {
    let suites: Vec<&Element> = match element.name.as_str() {
        "testsuites" => element.named("testsuite").collect(),
        "testsuite" => vec![element],
        _ => return Ok(()),
    };
    let cases = || suites.iter().flat_map(|suite| suite.named("testcase"));
    let with = |result: &str| cases().filter(|case| case.named(result).count() > 0).count();
    let counts = [
        ("tests", cases().count()),
        ("failures", with("failure")),
        ("errors", with("error")),
        ("skipped", with("skipped")),
    ];
    for (name, count) in counts {
        let said = element.get(name).map(str::parse);
        if said.is_some_and(|said| said != Ok(count)) {
            return Err(format!("{name} of <{}> is not {count}", element.name));
        }
    }
    Ok(())
}

fn joined() -> Run {
    let part = |index| Part {
        id: format!("run-{index}"),
        shard: Shard::new(index, 2).unwrap(),
        started: "2025-12-11T09:38:00Z".to_owned(),
        duration_ms: 1,
        host: Host::default(),
    };
    let plan = Plan {
        version: "0.1.0".to_owned(),
        client: "c0ffee".to_owned(),
        scenarios: Default::default(),
        repeat: 10,
        shard: Shard::WHOLE,
        parts: vec![part(1), part(2)],
    };
    Run { plan: Some(plan), ..every_outcome() }
}

fn with_histories(run: &Run) -> String {
    junit::render_with(run, &|_| Some(every_event())).unwrap()
}

#[test]
fn the_schema_s_rules_hold() {
    for run in [every_outcome(), only_skipped(), joined(), run(Vec::new())] {
        for xml in [junit::render(&run).unwrap(), with_histories(&run)] {
            if let Err(why) = valid(&parse(&xml)) {
                panic!("{why}:\n{xml}");
            }
        }
    }
}

#[test]
fn what_breaks_a_rule_is_found() {
    let xml = junit::render(&every_outcome()).unwrap();
    let check = |from: &str, to: &str, expected: &str| {
        assert!(xml.contains(from), "{from}");
        assert_eq!(valid(&parse(&xml.replacen(from, to, 1))).unwrap_err(), expected);
    };
    check(
        "<properties>",
        "<system-out/><properties>",
        "<properties> may not stand there in <testsuite>",
    );
    check("<failure ", "<system-out/><failure ", "<failure> may not stand there in <testcase>");
    check("classname=", "class=", "<testcase> has no classname");
    check("<testcase ", "<testcase status=\"run\" ", "<testcase> may not have status");
    check("time=\"", "time=\"about ", "time is about 22.310");
    check("skipped=\"2\" errors", "skipped=\"7\" errors", "skipped of <testsuite> is not 2");
}

#[test]
fn gitlab_and_jenkins_can_tell_every_case_from_every_other() {
    for run in [every_outcome(), only_skipped()] {
        let report = parse(&junit::render(&run).unwrap());
        let mut seen = BTreeSet::new();
        for suite in report.named("testsuite") {
            for case in suite.named("testcase") {
                let (class, name) = (case.get("classname").unwrap(), case.get("name").unwrap());
                assert!(seen.insert((class.to_owned(), name.to_owned())), "{class} {name}");
                // Jenkins: what stands before the last dot is a package, which is the client here.
                let (package, theme) = class.rsplit_once('.').unwrap();
                assert_eq!((package, theme), (run.client.as_str(), suite.get("name").unwrap()));
                assert_eq!(case.get("file").unwrap().split('/').nth(1), Some(theme));
                assert!(case.get("line").is_some());
            }
        }
        assert_eq!(seen.len(), run.results.len());
    }
}

/// GitLab shows the text of these elements and none of their attributes.
#[test]
fn what_did_not_pass_says_why_in_its_text() {
    let report = parse(&junit::render(&every_outcome()).unwrap());
    let cases = report.named("testsuite").flat_map(|suite| suite.named("testcase"));
    let mut results = 0;
    for case in cases {
        for result in ["failure", "error", "skipped"].iter().flat_map(|name| case.named(name)) {
            assert!(!result.text.trim().is_empty(), "{case:?}");
            results += 1;
        }
    }
    assert_eq!(results, 11);
}

#[test]
fn what_was_judged_and_did_not_pass_has_its_history() {
    let outs = |xml: &str| -> Vec<(String, String)> {
        let report = parse(xml);
        let cases = report.named("testsuite").flat_map(|suite| suite.named("testcase"));
        let out = |case: &Element| {
            let text = case.named("system-out").map(|out| out.text.clone()).collect();
            (case.get("name").unwrap().to_owned(), text)
        };
        cases.map(out).collect()
    };
    // An event that only the history tells.
    let event = "sent request #1";
    let histories = outs(&with_histories(&every_outcome()));
    let told = |name: &str, outs: &[(String, String)]| -> String {
        outs.iter().find(|(known, _)| known == name).unwrap().1.clone()
    };
    for name in ["holder-killed", "slow-server (repetition 3)", "warm-herd", "timeout"] {
        assert!(told(name, &histories).contains(event), "{name}");
    }
    for name in ["cold-herd", "slow-server (repetition 1)", "read-only", "misspelt", "no-space"] {
        assert!(!told(name, &histories).contains(event), "{name}");
    }
    let without = outs(&junit::render(&every_outcome()).unwrap());
    assert!(
        told("holder-killed", &without)
            .contains("The history is in crash/holder-killed/record.json.")
    );
}

#[test]
fn of_very_many_failures_the_first_have_histories_and_the_others_say_where_theirs_are() {
    let failed =
        every_outcome().results.into_iter().find(|it| it.scenario.ends_with("killed")).unwrap();
    let result =
        |repetition| cachestorm_model::run::ScenarioResult { repetition, ..failed.clone() };
    let xml = with_histories(&run((1..=250).map(result).collect()));
    assert_eq!(xml.matches("sent request #1").count(), 200);
    assert_eq!(xml.matches("The history is in").count(), 50);
}
