//! Figures that people would rather look at: requests per window, and percentiles of times.

use cachestorm_model::record::{Part, Record, What};
use cachestorm_model::units::Nanos;
use cachestorm_model::verdict::TtlWindow;
use hdrhistogram::Histogram;

use super::exchanges::Exchange;
use super::row::micros;
use crate::text::{self, counted};

/// The time up to the end of one TTL window, from the end of the window before.
#[derive(Debug, Clone, PartialEq)]
pub struct Season {
    /// `window 2`, or what it is where no window opened in it.
    pub name: String,
    /// What opened the window and how often it was renewed, in words.
    pub about: String,
    /// The event that opened the window, and when it was over.
    pub open: Option<(u32, Option<Nanos>)>,
    /// Requests for the catalogue that arrived in it, by what became of them: sent whole, confirmed by
    /// a 304, anything else.
    pub requests: [u32; 3],
}

impl Season {
    /// Requests in all.
    pub fn total(&self) -> u32 {
        self.requests.iter().sum()
    }

    /// `13 answered whole, 1 refused or cut off`; without the number where there is but one kind.
    pub fn words(&self) -> String {
        let parts = ["answered whole", "answered with 304", "refused or cut off"];
        let parts: Vec<String> = parts
            .iter()
            .zip(self.requests)
            .filter(|(_, number)| *number > 0)
            .map(|(part, number)| match number == self.total() {
                true => (*part).to_owned(),
                false => format!("{number} {part}"),
            })
            .collect();
        parts.join(", ")
    }
}

/// The seasons of a record. Windows that opened while another was open belong to its season.
pub fn seasons(record: &Record, windows: &[TtlWindow], exchanges: &[Exchange]) -> Vec<Season> {
    let mut seasons: Vec<Season> = Vec::new();
    let mut publishes = 0_u64;
    for window in windows {
        if let Some(season) = seasons.last_mut().filter(|_| window.extends) {
            publishes += 1;
            season.about = format!("{}, published {publishes} times", window.serial);
            if let Some((_, until)) = &mut season.open {
                *until = window.until;
            }
            continue;
        }
        publishes = 1;
        let how = if window.renewed { "renewed by a 304" } else { "published once" };
        seasons.push(Season {
            name: format!("window {}", seasons.len() + 1),
            about: format!("{}, {how}", window.serial),
            open: Some((window.opened, window.until)),
            requests: [0; 3],
        });
    }
    let is_after = |season: &Season, at: u64| match season.open {
        Some((_, Some(until))) => at >= micros(until),
        _ => false,
    };
    let open = seasons.len();
    for exchange in exchanges.iter().filter(|exchange| exchange.is_fetch) {
        let of = (0..open).find(|it| !is_after(&seasons[*it], exchange.arrived)).unwrap_or(open);
        if of == seasons.len() {
            let name = if open == 0 { "no window" } else { "after the last window" };
            let about = format!("of {}", counted(record.events.len() as u64, "event"));
            let about = if open == 0 { "nothing was published".to_owned() } else { about };
            seasons.push(Season { name: name.to_owned(), about, open: None, requests: [0; 3] });
        }
        let fate = match exchange.fate() {
            "200" => 0,
            "304" => 1,
            _ => 2,
        };
        seasons[of].requests[fate] += 1;
    }
    seasons
}

/// How long the processes of the waves lived from when they were let go, in microseconds. Those that the
/// harness killed are left out: how long they waited says nothing of the cache.
pub fn waits(record: &Record) -> Vec<u64> {
    let mut of_waves = std::collections::HashSet::new();
    let mut released = std::collections::HashMap::new();
    let mut waits = Vec::new();
    for event in &record.events {
        match &event.what {
            What::Spawned { client, part: Part::Wave(_), .. } => {
                of_waves.insert(*client);
            }
            What::Released { client } if of_waves.contains(client) => {
                released.insert(*client, event.at);
            }
            What::Exited(exited) => {
                let ours = matches!(
                    exited.status,
                    cachestorm_model::record::ExitStatus::Signal { ours: true, .. }
                );
                if let Some(from) = released.remove(&exited.client).filter(|_| !ours) {
                    waits.push(micros(event.at).saturating_sub(micros(from)));
                }
            }
            _ => {}
        }
    }
    waits
}

