//! The values of a fault of the network.

use cachestorm_model::fault::{Drip, Fault, Status};

use super::super::text::{Node, Problem};
use super::not_zero;

/// The status codes of errors.
const STATUS: std::ops::RangeInclusive<u16> = 400..=599;

/// Appends what is wrong with the values of a fault that was written at `node`.
pub(super) fn check(fault: &Fault, node: &Node<'_>, problems: &mut Vec<Problem>) {
    let value = node.payload();
    match fault {
        Fault::AcceptDelay(span) => not_zero(*span, "a delay", &value, problems),
        Fault::Drip(Drip { bytes, every }) => {
            not_zero(*every, "a pause", &value.get("every"), problems);
            some_bytes(bytes.0, "a piece", &value.get("bytes"), problems);
        }
        Fault::Bandwidth(size) => some_bytes(size.0, "a second", &value, problems),
        Fault::Slicer(size) => some_bytes(size.0, "a slice", &value, problems),
        Fault::Status(Status { code, .. }) if !STATUS.contains(code) => problems.push(
            Problem::at(value.get("code").span(), format!("{code} is not the status of an error"))
                .help(format!(
                    "write one from {} to {}, such as 503",
                    STATUS.start(),
                    STATUS.end()
                )),
        ),
        _ => {}
    }
}

fn some_bytes(bytes: u64, what: &str, node: &Node<'_>, problems: &mut Vec<Problem>) {
    if bytes == 0 {
        problems.push(
            Problem::at(node.span(), format!("{what} of no bytes never gets anywhere"))
                .help("write a size above zero with its unit, such as \"64B\""),
        );
    }
}
