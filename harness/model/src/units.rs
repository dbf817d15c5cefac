//! Durations, byte sizes and identities with their units in the type.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// A length of time, written for people: `"300ms"`, `"1h"`, `"2m 30s"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash)]
pub struct Span(pub Duration);

impl Span {
    /// A span of whole seconds.
    pub const fn from_secs(seconds: u64) -> Self {
        Self(Duration::from_secs(seconds))
    }

    /// A span of whole milliseconds.
    pub const fn from_millis(milliseconds: u64) -> Self {
        Self(Duration::from_millis(milliseconds))
    }

    /// The length in nanoseconds, saturating after 584 years.
    pub fn nanos(self) -> u64 {
        u64::try_from(self.0.as_nanos()).unwrap_or(u64::MAX)
    }

    /// Whether the span is of no length at all.
    pub fn is_zero(&self) -> bool {
        self.0.is_zero()
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl Serialize for Span {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        humantime::parse_duration(&text).map(Self).map_err(|error| {
            de::Error::custom(format!(
                "\"{text}\" is not a duration ({error}); write a number with a unit, such as \"300ms\", \"2s\" or \"1h\""
            ))
        })
    }
}

impl JsonSchema for Span {
    fn schema_name() -> Cow<'static, str> {
        "Span".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A duration with its unit: \"300ms\", \"2s\", \"1h\", \"2m 30s\".",
            "pattern": "^\\s*([0-9]+\\s*[a-zA-Zµ]+\\s*)+$"
        })
    }
}

/// A number of bytes, written `"4KiB"`, `"2MiB"` or `"512B"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ByteSize(pub u64);

const SIZE_UNITS: [(&str, u64); 3] = [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)];

impl fmt::Display for ByteSize {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact =
            SIZE_UNITS.iter().find(|(_, bytes)| self.0 >= *bytes && self.0.is_multiple_of(*bytes));
        let (unit, bytes) = exact.copied().unwrap_or(("B", 1));
        write!(f, "{}{unit}", self.0 / bytes)
    }
}

impl Serialize for ByteSize {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for ByteSize {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        let parsed = SIZE_UNITS.iter().find_map(|(unit, bytes)| {
            let number = text.trim().strip_suffix(unit)?.trim().parse::<u64>().ok()?;
            number.checked_mul(*bytes)
        });
        parsed.map(Self).ok_or_else(|| {
            de::Error::custom(format!(
                "\"{text}\" is not a size; write a whole number with B, KiB or MiB, such as \"64KiB\""
            ))
        })
    }
}

impl JsonSchema for ByteSize {
    fn schema_name() -> Cow<'static, str> {
        "ByteSize".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": "string",
            "description": "A size with its unit: \"512B\", \"64KiB\", \"2MiB\".",
            "pattern": "^\\s*[0-9]+\\s*(B|KiB|MiB)\\s*$"
        })
    }
}

/// Nanoseconds on the monotonic clock since the scenario began.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Nanos(pub u64);

impl Nanos {
    /// The time from `earlier` to `self`, zero when `earlier` is later.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl fmt::Display for Nanos {
    /// Seconds with milliseconds, as sentences in a report use them: `1.204 s`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:.3} s", Duration::from_nanos(self.0).as_secs_f64())
    }
}

/// One process of the herd, counted from 1 over the whole scenario. Shown as `c07`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClientId(pub u32);

impl fmt::Display for ClientId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "c{:02}", self.0)
    }
}

/// One request that Catwalk saw, counted from 1 in the order of arrival. Shown as `#3`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestId(pub u32);

impl fmt::Display for RequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// The number of a catalogue: 1 for the first that Catwalk serves, one more after each bump and for each that is
/// handed to clients in a file; 0 for the one that is built into a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Serial(pub u32);

impl Serial {
    /// The catalogue that is built into a client: older than all.
    pub const EMBEDDED: Self = Self(0);
}

impl fmt::Display for Serial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::EMBEDDED {
            return f.write_str("the embedded catalogue");
        }
        write!(f, "catalogue {}", self.0)
    }
}

/// A signal by its name without `SIG`, as scenario files write it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum Signal {
    /// Cannot be caught: the crash of section "kill -9".
    Kill,
    /// The polite request to end.
    Term,
    /// Ctrl-C.
    Int,
    /// The terminal went away.
    Hup,
    /// Ends with a core dump where one is allowed.
    Quit,
    /// What a failed assertion raises.
    Abrt,
    /// The first signal that a program may give a meaning of its own.
    Usr1,
    /// The second such signal.
    Usr2,
    /// A timer ran out.
    Alrm,
    /// Nobody reads any more.
    Pipe,
    /// What a stray pointer raises.
    Segv,
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Kill => "SIGKILL",
            Self::Term => "SIGTERM",
            Self::Int => "SIGINT",
            Self::Hup => "SIGHUP",
            Self::Quit => "SIGQUIT",
            Self::Abrt => "SIGABRT",
            Self::Usr1 => "SIGUSR1",
            Self::Usr2 => "SIGUSR2",
            Self::Alrm => "SIGALRM",
            Self::Pipe => "SIGPIPE",
            Self::Segv => "SIGSEGV",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_span(text: &str, expected: Result<Duration, &str>) {
        let parsed = serde_json::from_value::<Span>(text.into());
        match (parsed, expected) {
            (Ok(span), Ok(duration)) => assert_eq!(span.0, duration),
            (Err(error), Err(part)) => assert!(error.to_string().contains(part), "{error}"),
            (parsed, _) => panic!("{text}: {parsed:?}"),
        }
    }

    #[test]
    fn spans_need_a_unit() {
        check_span("300ms", Ok(Duration::from_millis(300)));
        check_span("1h", Ok(Duration::from_secs(3600)));
        check_span("300", Err("write a number with a unit"));
        check_span("soon", Err("is not a duration"));
    }

    fn check_size(text: &str, expected: Option<u64>) {
        let parsed = serde_json::from_value::<ByteSize>(text.into()).ok();
        assert_eq!(parsed.map(|size| size.0), expected, "{text}");
        if let Some(size) = parsed {
            assert_eq!(size.to_string(), text);
        }
    }

    #[test]
    fn sizes_need_a_unit_and_print_as_they_were_written() {
        check_size("4KiB", Some(4096));
        check_size("2MiB", Some(2 << 20));
        check_size("512B", Some(512));
        check_size("4KB", None);
        check_size("4096", None);
    }
}
