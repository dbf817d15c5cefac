//! What is claimed of some clients, beside what was measured.

use anstyle::Style;
use askama::Template;
use serde::Serialize;

use crate::ReportError;
use crate::style::{Options, Palette, paint};
use crate::text;

/// Claims as rows, clients as columns.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClaimsTable {
    /// The names of the clients.
    pub clients: Vec<String>,
    /// The claims.
    pub rows: Vec<ClaimRow>,
}

/// One claim.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClaimRow {
    /// The claim as it was made.
    pub claim: String,
    /// What it comes to if it is true, so that it can be compared: `1 request for 14 processes`.
    pub promised: String,
    /// One for each client, in the order of [`ClaimsTable::clients`]. A missing one is not shown to hold.
    pub cells: Vec<ClaimCell>,
}

/// What was measured of one claim with one client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct ClaimCell {
    /// Whether the claim holds; `None` where the measurements cannot show it.
    pub holds: Option<bool>,
    /// What was measured, with its unit.
    pub measured: String,
    /// What a reader must know to trust it.
    pub note: Option<String>,
}

impl ClaimCell {
    /// `holds`, `refuted` or `not shown`.
    pub fn word(&self) -> &'static str {
        match self.holds {
            Some(true) => "holds",
            Some(false) => "refuted",
            None => "not shown",
        }
    }

    fn style(&self, palette: &Palette) -> Style {
        match self.holds {
            Some(true) => palette.good,
            Some(false) => palette.bad,
            None => palette.doubtful,
        }
    }

    /// `refuted: 3 requests (in 19 of 20 runs)`.
    fn line(&self) -> String {
        let mut line = self.word().to_owned();
        if !self.measured.is_empty() {
            line = format!("{line}: {}", self.measured);
        }
        match &self.note {
            Some(note) => format!("{line} ({note})"),
            None => line,
        }
    }
}

impl ClaimsTable {
    /// The table with a cell for every client in every row and a name for every cell, so that neither a
    /// missing measurement nor a missing name makes anything disappear.
    fn completed(&self) -> Self {
        let cells = self.rows.iter().map(|row| row.cells.len()).max().unwrap_or(0);
        let mut table = self.clone();
        table.clients.resize(cells.max(self.clients.len()), "(unnamed)".to_owned());
        for row in &mut table.rows {
            row.cells.resize(table.clients.len(), ClaimCell::default());
        }
        table
    }
}

#[derive(Template)]
#[template(path = "claims.md")]
struct Page<'a> {
    clients: &'a [String],
    rows: &'a [ClaimRow],
}

/// The table as Markdown.
///
/// # Errors
/// None that the data can cause; the template engine's are passed on.
pub fn markdown(table: &ClaimsTable) -> Result<String, ReportError> {
    let table = table.completed();
    Ok(Page { clients: &table.clients, rows: &table.rows }.render()?)
}

/// The spaces between two columns.
const GAP: usize = 3;

/// The table for a terminal: cells are wrapped, never cut.
pub fn terminal(table: &ClaimsTable, options: &Options) -> String {
    let table = table.completed();
    let palette = &options.palette;
    let header: Vec<String> = ["claim", "promised"]
        .into_iter()
        .map(str::to_owned)
        .chain(table.clients.iter().map(|client| text::clean(client)))
        .collect();
    let rows: Vec<Vec<String>> = table.rows.iter().map(cells).collect();
    let widths = widths(&header, &rows, options.width);
    let mut out = grid(&header, &widths, &vec![("", palette.strong); header.len()]);
    let rule: Vec<String> = widths.iter().map(|width| "─".repeat(*width)).collect();
    out.push_str(&grid(&rule, &widths, &vec![("", palette.faint); rule.len()]));
    for (row, cells) in table.rows.iter().zip(&rows) {
        let mut styles = vec![("", Style::new()); 2];
        styles.extend(row.cells.iter().map(|cell| (cell.word(), cell.style(palette))));
        out.push_str(&grid(cells, &widths, &styles));
    }
    out
}

fn cells(row: &ClaimRow) -> Vec<String> {
    let texts = [row.claim.clone(), row.promised.clone()];
    texts
        .into_iter()
        .chain(row.cells.iter().map(ClaimCell::line))
        .map(|cell| text::clean(&cell))
        .collect()
}

/// As wide as the longest cell where that fits; else the widest columns give way, down to the longest
/// word, which cannot be broken.
fn widths(header: &[String], rows: &[Vec<String>], terminal: usize) -> Vec<usize> {
    let longest = |column: usize, width: &dyn Fn(&str) -> usize| {
        let cells = std::iter::once(&header[column]).chain(rows.iter().map(|row| &row[column]));
        cells.map(|cell| width(cell)).max().unwrap_or(0)
    };
    let whole = |cell: &str| cell.chars().count();
    // The words of a verdict must stay together, because they are coloured together.
    let word = |cell: &str| {
        let words = cell.split_whitespace().map(|word| word.chars().count());
        words.max().unwrap_or(0).max(if cell.starts_with("not shown") { 10 } else { 0 })
    };
    let narrowest: Vec<usize> = (0..header.len()).map(|column| longest(column, &word)).collect();
    let mut widths: Vec<usize> = (0..header.len()).map(|column| longest(column, &whole)).collect();
    let room = terminal.saturating_sub(GAP * header.len().saturating_sub(1));
    while widths.iter().sum::<usize>() > room {
        let columns = (0..widths.len()).filter(|column| widths[*column] > narrowest[*column]);
        let Some(widest) = columns.max_by_key(|column| widths[*column]) else { break };
        widths[widest] -= 1;
    }
    widths
}

/// The lines of one row. Of a cell that starts with the given word, that word is styled; with no word
/// given, all of it is.
fn grid(cells: &[String], widths: &[usize], styles: &[(&str, Style)]) -> String {
    let wrapped: Vec<Vec<String>> =
        cells.iter().zip(widths).map(|(cell, width)| text::wrap(cell, *width)).collect();
    let height = wrapped.iter().map(Vec::len).max().unwrap_or(0);
    let mut out = String::new();
    for number in 0..height {
        let mut line = String::new();
        let mut gap = 0;
        for ((cell, width), (word, style)) in wrapped.iter().zip(widths).zip(styles) {
            let text = cell.get(number).map_or("", String::as_str);
            // Padding goes before the next cell, so that no line ends in spaces.
            if !text.is_empty() {
                line.push_str(&" ".repeat(gap));
                gap = 0;
            }
            line.push_str(&match text.strip_prefix(word) {
                Some(rest) if !word.is_empty() && number == 0 => paint(*style, word) + rest,
                _ if word.is_empty() => paint(*style, text),
                _ => text.to_owned(),
            });
            gap += width.saturating_sub(text.chars().count()) + GAP;
        }
        out.push_str(&line);
        out.push('\n');
    }
    out
}
