//! Any bytes are traced to the catalogue they came from, and to no other.

use proptest::prelude::*;
use serde_json::Value;

use crate::catwalk::Library;
use crate::catwalk::catalogue::canonical;
use crate::model::record::Sighting;
use crate::model::units::{ByteSize, Serial};

/// A library that has served three catalogues of 4 KiB.
fn library() -> Library {
    let library = Library::new(ByteSize(4096));
    library.bump();
    library.bump();
    library
}

#[test]
fn what_was_handed_out_is_known_and_never_served() {
    let library = library();
    let handed = library.hand_out();
    let current = library.serial();
    assert!(current < handed.serial(), "it is newer than what is served");
    assert_eq!(library.identify(handed.body()).serial(), Some(handed.serial()));
    assert!(library.bump() > handed.serial());
    assert_eq!(library.get(handed.serial()).map(|it| it.serial()), Some(handed.serial()));
}

#[test]
fn the_catalogue_that_is_built_in_is_known_by_its_content() {
    let library =
        Library::beside(ByteSize(4096), Some(b"[{\"id\":\"a\",\"n\":1}]".as_slice().into()));
    let whole = |exact| Sighting::Whole { serial: Serial::EMBEDDED, exact };
    assert_eq!(library.identify(b"[{\"id\":\"a\",\"n\":1}]"), whole(true));
    assert_eq!(library.identify(b"[ {\"n\": 1, \"id\": \"a\"} ]"), whole(false));
    assert_eq!(library.identify_at(b"{\"p\":[{\"id\":\"a\",\"n\":1}]}", "/p"), whole(false));
    assert!(matches!(library.identify(b"[{\"id\":\"a\"}]"), Sighting::Damaged { .. }));
}

fn body(library: &Library, serial: u32) -> Vec<u8> {
    library.get(Serial(serial)).expect("served").body().to_vec()
}

/// What a sighting says, in a line.
fn words(sighting: &Sighting) -> String {
    match sighting {
        Sighting::Whole { serial, exact: true } => format!("exactly {serial}"),
        Sighting::Whole { serial, exact: false } => format!("{serial} anew"),
        Sighting::Damaged { bytes, how } => format!("{bytes}: {how}"),
        other => format!("{other:?}"),
    }
}

fn check(bytes: &[u8], expected: &str) {
    assert_eq!(words(&library().identify(bytes)), expected);
}

/// The document without members that are null, false, zero or empty, as `omitempty` leaves it.
fn omit_empty(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(omit_empty),
        Value::Object(members) => {
            members.values_mut().for_each(omit_empty);
            members.retain(|_, value| match value {
                Value::Null | Value::Bool(false) => false,
                Value::Number(number) => number.as_f64() != Some(0.0),
                Value::String(text) => !text.is_empty(),
                Value::Array(items) => !items.is_empty(),
                Value::Object(members) => !members.is_empty(),
                Value::Bool(true) => true,
            });
        }
        _ => {}
    }
}

#[test]
fn a_catalogue_written_anew_is_whole_and_not_exact() {
    let served = body(&library(), 2);
    check(&served, "exactly catalogue 2");
    check(&canonical::indent(&served), "catalogue 2 anew");
    check(&[&served[..], b"\n"].concat(), "catalogue 2 anew");
    let mut value: Value = serde_json::from_slice(&served).expect("JSON");
    check(&serde_json::to_vec(&value).expect("JSON"), "catalogue 2 anew");
    let text = String::from_utf8(served).expect("UTF-8");
    assert!(text.contains(":0.000001,"), "a price that programs spell differently");
    check(text.replace(":0.000001,", ":1e-06,").as_bytes(), "catalogue 2 anew");
    check(text.replace('/', "\\/").as_bytes(), "catalogue 2 anew");
    let whole = value.clone();
    omit_empty(&mut value);
    assert_ne!(value, whole);
    check(&serde_json::to_vec_pretty(&value).expect("JSON"), "catalogue 2 anew");
}

#[test]
fn damage_is_described() {
    let library = library();
    let (one, two) = (body(&library, 1), body(&library, 2));
    check(b"", "0: empty");
    check(&[0; 9], "9: 9 zero bytes");
    check(&two[..3], "3: cut off after 3 of 4096 bytes of a catalogue");
    check(&two[..1024], "1024: cut off after 1024 of 4096 bytes of catalogue 2");
    check(&[&two[..], b"}]"].concat(), "4098: catalogue 2, followed by 2 bytes too many");
    // The one that was written first counts up to where they differ.
    let differ = (2000..4096).find(|at| one[*at] != two[*at]).expect("they differ");
    check(
        &[&one[..differ], &two[differ..]].concat(),
        &format!(
            "4096: a mixture: {differ} bytes of catalogue 1, then {} bytes of catalogue 2",
            4096 - differ
        ),
    );
    check(
        &[&two[..1000], &two[1100..]].concat(),
        "3996: catalogue 2 without 100 of its bytes, from byte 1000 on",
    );
    check(b"[]", "2: JSON, but no catalogue");
    check(b"{\"providers\":null}", "18: JSON, but no catalogue");
    check(b"hello", "5: not JSON: expected value at line 1 column 1");
    let indented = canonical::indent(&two);
    check(&indented[..2000], "2000: JSON cut off after 2000 bytes, claims catalogue 2");
    let text = String::from_utf8(indented).expect("UTF-8");
    let blank = text.replacen("\"options\": {}", "\"optional\": {}", 1);
    let sighting = library.identify(blank.as_bytes());
    assert!(words(&sighting).contains("empty \"options\""), "{}", words(&sighting));
    let torn = text.replacen("\"can_reason\": true", "\"can_reason\": false", 1);
    let expected = "a mixture: claims catalogue 2, but its checksum does not match";
    check(torn.as_bytes(), &format!("{}: {expected}", torn.len()));
}

