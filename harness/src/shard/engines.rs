//! Which part of a plan this machine is to run, as the engine says that started the program here.
//!
//! Nothing here happens unasked: that a job of GitLab or Slurm has a number does not mean that the user
//! wants a part of the suite. `--shard auto` asks.

use std::str::FromStr;

use crate::model::plan::Shard;

/// What an argument asks for: `2/3`, `auto`, or `auto/3` where the engine does not say how many there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// This part.
    Shard(Shard),
    /// The part that the engine says.
    Auto {
        /// Of so many parts.
        of: Option<u32>,
    },
}

impl FromStr for Asked {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let of = match text.strip_prefix("auto") {
            Some("") => return Ok(Self::Auto { of: None }),
            Some(rest) => rest.strip_prefix('/').and_then(|of| of.parse().ok()),
            None => return text.parse().map(Self::Shard),
        };
        match of {
            Some(of) if of > 0 => Ok(Self::Auto { of: Some(of) }),
            _ => Err(format!("\"{text}\" is no shard; write K/N, auto or auto/N, such as auto/3")),
        }
    }
}

/// An engine that starts the same job several times.
struct Engine {
    name: &'static str,
    /// The variable with the job's number.
    index: &'static str,
    /// The variable with the number of jobs, where there is one.
    total: Option<&'static str>,
    /// The number of the first job.
    first: First,
}

enum First {
    Zero,
    One,
    /// The array's own: the least number and the step stand in these variables.
    Slurm {
        least: &'static str,
        step: &'static str,
    },
}

/// Sources: GitLab's predefined variables; Kubernetes, "Indexed Job for Parallel Processing"; Slurm, `sbatch`,
/// "Output environment variables"; the references of `CircleCI`, Buildkite and Bitbucket on parallel jobs. A
/// matrix of GitHub's has no variables of its own: there the workflow writes `--shard K/N` itself.
const ENGINES: [Engine; 6] = [
    Engine {
        name: "GitLab",
        index: "CI_NODE_INDEX",
        total: Some("CI_NODE_TOTAL"),
        first: First::One,
    },
    Engine { name: "Kubernetes", index: "JOB_COMPLETION_INDEX", total: None, first: First::Zero },
    Engine {
        name: "Slurm",
        index: "SLURM_ARRAY_TASK_ID",
        total: Some("SLURM_ARRAY_TASK_COUNT"),
        first: First::Slurm { least: "SLURM_ARRAY_TASK_MIN", step: "SLURM_ARRAY_TASK_STEP" },
    },
    Engine {
        name: "CircleCI",
        index: "CIRCLE_NODE_INDEX",
        total: Some("CIRCLE_NODE_TOTAL"),
        first: First::Zero,
    },
    Engine {
        name: "Buildkite",
        index: "BUILDKITE_PARALLEL_JOB",
        total: Some("BUILDKITE_PARALLEL_JOB_COUNT"),
        first: First::Zero,
    },
    Engine {
        name: "Bitbucket",
        index: "BITBUCKET_PARALLEL_STEP",
        total: Some("BITBUCKET_PARALLEL_STEP_COUNT"),
        first: First::Zero,
    },
];

