//! The README leads to every file. That it shows the two as they are is held by the test of the book.

use super::files::text;

pub fn names_the_files() {
    let readme = text("README.md");
    for file in ["README.md", "github.yml", "gitlab.yml", "kubernetes-job.yaml", "slurm.sh"] {
        let file = format!("reports/ci/{file}");
        let file = file.as_str();
        assert!(readme.contains(file), "the README does not name {file}");
    }
}