/// A distribution of times, to three significant digits, as an HDR histogram keeps it
/// (Tene, <http://hdrhistogram.org>).
#[derive(Debug, Clone, PartialEq)]
pub struct Percentiles {
    /// How many times.
    pub count: u64,
    /// The percentile (50, 90 ...) with the time at it, in microseconds. The last is 100, the longest.
    pub rows: Vec<(f64, u64)>,
    /// Points of the curve: how far to the right by the share that is longer, and the time.
    pub curve: Vec<(f64, u64)>,
}

/// The percentiles that a table shows; those that say nothing new of so few values are left out.
const SHOWN: [f64; 6] = [50.0, 75.0, 90.0, 99.0, 99.9, 99.99];

impl Percentiles {
    /// `None` of nothing.
    pub fn of(microseconds: &[u64]) -> Option<Self> {
        // The longest is told as it was; the histogram knows it to three digits only.
        let longest = *microseconds.iter().max()?;
        // One hour at the most; anything longer counts as that. No larger than need be, since most runs have few
        // processes and every run has a histogram.
        let bound = longest.clamp(2, 3_600_000_000);
        let mut histogram = Histogram::<u64>::new_with_bounds(1, bound, 3).ok()?;
        for value in microseconds {
            histogram.saturating_record(*value);
        }
        let count = histogram.len();
        // A percentile needs at least one value beyond it to differ from the longest.
        #[allow(clippy::cast_precision_loss)]
        let tells = |percentile: &f64| (100.0 - percentile) / 100.0 * count as f64 >= 1.0;
        // The histogram is walked once: it has thousands of steps, and a curve has many points.
        let mut seen = 0;
        let steps = histogram.iter_recorded().map(|step| {
            seen += step.count_since_last_iteration();
            (seen, step.value_iterated_to())
        });
        let steps: Vec<(u64, u64)> = steps.collect();
        #[allow(clippy::cast_precision_loss)]
        let value = |share: f64| {
            let at = steps.partition_point(|(seen, _)| (*seen as f64) < share * count as f64);
            steps.get(at).map_or(longest, |(_, value)| (*value).min(longest))
        };
        let at = |percentile: f64| (percentile, value(percentile / 100.0));
        let mut rows: Vec<(f64, u64)> =
            SHOWN.into_iter().filter(|it| *it <= 50.0 || tells(it)).map(at).collect();
        rows.push((100.0, longest));
        #[allow(clippy::cast_precision_loss)]
        let last = (count as f64).log2().max(1.0);
        let step = |number: u32| {
            let beyond = last * f64::from(number) / 64.0;
            (f64::from(number) / 64.0, value(1.0 - 0.5_f64.powf(beyond)))
        };
        let mut curve: Vec<(f64, u64)> = (0..64).map(step).collect();
        curve.push((1.0, longest));
        Some(Self { count, rows, curve })
    }

    /// The longest time.
    pub fn max(&self) -> u64 {
        self.rows.last().map_or(0, |(_, time)| *time)
    }
}

/// `50 %`, `99.9 %`, `longest`.
pub fn percentile_name(percentile: f64) -> String {
    if percentile >= 100.0 { "longest".to_owned() } else { format!("{percentile} %") }
}

/// A time in microseconds for people.
pub fn time(microseconds: u64) -> String {
    text::duration(microseconds.div_ceil(1_000))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_within_three_digits_and_say_nothing_that_few_values_cannot() {
        assert_eq!(Percentiles::of(&[]), None);
        let few = Percentiles::of(&[1_000, 2_000, 3_000]).expect("there are values");
        assert_eq!(few.rows, [(50.0, 2_000), (100.0, 3_000)]);
        let values: Vec<u64> = (1..=2_000).map(|it| it * 100).collect();
        let many = Percentiles::of(&values).expect("there are values");
        let names: Vec<f64> = many.rows.iter().map(|row| row.0).collect();
        assert_eq!(names, [50.0, 75.0, 90.0, 99.0, 99.9, 100.0]);
        for (percentile, value) in &many.rows {
            let exact = percentile * 2_000.0;
            #[allow(clippy::cast_precision_loss)]
            let off = (*value as f64 - exact).abs() / exact;
            assert!(off < 0.001, "{percentile} %: {value} for {exact}");
        }
        assert!(many.curve.is_sorted_by(|one, other| one.1 <= other.1));
    }
}
