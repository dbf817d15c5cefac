//! What the files say to each engine fits together: the shards are a whole, and what joins them finds them.

use serde_json::Value;

use super::files::{document, documents, filled, number, string, strings, text};

const GITHUB: &str = "reports/ci/github.yml";
const GITLAB: &str = "reports/ci/gitlab.yml";
const KUBERNETES: &str = "reports/ci/kubernetes-job.yaml";
const SLURM: &str = "reports/ci/slurm.sh";

/// The folder of the composite action.
const ACTION: &str = "/reports/ci@";

/// The words after an option.
fn option(line: &str, name: &str) -> String {
    let mut words = line.split_whitespace().skip_while(|word| *word != name);
    words.nth(1).unwrap_or_else(|| panic!("{line} has no {name}")).trim_matches('"').to_owned()
}

/// The step of a job that uses an action whose name holds `part`.
fn step<'a>(job: &'a Value, part: &str) -> &'a Value {
    let steps = job["steps"].as_array().unwrap();
    let uses = |step: &&Value| step["uses"].as_str().is_some_and(|uses| uses.contains(part));
    steps.iter().find(uses).unwrap_or_else(|| panic!("no step uses {part}"))
}

/// The numbers of GitHub's matrix.
fn matrix() -> Vec<u32> {
    let workflow = document(GITHUB);
    let matrix = workflow["jobs"]["shard"]["strategy"]["matrix"].as_object().unwrap().clone();
    assert_eq!(matrix.len(), 1, "`strategy.job-total` counts all combinations");
    matrix["shard"].as_array().unwrap().iter().map(number).collect()
}

/// The command lines of each job of GitHub's.
pub fn github_lines() -> Vec<Vec<String>> {
    let workflow = document(GITHUB);
    let arguments = |job: &str| string(&step(&workflow["jobs"][job], ACTION)["with"]["arguments"]);
    let numbers = matrix();
    let shard = |number: &u32| {
        let variables = [
            ("${{ matrix.shard }}", number.to_string()),
            ("${{ strategy.job-total }}", numbers.len().to_string()),
            ("${{ github.run_id }}", "1234567890".to_owned()),
        ];
        filled(&arguments("shard"), &variables)
    };
    vec![numbers.iter().map(shard).collect(), vec![filled(&arguments("merge"), &[])]]
}

pub fn github() {
    let numbers = matrix();
    let of = u32::try_from(numbers.len()).unwrap();
    assert!(of > 1);
    assert_eq!(numbers, (1..=of).collect::<Vec<_>>());
    let lines = github_lines();
    for (line, number) in lines[0].iter().zip(&numbers) {
        assert_eq!(option(line, "--shard"), format!("{number}/{of}"));
    }
    let jobs = &document(GITHUB)["jobs"];
    assert_eq!(
        jobs["shard"]["strategy"]["fail-fast"], false,
        "a failing shard must not end the others"
    );
    let (upload, download) =
        (step(&jobs["shard"], "upload-artifact"), step(&jobs["merge"], "download-artifact"));
    assert_eq!(upload["if"], "always()", "the runs that failed are those that matter");
    assert_eq!(string(&upload["with"]["path"]), option(&lines[0][0], "--out"));
    let pattern = string(&download["with"]["pattern"]);
    let name = string(&upload["with"]["name"]);
    assert_eq!(name.replace("${{ matrix.shard }}", "*"), pattern);
    assert_eq!(jobs["merge"]["needs"], "shard");
    assert_eq!(jobs["merge"]["if"], "always()");
    let merge = &lines[1][0];
    assert!(merge.starts_with(&format!("merge {} ", string(&download["with"]["path"]))), "{merge}");
    assert_eq!(
        string(&step(&jobs["merge"], "upload-artifact")["with"]["path"]),
        option(merge, "--out")
    );

    let action = document("reports/ci/action.yml");
    assert_eq!(action["runs"]["using"], "composite");
    assert_eq!(action["inputs"]["arguments"]["required"], true);
    for step in action["runs"]["steps"].as_array().unwrap() {
        if let Some(script) = step["run"].as_str() {
            assert_eq!(step["shell"], "bash");
            assert!(!script.contains("${{"), "an input in a script is a program: {script}");
        }
    }
}

