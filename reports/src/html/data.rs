//! One record as the page's script reads it: JSON that stands in a script element.

use std::collections::{BTreeSet, HashMap};
use std::fmt::Write;

use cachestorm_model::record::{Record, What};
use cachestorm_model::units::ClientId;
use cachestorm_model::verdict::{TtlWindow, Verdict};
use serde::Serialize;
use serde_json::Value;
use serde_json::value::{RawValue, to_raw_value};

use super::figures::Season;
use super::lanes::{client_of, lanes};
use super::row::{Row, micros};
use super::tracks::Tracks;
use crate::ReportError;
use crate::events::{kind, notable, senders, told, who};
use crate::text::clean;

/// Longer texts of an event are cut in the page; the record holds them whole.
const TEXT_MAX: usize = 200;
/// Longer lists of an event are cut in the page.
const LIST_MAX: usize = 40;

/// When, kind, who, row or -1, whether it is notable, the sentence, the event as recorded.
type Told = (u64, usize, usize, i64, u8, String, Box<RawValue>);

#[derive(Serialize)]
struct Data<'a> {
    name: &'a str,
    /// When the last event was, in microseconds.
    end: u64,
    /// The words that events refer to by their index.
    kinds: Vec<String>,
    whos: Vec<String>,
    events: Vec<Told>,
    rows: Vec<Row>,
    windows: Vec<Band>,
    violations: Vec<Broken<'a>>,
}

/// A time in which the cache was fresh.
#[derive(Serialize)]
struct Band {
    from: u64,
    to: u64,
    event: u32,
    label: String,
}

#[derive(Serialize)]
struct Broken<'a> {
    number: usize,
    invariant: &'static str,
    sentence: String,
    events: &'a [u32],
}

/// The data of one record, ready to stand between the tags of a script element.
///
/// # Errors
/// None that a record can cause; the serialiser's are passed on.
pub fn render(
    record: &Record,
    verdict: Option<&Verdict>,
    windows: &[TtlWindow],
    seasons: &[Season],
) -> Result<String, ReportError> {
    let tracks = Tracks::of(record);
    let lanes = lanes(record, windows);
    let first = tracks.rows.len();
    let row_of_client: HashMap<ClientId, usize> =
        lanes.iter().enumerate().map(|(index, (client, _))| (*client, first + index)).collect();
    let violations = violations(verdict);
    let mut kinds = Words::default();
    let mut whos = Words::default();
    let senders = senders(&record.events);
    let mut rows = tracks.rows.clone();
    rows.extend(lanes.into_iter().map(|(_, row)| row));
    let mut events = Vec::with_capacity(record.events.len());
    for event in &record.events {
        let own = client_of(&event.what, &senders);
        let row = own.and_then(|client| row_of_client.get(&client).copied());
        let row = row.or_else(|| tracks.row_of(&event.what));
        events.push((
            micros(event.at),
            kinds.index(kind(&event.what)),
            whos.index(&who(&event.what)),
            row.and_then(|row| i64::try_from(row).ok()).unwrap_or(-1),
            u8::from(notable(&event.what)),
            told(&event.what, &senders),
            raw(&event.what)?,
        ));
    }
    // A process that a violation speaks of is looked for.
    let spoken: BTreeSet<u32> = violations.iter().flat_map(|it| it.events).copied().collect();
    for event in spoken {
        let row = events.get(event as usize).and_then(|event| usize::try_from(event.3).ok());
        if let Some(row) = row.and_then(|row| rows.get_mut(row)) {
            row.rank = 3;
        }
    }
    let end = record.events.last().map_or(0, |event| micros(event.at));
    let data = Data {
        name: &record.name,
        end,
        kinds: kinds.words,
        whos: whos.words,
        events,
        rows,
        windows: seasons.iter().filter_map(|season| band(season, record, end)).collect(),
        violations,
    };
    Ok(for_script(&serde_json::to_string(&data)?))
}

