//! Tests that a machine lacks something for.

/// Set, this makes a test fail that would be skipped: a machine that is to run all of them must be able to.
pub const NO_SKIPS: &str = "CACHESTORM_NO_SKIPS";

/// Says that a test is skipped, and why. A test of libtest cannot be told apart from one that passed, so this
/// is for what every machine of the project's own has.
///
/// # Panics
/// Where `CACHESTORM_NO_SKIPS` is set.
pub fn skip(reason: &str) {
    assert!(
        std::env::var_os(NO_SKIPS).is_none(),
        "{NO_SKIPS} is set, and this would be skipped: {reason}"
    );
    eprintln!("skipped: {reason}");
}