/// The command lines of each job of GitLab's.
pub fn gitlab_lines() -> Vec<Vec<String>> {
    let file = document(GITLAB);
    let lines = |job: &str| {
        let script = strings(&file[job]["script"]);
        let own = script.iter().filter_map(|line| line.strip_prefix("cachestorm "));
        let variables =
            [("$CI_PIPELINE_ID", "123456".to_owned()), ("$CI_NODE_INDEX", "1".to_owned())];
        own.map(|line| filled(line, &variables)).collect::<Vec<_>>()
    };
    vec![lines("cachestorm"), lines("cachestorm-merge")]
}

pub fn gitlab() {
    let file = document(GITLAB);
    let (job, merge) = (&file["cachestorm"], &file["cachestorm-merge"]);
    assert!(number(&job["parallel"]) > 1);
    let lines = gitlab_lines();
    assert_eq!(option(&lines[0][0], "--shard"), "auto");
    let folder = &strings(&job["artifacts"]["paths"])[0];
    assert!(option(&lines[0][0], "--out").starts_with(&format!("{folder}/")));
    assert_eq!(job["artifacts"]["when"], "always");
    assert_eq!(strings(&merge["needs"]), ["cachestorm"]);
    assert_eq!(merge["when"], "always");
    assert!(lines[1][0].starts_with(&format!("merge {folder} ")), "{}", lines[1][0]);
    assert_eq!(string(&merge["artifacts"]["reports"]["junit"]), option(&lines[1][0], "--junit"));
    assert_eq!(strings(&merge["artifacts"]["paths"]), [option(&lines[1][0], "--out")]);
    for job in [job, merge] {
        assert!(file[string(&job["extends"])].is_object());
    }
}

fn kubernetes_job() -> Value {
    let mut jobs = documents(KUBERNETES).into_iter().filter(|it| it["kind"] == "Job");
    let job = jobs.next().unwrap();
    assert!(jobs.next().is_none());
    job
}

/// The command line of a pod.
pub fn kubernetes_line() -> String {
    let pod = &kubernetes_job()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!(strings(&pod["command"]), ["cachestorm"]);
    filled(&strings(&pod["args"]).join(" "), &[])
}

pub fn kubernetes() {
    let job = kubernetes_job();
    assert_eq!(job["apiVersion"], "batch/v1");
    let spec = &job["spec"];
    assert_eq!(spec["completionMode"], "Indexed");
    let of = number(&spec["completions"]);
    assert!(of > 1);
    assert_eq!(option(&kubernetes_line(), "--shard"), format!("auto/{of}"));
    assert_eq!(number(&spec["parallelism"]), of);
    assert_eq!(
        number(&spec["backoffLimitPerIndex"]),
        0,
        "a violation is a result and not tried again"
    );
    assert_eq!(number(&spec["maxFailedIndexes"]), of, "a failing shard must not end the others");
    let pod = &spec["template"]["spec"];
    assert_eq!(pod["restartPolicy"], "Never");
    let container = &pod["containers"][0];
    let mount = &container["volumeMounts"][0];
    let below = format!("{}/", string(&mount["mountPath"]));
    assert!(
        option(&kubernetes_line(), "--out").starts_with(&below),
        "else it is lost with the pod"
    );
    assert_eq!(mount["name"], pod["volumes"][0]["name"]);
    let claim = documents(KUBERNETES).into_iter().find(|it| it["kind"] == "PersistentVolumeClaim");
    let claim = claim.unwrap();
    assert_eq!(claim["metadata"]["name"], pod["volumes"][0]["persistentVolumeClaim"]["claimName"]);
    assert_eq!(strings(&claim["spec"]["accessModes"]), ["ReadWriteMany"]);
    // Without a seed of its own each pod would still have the same; a draw of its own would not be joined.
    assert!(option(&kubernetes_line(), "--seed").parse::<u64>().is_ok());
}

/// The command line of a job of Slurm's array.
pub fn slurm_line() -> String {
    let text = text(SLURM);
    let mut lines = text.lines().filter_map(|line| line.strip_prefix("cachestorm "));
    let line = lines.next().unwrap();
    assert!(lines.next().is_none());
    filled(line, &[("$SLURM_ARRAY_JOB_ID", "4711".to_owned())])
}

pub fn slurm() {
    let text = text(SLURM);
    let array = text.lines().find_map(|line| line.strip_prefix("#SBATCH --array=")).unwrap();
    let (first, last) = array.split_once('-').unwrap();
    assert!(first.parse::<u32>().unwrap() < last.parse::<u32>().unwrap(), "{array} is one range");
    assert_eq!(option(&slurm_line(), "--shard"), "auto");
}
