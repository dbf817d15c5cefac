//! A fault as a command line writes it, such as `truncate=close,1000B`.

use std::fmt;
use std::str::FromStr;

use serde::Serialize;

use super::{Drip, Fault, Latency, Status, Truncate};

impl fmt::Display for Fault {
    /// As a command line writes it: `garbage`, `reset-after=1000B`, `truncate=chunked,1000B`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.facts().name)?;
        match self {
            Self::AcceptDelay(span) => write!(f, "={span}"),
            Self::ResetAfter(size)
            | Self::Bandwidth(size)
            | Self::Slicer(size)
            | Self::HugeBody(size) => write!(f, "={size}"),
            Self::Truncate(Truncate { framing, after }) => {
                write!(f, "={}", word(framing))?;
                after.iter().try_for_each(|after| write!(f, ",{after}"))
            }
            Self::Drip(Drip { bytes, every }) => write!(f, "={bytes},{every}"),
            Self::Latency(Latency { base, jitter }) if jitter.is_zero() => write!(f, "={base}"),
            Self::Latency(Latency { base, jitter }) => write!(f, "={base},{jitter}"),
            Self::Status(Status { code, retry_after }) => {
                write!(f, "={code}")?;
                retry_after.iter().try_for_each(|after| write!(f, ",{after}"))
            }
            Self::WrongLength(how) => write!(f, "={}", word(how)),
            _ => Ok(()),
        }
    }
}

impl FromStr for Fault {
    type Err = String;

    /// Reads what [`fmt::Display`] writes.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (name, rest) = text.split_once('=').unwrap_or((text, ""));
        let values: Vec<&str> =
            rest.split(',').map(str::trim).filter(|it| !it.is_empty()).collect();
        let payload = payload(name, &values)?;
        let value = match payload {
            None => serde_json::Value::from(name),
            Some(payload) => serde_json::json!({ name: payload }),
        };
        serde_json::from_value(value).map_err(|error| {
            let known = Self::EXAMPLES.iter().find(|it| it.facts().name == name);
            match known {
                Some(example) => format!("{error}; write it like `{example}`"),
                None => {
                    format!("there is no fault \"{name}\"; `cachestorm list --faults` names them")
                }
            }
        })
    }
}

/// The values behind `name=` as the table or value that serde expects.
fn payload(name: &str, values: &[&str]) -> Result<Option<serde_json::Value>, String> {
    use serde_json::json;
    let table = |keys: [&str; 2]| {
        let pairs = keys.iter().zip(values);
        let object: serde_json::Map<_, _> =
            pairs.map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        json!(object)
    };
    let most = match name {
        "truncate" | "drip" | "latency" | "status" => 2,
        _ => 1,
    };
    if values.len() > most {
        return Err(format!("\"{name}\" takes no more than {most} values"));
    }
    Ok(match (name, values) {
        ("truncate", _) => Some(table(["framing", "after"])),
        ("drip", _) => Some(table(["bytes", "every"])),
        ("latency", _) => Some(table(["base", "jitter"])),
        ("status", _) => {
            let mut status = table(["code", "retry-after"]);
            if let Some(code) = values.first() {
                let number = code.parse::<u16>();
                status["code"] = number.map_or_else(|_| json!(code), |number| json!(number));
            }
            Some(status)
        }
        (_, []) => None,
        (_, [value, ..]) => Some(json!(value)),
    })
}

/// The word of a unit variant, as serde writes it.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&str, &str>) {
        match (text.parse::<Fault>(), expected) {
            (Ok(fault), Ok(shown)) => assert_eq!(fault.to_string(), shown),
            (Err(error), Err(part)) => assert!(error.contains(part), "{error}"),
            (parsed, _) => panic!("{text}: {parsed:?}"),
        }
    }

    #[test]
    fn a_command_line_may_leave_out_what_has_a_default() {
        check("truncate=close", Ok("truncate=close"));
        check("latency=50ms", Ok("latency=50ms"));
        check("status=503, 2s", Ok("status=503,2s"));
        check("garbage=", Ok("garbage"));
        check("status=soon", Err("write it like `status=500`"));
        check("drip=1KiB", Err("write it like `drip=1KiB,20ms`"));
        check("reset-after=9", Err("write a whole number with B, KiB or MiB"));
        check("slicer=1B,2B", Err("no more than 1 value"));
        check("gargabe", Err("list --faults"));
    }
}
