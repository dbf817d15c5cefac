//! What the README shows is what the files hold.

use super::files::text;

pub fn shows_the_files() {
    let readme = text("README.md");
    let blocks: Vec<&str> = readme
        .split("```yaml\n")
        .skip(1)
        .map(|rest| rest.split("```").next().unwrap_or_default())
        .collect();
    for name in ["github.yml", "gitlab.yml"] {
        let file = format!("reports/ci/{name}");
        assert!(readme.contains(&file), "the README does not name {file}");
        assert!(blocks.contains(&text(&file).as_str()), "the README does not show {file} as it is");
    }
    assert_eq!(blocks.len(), 2, "a block of the README is held against no file");
    for file in ["reports/ci/README.md", "reports/ci/kubernetes-job.yaml"] {
        assert!(readme.contains(file), "the README does not name {file}");
    }
}
