//! Which trial belongs to which part of a plan.
//!
//! Every machine computes the whole partition from the names of the trials alone, so no two of them can
//! disagree. It is rendezvous hashing (Thaler and Ravishankar, "Using name-based mappings to increase hit
//! rates", 1998) with bounded loads (Mirrokni, Thorup and Zadimoghaddam, "Consistent hashing with bounded
//! loads", 2018), the bound as tight as it can be: the sizes of two parts differ by at most one. A trial that
//! is added or removed moves few of the others, and none moves because names around it sort differently.
//!
//! Trials are counted and not weighed: how long each takes depends on the client.

use std::collections::BTreeSet;

use crate::model::plan::{Plan, Shard};

/// Scenarios, each with a repetition.
pub type Trials<'p> = BTreeSet<(&'p str, u32)>;

/// The trials of one part of a plan.
pub fn partition(plan: &Plan, shard: Shard) -> Trials<'_> {
    let trials: Vec<(&str, u32)> = plan.trials().collect();
    let names: Vec<String> = trials.iter().map(|(name, n)| format!("{name}.{n}")).collect();
    let parts = assign(&names, shard.of());
    let own = trials.into_iter().zip(parts).filter(|(_, part)| *part == shard.index());
    own.map(|(trial, _)| trial).collect()
}

/// The part, counted from 1, of each of some names; `of` is the number of parts and at least 1. The names'
/// order does not matter.
pub fn assign(names: &[impl AsRef<str>], of: u32) -> Vec<u32> {
    let slots = usize::try_from(of).unwrap_or(usize::MAX);
    let least = names.len() / slots;
    // So many parts hold one more than the others.
    let mut larger = names.len() % slots;
    let mut loads = vec![0; slots];
    let mut parts = vec![0; names.len()];
    let mut order: Vec<usize> = (0..names.len()).collect();
    order.sort_by_key(|index| (hash(0, names[*index].as_ref()), names[*index].as_ref()));
    for index in order {
        let name = names[index].as_ref();
        let has_room = |part: &u32| {
            let load = loads[*part as usize - 1];
            load < least || (load == least && larger > 0)
        };
        let favourite = (1..=of).filter(has_room).max_by_key(|part| hash(*part, name));
        // There is always room: as many places as names.
        let part = favourite.unwrap_or(of);
        let load = &mut loads[part as usize - 1];
        if *load == least {
            larger -= 1;
        }
        *load += 1;
        parts[index] = part;
    }
    parts
}

/// FNV-1a of a name, salted, and mixed by the finaliser of `SplitMix64`. Written out here because a partition
/// must not change with a compiler or a library.
fn hash(salt: u32, name: &str) -> u64 {
    let salted = salt.to_le_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in salted.iter().chain(name.as_bytes()) {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    hash = (hash ^ (hash >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    hash = (hash ^ (hash >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    hash ^ (hash >> 31)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    fn plan(names: &BTreeSet<String>, repeat: u32) -> Plan {
        Plan {
            version: String::new(),
            client: String::new(),
            scenarios: names.iter().map(|name| (name.clone(), String::new())).collect(),
            repeat,
            shard: Shard::WHOLE,
            parts: Vec::new(),
        }
    }

    fn names() -> impl Strategy<Value = BTreeSet<String>> {
        proptest::collection::btree_set("[a-c]{1,3}/[a-z]{1,6}", 0..60)
    }

    proptest! {
        #[test]
        fn the_parts_are_disjoint_complete_and_even(names in names(), repeat in 1..4_u32, of in 1..9_u32) {
            let plan = plan(&names, repeat);
            let mut seen = BTreeSet::new();
            let mut sizes = Vec::new();
            for index in 1..=of {
                let part = partition(&plan, Shard::new(index, of).unwrap());
                sizes.push(part.len());
                for trial in part {
                    prop_assert!(seen.insert(trial), "{trial:?} is in two parts");
                }
            }
            prop_assert_eq!(&seen, &plan.trials().collect::<BTreeSet<_>>());
            let (least, most) = (sizes.iter().min().unwrap(), sizes.iter().max().unwrap());
            prop_assert!(most - least <= 1, "{sizes:?}");
        }

        #[test]
        fn the_order_of_the_names_does_not_matter(names in names(), of in 1..9_u32, turn in 0..60_usize) {
            let sorted: Vec<String> = names.into_iter().collect();
            let mut turned = sorted.clone();
            turned.rotate_left(turn % sorted.len().max(1));
            let by_name = |names: &[String]| -> BTreeMap<String, u32> {
                names.iter().cloned().zip(assign(names, of)).collect()
            };
            prop_assert_eq!(by_name(&sorted), by_name(&turned));
        }
    }

    /// Names as many as the suite's, dealt out with and without one more.
    #[test]
    fn a_new_scenario_moves_few_of_the_others() {
        let names: Vec<String> =
            (0..150).map(|n| format!("theme-{}/scenario-{n}", n % 12)).collect();
        let mut moved = 0;
        let mut cases = 0;
        for of in 2..=8 {
            let before = assign(&names, of);
            for new in 0..50 {
                let more = [&names[..], &[format!("theme-x/new-{new}")]].concat();
                let after = assign(&more, of);
                moved +=
                    before.iter().zip(&after).filter(|(before, after)| before != after).count();
                cases += names.len();
            }
        }
        // Dealing them out in turn moves about half for two parts, and seven of eight for eight.
        assert!(moved * 20 < cases, "{moved} of {cases} moved");
    }

    /// Two versions of the program that differ in this run different trials.
    #[test]
    fn the_partition_stays_what_it_is() {
        let names =
            ["crash/holder-killed.1", "stampede/cold-herd.1", "ttl/fresh-hit.1", "ttl/fresh-hit.2"];
        assert_eq!(assign(&names, 1), [1, 1, 1, 1]);
        assert_eq!(assign(&names, 2), [1, 1, 2, 2]);
        assert_eq!(assign(&names, 3), [1, 3, 1, 2]);
        assert_eq!(assign(&[] as &[&str], 3), [0; 0]);
    }

    #[test]
    fn more_parts_than_names_leave_some_empty() {
        let parts = assign(&["a", "b"], 5);
        assert_ne!(parts[0], parts[1]);
    }
}
