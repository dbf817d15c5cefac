//! The name that somebody probably meant.

/// The candidate nearest to what was written, where one is near enough to be meant: at most a third
/// of its letters differ, or one stands inside the other.
pub fn nearest<'a>(written: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let by_distance = candidates
        .iter()
        .map(|candidate| (distance(&fold(written), &fold(candidate)), *candidate))
        .filter(|(edits, candidate)| *edits <= candidate.chars().count().max(3) / 3)
        .min_by_key(|(edits, _)| *edits)
        .map(|(_, candidate)| candidate);
    by_distance.or_else(|| containing(written, candidates))
}

/// All candidates that are near to what was written, nearest first, for names that are not in sight.
pub fn near<'a>(written: &str, candidates: impl Iterator<Item = &'a str>) -> Vec<String> {
    const SHOWN: usize = 3;
    let tail = |name: &'a str| name.rsplit('/').next().unwrap_or(name);
    let mut scored: Vec<_> = candidates
        .map(|name| (distance(written, name).min(distance(written, tail(name))), name))
        .filter(|(edits, name)| {
            *edits <= written.chars().count().max(3) / 3
                || (written.len() >= 3 && name.contains(written))
        })
        .collect();
    scored.sort_unstable();
    scored.into_iter().take(SHOWN).map(|(_, name)| name.to_owned()).collect()
}

fn containing<'a>(written: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let written = fold(written);
    let long_enough = |part: &str| part.len() >= 4;
    candidates.iter().copied().find(|candidate| {
        let candidate = fold(candidate);
        (long_enough(&written) && candidate.contains(&written))
            || (long_enough(&candidate) && written.contains(&candidate))
    })
}

/// Case and the choice between `-` and `_` are what people mix up most: they count as no difference.
fn fold(name: &str) -> String {
    name.to_lowercase().replace('_', "-")
}

/// The optimal string alignment distance: insertions, deletions, substitutions and swaps of
/// neighbours, by the dynamic programme of Wagner and Fischer (1974) with Damerau's transposition.
fn distance(left: &str, right: &str) -> usize {
    let left: Vec<char> = left.chars().collect();
    let right: Vec<char> = right.chars().collect();
    let mut before_last = Vec::new();
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, l) in left.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, r) in right.iter().enumerate() {
            let substituted = last[j] + usize::from(l != r);
            let mut best = substituted.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *l == right[j - 1] && left[i - 1] == *r {
                let swapped: &Vec<usize> = &before_last;
                best = best.min(swapped[j - 1] + 1);
            }
            row.push(best);
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check_distance(left: &str, right: &str, expected: usize) {
        assert_eq!(distance(left, right), expected, "{left} {right}");
        assert_eq!(distance(right, left), expected, "{right} {left}");
    }

    #[test]
    fn distances_count_edits_and_swaps() {
        check_distance("", "", 0);
        check_distance("", "abc", 3);
        check_distance("count", "cont", 1);
        check_distance("count", "conut", 1);
        check_distance("kitten", "sitting", 3);
    }

    fn check(written: &str, expected: Option<&str>) {
        let candidates = ["summary", "head-sent", "request", "on", "fetches-per-window"];
        assert_eq!(nearest(written, &candidates), expected, "{written}");
    }

    #[test]
    fn only_near_names_are_meant() {
        check("sumary", Some("summary"));
        check("head_sent", Some("head-sent"));
        check("REQUEST", Some("request"));
        check("no", Some("on"));
        check("fetches", Some("fetches-per-window"));
        check("requests-arrived", Some("request"));
        check("colour", None);
        check("", None);
    }

    #[test]
    fn names_with_folders_are_near_by_their_last_part_too() {
        let names = ["crash/holder-killed", "crash/fetcher-killed", "ttl/fresh-hit"];
        let near = |written| near(written, names.iter().copied());
        assert_eq!(near("holder-kiled"), ["crash/holder-killed"]);
        assert_eq!(near("fresh"), ["ttl/fresh-hit"]);
        assert_eq!(near("network"), [""; 0]);
    }
}