/// The part that the environment asks for, with the engine's name; `of` is the number of parts where it was
/// given. `variable` looks a variable up.
///
/// # Errors
/// Where no engine says anything, two say different things, or one says what cannot be: a sentence that tells
/// what to write instead.
pub fn detect(
    of: Option<u32>,
    variable: impl Fn(&str) -> Option<String>,
) -> Result<(Shard, &'static str), String> {
    let set = |name: &str| variable(name).filter(|value| !value.is_empty());
    let mut found: Option<(Shard, &'static str)> = None;
    for engine in &ENGINES {
        let Some(shard) = engine.shard(of, &set)? else { continue };
        match found {
            Some((other, name)) if other != shard => {
                return Err(format!(
                    "{name} says that this is shard {other}, and {} that it is {shard}; write --shard K/N",
                    engine.name
                ));
            }
            Some(_) => {}
            None => found = Some((shard, engine.name)),
        }
    }
    found.ok_or_else(|| {
        let names = ENGINES.map(|engine| format!("{} ({})", engine.index, engine.name)).join(", ");
        format!("--shard auto: none of the variables that tell a job's number is set: {names}; write --shard K/N")
    })
}

impl Engine {
    fn shard(
        &self,
        of: Option<u32>,
        set: &impl Fn(&str) -> Option<String>,
    ) -> Result<Option<Shard>, String> {
        let number = |name: &str| match set(name).map(|text| (text.parse::<u32>(), text)) {
            None => Ok(None),
            Some((Ok(number), _)) => Ok(Some(number)),
            Some((Err(_), text)) => Err(format!("{name} is \"{text}\", which is no number")),
        };
        let Some(index) = number(self.index)? else { return Ok(None) };
        let total = match self.total {
            Some(name) => number(name)?.map(|total| (total, name)),
            None => None,
        };
        let of = match (of, total) {
            (Some(of), Some((total, name))) if of != total => {
                return Err(format!("--shard auto/{of}: {name} says that there are {total}"));
            }
            (Some(of), _) | (None, Some((of, _))) => of,
            (None, None) => {
                let name = self.name;
                return Err(format!(
                    "--shard auto: {name} does not say how many jobs there are; write --shard auto/N"
                ));
            }
        };
        let before = match self.first {
            First::Zero => Some(index),
            First::One => index.checked_sub(1),
            First::Slurm { least, step } => {
                let least = number(least)?.unwrap_or(0);
                let step = number(step)?.unwrap_or(1).max(1);
                index.checked_sub(least).filter(|it| it % step == 0).map(|it| it / step)
            }
        };
        let shard = before.and_then(|before| Shard::new(before.checked_add(1)?, of));
        shard.map(Some).ok_or_else(|| {
            format!(
                "{} is {index}, which is none of {of} numbers in a row; write --shard K/N",
                self.index
            )
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(asked: &str, environment: &[(&str, &str)], expected: Result<(&str, &str), &str>) {
        let Asked::Auto { of } = asked.parse().unwrap() else { panic!("{asked}") };
        let variable = |name: &str| {
            environment
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| (*value).to_owned())
        };
        let found = detect(of, variable).map(|(shard, engine)| (shard.to_string(), engine));
        match (found, expected) {
            (Ok((shard, engine)), Ok(expected)) => assert_eq!((shard.as_str(), engine), expected),
            (Err(said), Err(part)) => assert!(said.contains(part), "{said}"),
            (found, expected) => panic!("{environment:?}: {found:?}, not {expected:?}"),
        }
    }

    #[test]
    fn every_engine_counts_in_its_own_way() {
        check("auto", &[("CI_NODE_INDEX", "3"), ("CI_NODE_TOTAL", "3")], Ok(("3/3", "GitLab")));
        check("auto/4", &[("JOB_COMPLETION_INDEX", "0")], Ok(("1/4", "Kubernetes")));
        let circle = [("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "2")];
        check("auto", &circle, Ok(("1/2", "CircleCI")));
        let kite = [("BUILDKITE_PARALLEL_JOB", "1"), ("BUILDKITE_PARALLEL_JOB_COUNT", "2")];
        check("auto/2", &kite, Ok(("2/2", "Buildkite")));
        let bucket = [("BITBUCKET_PARALLEL_STEP", "1"), ("BITBUCKET_PARALLEL_STEP_COUNT", "5")];
        check("auto", &bucket, Ok(("2/5", "Bitbucket")));
    }

    fn slurm(id: &str, count: &str, least: &str, step: &str, expected: Result<(&str, &str), &str>) {
        let array = [
            ("SLURM_ARRAY_TASK_ID", id),
            ("SLURM_ARRAY_TASK_COUNT", count),
            ("SLURM_ARRAY_TASK_MIN", least),
            ("SLURM_ARRAY_TASK_STEP", step),
        ];
        check("auto", &array, expected);
    }

    #[test]
    fn an_array_of_slurm_begins_anywhere_and_may_have_a_step() {
        slurm("0", "4", "0", "1", Ok(("1/4", "Slurm")));
        slurm("4", "4", "1", "", Ok(("4/4", "Slurm")));
        slurm("14", "3", "10", "2", Ok(("3/3", "Slurm")));
        // `--array=1,3,7`
        slurm("7", "3", "1", "1", Err("none of 3 numbers in a row"));
        slurm("13", "3", "10", "2", Err("none of 3 numbers in a row"));
    }

    #[test]
    fn what_is_not_said_is_asked_for() {
        check("auto", &[], Err("CI_NODE_INDEX (GitLab), JOB_COMPLETION_INDEX (Kubernetes)"));
        // GitLab sets this for every job.
        check("auto", &[("CI_NODE_TOTAL", "1")], Err("none of the variables"));
        check(
            "auto",
            &[("CI_NODE_INDEX", ""), ("CI_NODE_TOTAL", "3")],
            Err("none of the variables"),
        );
        check("auto", &[("JOB_COMPLETION_INDEX", "0")], Err("write --shard auto/N"));
    }

    #[test]
    fn contradictions_are_refused() {
        let gitlab = [("CI_NODE_INDEX", "1"), ("CI_NODE_TOTAL", "3")];
        check("auto/4", &gitlab, Err("--shard auto/4: CI_NODE_TOTAL says that there are 3"));
        let both = [gitlab[0], gitlab[1], ("CIRCLE_NODE_INDEX", "1"), ("CIRCLE_NODE_TOTAL", "3")];
        check(
            "auto",
            &both,
            Err("GitLab says that this is shard 1/3, and CircleCI that it is 2/3"),
        );
        let agree = [gitlab[0], gitlab[1], ("CIRCLE_NODE_INDEX", "0"), ("CIRCLE_NODE_TOTAL", "3")];
        check("auto", &agree, Ok(("1/3", "GitLab")));
        check("auto", &[("CI_NODE_INDEX", "4"), ("CI_NODE_TOTAL", "3")], Err("none of 3 numbers"));
        check("auto", &[("CI_NODE_INDEX", "0"), ("CI_NODE_TOTAL", "3")], Err("none of 3 numbers"));
        check("auto/3", &[("JOB_COMPLETION_INDEX", "x")], Err("is \"x\", which is no number"));
    }

    #[test]
    fn an_argument_is_a_shard_or_asks_the_engine() {
        assert_eq!("2/3".parse(), Ok(Asked::Shard(Shard::new(2, 3).unwrap())));
        assert_eq!("auto".parse(), Ok(Asked::Auto { of: None }));
        assert_eq!("auto/3".parse(), Ok(Asked::Auto { of: Some(3) }));
        for wrong in ["auto/", "auto/0", "auto/x", "automatic", "auto3"] {
            assert!(wrong.parse::<Asked>().unwrap_err().contains("no shard"), "{wrong}");
        }
    }
}