#[test]
fn a_catalogue_that_was_never_served_is_not_whole() {
    let ahead = Library::new(ByteSize(4096));
    for _ in 0..3 {
        ahead.bump();
    }
    check(&body(&ahead, 4), "4096: catalogue 4, which was never served in this run");
    let other = body(&Library::new(ByteSize(5000)), 1);
    check(&other, "5000: catalogue 1, but that of another run");
}

fn check_inside(bytes: &[u8], pointer: &str, expected: &str) {
    assert_eq!(words(&library().identify_at(bytes, pointer)), expected);
}

#[test]
fn a_catalogue_inside_an_object_is_found() {
    let served = String::from_utf8(body(&library(), 2)).expect("UTF-8");
    let compact = format!("{{\"at\":17,\"data\":{{\"providers\":{served}}}}}");
    check_inside(compact.as_bytes(), "/data/providers", "exactly catalogue 2");
    let indented = canonical::indent(compact.as_bytes());
    check_inside(&indented, "/data/providers", "catalogue 2 anew");
    check_inside(served.as_bytes(), "", "exactly catalogue 2");
    let nothing = format!("{}: JSON, but there is nothing at /providers", compact.len());
    check_inside(compact.as_bytes(), "/providers", &nothing);
    check_inside(b"{\"providers\":3}", "/providers", "15: JSON, but no catalogue");
    check_inside(
        &compact.as_bytes()[..2000],
        "/data/providers",
        "2000: JSON cut off after 2000 bytes, claims catalogue 2",
    );
    check_inside(b"", "/providers", "0: JSON cut off after 0 bytes");
}

#[test]
fn a_checksum_stands_for_the_bytes() {
    let library = library();
    let sha256 = library.get(Serial(2)).expect("served").sha256().to_owned();
    let check = |hex: &str, expected: &str| {
        assert_eq!(words(&library.identify_sha256(hex)), expected);
    };
    check(&sha256, "exactly catalogue 2");
    check(&format!("{}\n", sha256.to_uppercase()), "exactly catalogue 2");
    check(&"0".repeat(64), "64: a SHA-256 that no served catalogue has");
    check("", "0: not a SHA-256 in hex");
    check(&sha256[..16], "16: not a SHA-256 in hex");
}

#[test]
fn bumping_goes_on_and_forgets_nothing() {
    let library = library();
    assert_eq!(
        (library.serial(), library.bump(), library.serial()),
        (Serial(3), Serial(4), Serial(4))
    );
    let serials: Vec<u32> = library.all().iter().map(|catalogue| catalogue.serial().0).collect();
    assert_eq!(serials, [1, 2, 3, 4]);
    assert!(library.get(Serial(0)).is_none() && library.get(Serial(5)).is_none());
}

/// Bytes that are no catalogue as served must not be called one, except where the JSON is the same.
fn check_not_whole(bytes: &[u8]) -> Result<(), TestCaseError> {
    let library = library();
    let served = library.all().into_iter().find(|catalogue| catalogue.body() == bytes);
    let sighting = library.identify(bytes);
    match served {
        Some(same) => {
            prop_assert_eq!(sighting, Sighting::Whole { serial: same.serial(), exact: true });
        }
        None => prop_assert!(sighting.serial().is_none(), "{}", words(&sighting)),
    }
    Ok(())
}

proptest! {
    #[test]
    fn no_truncation_is_whole(serial in 1_u32..=3, length in 0_usize..4096) {
        check_not_whole(&body(&library(), serial)[..length])?;
    }

    #[test]
    fn no_splice_is_whole(
        (head, tail) in (1_u32..=3, 1_u32..=3).prop_filter("two", |(head, tail)| head != tail),
        cut in 0_usize..=4096,
        resume in 0_usize..=4096,
        aligned in any::<bool>(),
    ) {
        let library = library();
        let (head, tail) = (body(&library, head), body(&library, tail));
        // Half of the splices are of the likeliest kind: one file written over another in place.
        let resume = if aligned { cut } else { resume };
        check_not_whole(&[&head[..cut], &tail[resume..]].concat())?;
    }

    #[test]
    fn no_splice_between_members_is_whole(
        head in 1_u32..=3,
        tail in 1_u32..=3,
        cut in any::<prop::sample::Index>(),
        resume in any::<prop::sample::Index>(),
    ) {
        // Cuts at commas are the ones that leave JSON behind. Both parts may be of one catalogue, which
        // then lacks something or has it twice.
        let library = library();
        let (head, tail) = (body(&library, head), body(&library, tail));
        let commas = |bytes: &[u8]| -> Vec<usize> {
            (0..bytes.len()).filter(|index| bytes[*index] == b',').collect()
        };
        let (cuts, resumes) = (commas(&head), commas(&tail));
        let (cut, resume) = (cuts[cut.index(cuts.len())], resumes[resume.index(resumes.len())]);
        check_not_whole(&[&head[..cut], &tail[resume..]].concat())?;
    }

    #[test]
    fn no_changed_byte_goes_unseen(serial in 1_u32..=3, at in 0_usize..4096, byte in 33_u8..127) {
        let mut bytes = body(&library(), serial);
        prop_assume!(bytes[at] != byte);
        bytes[at] = byte;
        check_not_whole(&bytes)?;
    }

    #[test]
    fn indentation_never_hides_the_catalogue(serial in 1_u32..=3) {
        let library = library();
        let indented = canonical::indent(&body(&library, serial));
        let expected = Sighting::Whole { serial: Serial(serial), exact: false };
        prop_assert_eq!(library.identify(&indented), expected);
    }
}
