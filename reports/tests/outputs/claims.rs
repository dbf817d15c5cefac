//! The claims table.

use cachestorm_reports::claims::{ClaimCell, ClaimRow, ClaimsTable, markdown, terminal};
use cachestorm_reports::style::Options;

fn cell(holds: Option<bool>, measured: &str, note: Option<&str>) -> ClaimCell {
    ClaimCell { holds, measured: measured.to_owned(), note: note.map(str::to_owned) }
}

fn table() -> ClaimsTable {
    ClaimsTable {
        clients: vec!["status-report".to_owned(), "reference".to_owned()],
        rows: vec![
            ClaimRow {
                claim: "14 processes with an empty cache send one request.".to_owned(),
                promised: "1 request".to_owned(),
                cells: vec![
                    cell(
                        Some(false),
                        "2 to 9 requests",
                        Some("in 19 of 20 repetitions, server at 2 s"),
                    ),
                    cell(Some(true), "1 request", None),
                ],
            },
            ClaimRow {
                claim: "A lock left by a killed process blocks nobody.".to_owned(),
                promised: "0 failed clients".to_owned(),
                cells: vec![cell(Some(false), "13 of 13 failed | for ever", None)],
            },
            ClaimRow {
                claim: "Cache hit rate".to_owned(),
                promised: "95 %".to_owned(),
                cells: vec![
                    cell(None, "", Some("depends on the load, which the claim does not name")),
                    cell(Some(true), "99.3 %", None),
                ],
            },
        ],
    }
}

#[test]
fn side_by_side_on_a_terminal() {
    insta::assert_snapshot!("claims", terminal(&table(), &Options::plain()));
}

#[test]
fn side_by_side_on_a_narrow_terminal() {
    insta::assert_snapshot!(
        "claims-narrow",
        terminal(&table(), &Options { width: 64, ..Options::plain() })
    );
}

#[test]
fn side_by_side_in_markdown() {
    insta::assert_snapshot!("claims-markdown", markdown(&table()).unwrap());
}

#[test]
fn a_measurement_without_a_client_is_not_dropped() {
    let mut table = table();
    table.clients.truncate(1);
    assert!(
        markdown(&table).unwrap().starts_with("| claim | promised | status-report | (unnamed) |\n")
    );
    assert!(terminal(&table, &Options::plain()).contains("99.3 %"));
}

#[test]
fn words_say_what_colours_say() {
    let styled = terminal(&table(), &Options::default());
    let stripped = anstream::adapter::strip_str(&styled).to_string();
    assert_ne!(styled, stripped);
    assert_eq!(stripped, terminal(&table(), &Options::plain()));
    for word in ["holds", "refuted", "not shown"] {
        assert!(stripped.contains(word), "{word} is missing in:\n{stripped}");
    }
}

#[test]
fn an_empty_table_still_has_its_head() {
    assert_eq!(markdown(&ClaimsTable::default()).unwrap(), "| claim | promised |\n|---|---|\n");
}
