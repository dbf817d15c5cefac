//! What catalogues look like, and how large they are.

use serde_json::Value;

use crate::catwalk::Catalogue;
use crate::catwalk::catalogue::canonical;
use crate::model::scenario::EtagMode;
use crate::model::units::{ByteSize, Serial};

fn catalogue(serial: u32, size: u64) -> Catalogue {
    Catalogue::new(Serial(serial), ByteSize(size))
}

fn check_size(serial: u32, asked: u64, expected: usize) {
    let built = catalogue(serial, asked);
    assert_eq!(built.body().len(), expected, "catalogue {serial} of {asked} bytes");
    let again = catalogue(serial, asked);
    assert_eq!((built.body(), built.seal()), (again.body(), again.seal()));
}

#[test]
fn a_catalogue_has_the_size_asked_for() {
    for serial in [1, 2, 99, 12_345, u32::MAX] {
        check_size(serial, 4 << 10, 4 << 10);
        check_size(serial, 5_000, 5_000);
        check_size(serial, 16 << 10, 16 << 10);
        check_size(serial, 100_001, 100_001);
    }
    check_size(1, 2 << 20, 2 << 20);
    check_size(1, 1, 4 << 10);
    check_size(1, 3 << 20, 2 << 20);
}

/// Providers and models of a catalogue, all of whose fields have the types that the real ones have.
fn count(size: u64) -> (usize, usize) {
    let document: Value = serde_json::from_slice(catalogue(3, size).body()).expect("JSON");
    let providers = document.as_array().expect("an array");
    let models = |provider: &Value| provider["models"].as_array().expect("models").clone();
    for provider in providers {
        for name in ["name", "id", "api_key", "api_endpoint", "type"] {
            assert!(provider[name].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
        let ids: Vec<Value> = models(provider).iter().map(|model| model["id"].clone()).collect();
        assert!(ids.contains(&provider["default_large_model_id"]));
        assert!(ids.contains(&provider["default_small_model_id"]));
        assert_eq!(ids.iter().collect::<std::collections::HashSet<_>>().len(), ids.len());
        for model in models(provider) {
            for name in ["cost_per_1m_in", "cost_per_1m_out", "cost_per_1m_in_cached"] {
                assert!(model[name].is_number(), "{name}");
            }
            assert!(model["context_window"].is_u64() && model["default_max_tokens"].is_u64());
            assert!(model["can_reason"].is_boolean() && model["supports_attachments"].is_boolean());
        }
    }
    (providers.len(), providers.iter().map(|provider| models(provider).len()).sum())
}

#[test]
fn a_catalogue_grows_in_providers_and_models() {
    assert_eq!(count(4 << 10).0, 2);
    assert_eq!(count(16 << 10).0, 5);
    let (providers, models) = count(128 << 10);
    assert_eq!(providers, 20);
    assert!((300..500).contains(&models), "{models} models");
    assert_eq!(count(2 << 20).0, 20);
}

#[test]
fn etags_are_over_the_bytes_that_the_mode_says() {
    use sha2::{Digest, Sha256};
    let catalogue = catalogue(1, 4096);
    let tag = |bytes: &[u8]| {
        format!("\"{}\"", &super::super::catalogue::hex(&Sha256::digest(bytes))[..16])
    };
    assert_eq!(catalogue.etag(EtagMode::Served), Some(tag(catalogue.body()).as_str()));
    let indented = canonical::indent(catalogue.body());
    assert_eq!(catalogue.etag(EtagMode::Indented), Some(tag(&indented).as_str()));
    assert_eq!(catalogue.etag(EtagMode::Absent), None);
    assert_ne!(catalogue.etag(EtagMode::Served), catalogue.etag(EtagMode::Indented));
}
