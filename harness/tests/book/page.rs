//! A page of the book: its fenced blocks, its marked lists and its links.

use std::fs;
use std::path::{Path, PathBuf};

/// A page.
pub struct Page {
    /// Its file's name without the ending.
    pub name: String,
    pub path: PathBuf,
    pub text: String,
    pub blocks: Vec<Block>,
    pub lists: Vec<List>,
    /// The folders with a client's description that its commands find.
    pub given: Vec<String>,
}

/// A fenced block.
pub struct Block {
    /// The language of the fence.
    pub language: String,
    /// The words after it.
    pub words: Vec<String>,
    pub text: String,
    /// The line of the fence, counted from 1.
    pub line: usize,
}

/// A table under `<!-- list: NAME -->`.
pub struct List {
    pub name: String,
    pub line: usize,
    /// The cells of each row but the heading.
    pub rows: Vec<Vec<String>>,
}

impl Block {
    /// The value of the word `key=value`.
    pub fn value(&self, key: &str) -> Option<&str> {
        self.words.iter().find_map(|word| word.strip_prefix(key)?.strip_prefix('='))
    }

    /// Whether the word stands behind the fence.
    pub fn is(&self, word: &str) -> bool {
        self.words.iter().any(|it| it == word)
    }
}

impl List {
    /// What the list lists: the words in backticks of the first cells.
    pub fn names(&self) -> Vec<&str> {
        let first = self.rows.iter().filter_map(|row| row.first());
        first.flat_map(|cell| cell.split('`').skip(1).step_by(2)).collect()
    }
}

/// A page that stands elsewhere in the repository.
pub fn elsewhere(name: &str, path: PathBuf) -> Page {
    Page { name: name.to_owned(), ..read(path) }
}

/// Every page below a folder, sorted by name.
pub fn read_all(folder: &Path) -> Vec<Page> {
    let entries = fs::read_dir(folder).expect("the book is there").flatten();
    let mut paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
    paths.sort();
    paths.retain(|path| path.extension().is_some_and(|it| it == "md"));
    paths.into_iter().map(read).collect()
}

fn read(path: PathBuf) -> Page {
    let text = fs::read_to_string(&path).expect("a page can be read");
    let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
    let (mut blocks, mut lists, mut given) = (Vec::new(), Vec::new(), Vec::new());
    let mut lines = (1..).zip(text.lines()).peekable();
    while let Some((line, content)) = lines.next() {
        if let Some(info) = content.strip_prefix("```") {
            let mut words = info.split_whitespace().map(str::to_owned);
            let language = words.next().unwrap_or_default();
            let inner = lines.by_ref().map(|(_, inner)| inner).take_while(|it| *it != "```");
            let text: String = inner.map(|inner| format!("{inner}\n")).collect();
            blocks.push(Block { language, words: words.collect(), text, line });
        } else if let Some(folders) = marker(content, "given") {
            given.extend(folders.split(", ").map(str::to_owned));
        } else if let Some(name) = marker(content, "list") {
            let mut rows = Vec::new();
            while let Some((_, row)) = lines.next_if(|(_, it)| it.is_empty() || it.starts_with('|'))
            {
                if row.is_empty() && !rows.is_empty() {
                    break;
                }
                rows.extend((!row.is_empty()).then(|| cells(row)));
            }
            // The heading and the line under it.
            lists.push(List {
                name: name.to_owned(),
                line,
                rows: rows.split_off(rows.len().min(2)),
            });
        }
    }
    Page { name, path, text, blocks, lists, given }
}

fn marker<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    line.strip_prefix("<!-- ")?.strip_prefix(word)?.strip_prefix(": ")?.strip_suffix(" -->")
}

fn cells(row: &str) -> Vec<String> {
    row.trim_matches('|').split(" | ").map(|cell| cell.trim().to_owned()).collect()
}
