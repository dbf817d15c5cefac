//! JSON Schemas of scenario files and client descriptions, by which editors complete and check.

use cachestorm_model::client::Client;
use cachestorm_model::scenario::Scenario;
use schemars::{JsonSchema, schema_for};

/// The schema of scenario files, as `scenarios/scenario.schema.json` holds it.
pub fn scenario() -> String {
    text_of::<Scenario>()
}

/// The schema of client descriptions, as `fixtures/clients/client.schema.json` holds it.
pub fn client() -> String {
    text_of::<Client>()
}

fn text_of<T: JsonSchema>() -> String {
    format!("{:#}\n", schema_for!(T).to_value())
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    fn check(path: &str, expected: &str) {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(path);
        let found = fs::read_to_string(&file).unwrap_or_default();
        if found != expected {
            fs::write(&file, expected).unwrap();
            panic!("{path} was out of step with the types and has been written anew: commit it");
        }
    }

    #[test]
    fn the_committed_schema_of_scenarios_is_in_step() {
        check("scenarios/scenario.schema.json", &super::scenario());
    }

    #[test]
    fn the_committed_schema_of_clients_is_in_step() {
        check("fixtures/clients/client.schema.json", &super::client());
    }
}