fn band(season: &Season, record: &Record, end: u64) -> Option<Band> {
    let (event, to) = season.open?;
    let from = micros(record.events.get(event as usize)?.at);
    let label = format!("{}: {}", season.name, season.about);
    Some(Band { from, to: to.map_or(end, |to| micros(to).min(end)), event, label })
}

fn violations(verdict: Option<&Verdict>) -> Vec<Broken<'_>> {
    let reports = verdict.into_iter().flat_map(|verdict| &verdict.invariants);
    let all =
        reports.flat_map(|report| report.violations.iter().map(move |it| (report.invariant, it)));
    all.zip(1..)
        .map(|((invariant, violation), number)| Broken {
            number,
            invariant: invariant.as_str(),
            sentence: clean(&violation.sentence),
            events: &violation.events,
        })
        .collect()
}

/// Words by index, each once.
#[derive(Default)]
struct Words {
    words: Vec<String>,
    known: HashMap<String, usize>,
}

impl Words {
    fn index(&mut self, word: &str) -> usize {
        if let Some(index) = self.known.get(word) {
            return *index;
        }
        self.words.push(word.to_owned());
        self.known.insert(word.to_owned(), self.words.len() - 1);
        self.words.len() - 1
    }
}

/// An event as the record holds it, with its long texts and lists cut.
fn raw(what: &What) -> Result<Box<RawValue>, ReportError> {
    let whole = to_raw_value(what)?;
    let text = whole.get();
    // Nearly every event is so short that nothing in it can be too long.
    if text.len() <= TEXT_MAX && text.matches(',').count() < LIST_MAX {
        return Ok(whole);
    }
    let mut value = serde_json::from_str(text)?;
    cut(&mut value);
    Ok(to_raw_value(&value)?)
}

fn cut(value: &mut Value) {
    match value {
        Value::String(text) if text.chars().count() > TEXT_MAX => {
            let kept: String = text.chars().take(TEXT_MAX).collect();
            *text = format!("{kept}... ({} characters)", text.chars().count());
        }
        Value::Array(list) => {
            let all = list.len();
            list.truncate(LIST_MAX);
            if all > LIST_MAX {
                list.push(format!("... ({all} in all)").into());
            }
            list.iter_mut().for_each(cut);
        }
        Value::Object(fields) => fields.values_mut().for_each(cut),
        _ => {}
    }
}

/// JSON that nothing in it can end or change before the script reads it: in an element of type
/// `application/json` only `</script` and `<!--` matter to the HTML parser, and U+2028 and U+2029 to
/// whoever copies the text into a program. They occur in strings only, where an escape means the same.
pub fn for_script(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let mut rest = json;
    while let Some(at) = rest.find(['<', '>', '&', '\u{2028}', '\u{2029}']) {
        let (plain, from) = rest.split_at(at);
        let mut characters = from.chars();
        let code = characters.next().map_or(0, u32::from);
        out.push_str(plain);
        let _ = write!(out, "\\u{code:04x}");
        rest = characters.as_str();
    }
    out + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_string_ends_the_script() {
        let nasty = "</script><!-- <script> & \u{2028}\u{2029} é";
        let escaped = for_script(&serde_json::to_string(nasty).expect("a string"));
        assert!(!escaped.contains(['<', '>', '&', '\u{2028}', '\u{2029}']), "{escaped}");
        assert_eq!(serde_json::from_str::<String>(&escaped).expect("still JSON"), nasty);
    }

    #[test]
    fn long_texts_and_lists_are_cut_and_say_so() {
        let mut value = serde_json::json!({ "text": "é".repeat(500), "list": vec![1; 90] });
        cut(&mut value);
        let text = value["text"].as_str().unwrap_or_default();
        assert!(text.ends_with("é... (500 characters)"), "{text}");
        assert_eq!(value["list"].as_array().map(Vec::len), Some(LIST_MAX + 1));
        assert_eq!(value["list"][LIST_MAX], "... (90 in all)");
    }
}
