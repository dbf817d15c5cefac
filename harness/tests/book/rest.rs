//! Files, links, and what is said of each invariant.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use cachestorm::client::describe;
use cachestorm::model::expected::{Expectations, FILE_NAME};
use cachestorm::model::verdict::Invariant;
use cachestorm::scenario;

use crate::page::{Block, Page};
use crate::{Found, repository};

/// What stands before a part of a scenario.
const SCENARIO: &str = "summary = \"A part.\"\n";

/// What stands before a part of a description.
const CLIENT: &str = "name = \"part\"\nsummary = \"A part.\"\nfiles = { published = \"p\" }\n\
                      command = [\"x\", \"{catwalk_url}\", \"{cache_dir}\", \"{ttl}\"]\n";

/// Every file and part of one is read as the program reads it; every excerpt stands where it says.
pub fn files_are_right(page: &Page) -> Found {
    for block in &page.blocks {
        let checked = match block.language.as_str() {
            "toml" | "rust" => check(block),
            "yaml" => is_the_file(block),
            _ => Ok(()),
        };
        checked.map_err(|wrong| format!("{}:{}: {wrong}", page.path.display(), block.line))?;
    }
    Ok(())
}

fn check(block: &Block) -> Found {
    if let Some(file) = block.value("example") {
        let file = repository().join("fixtures/example-project").join(file);
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let stands = text.contains(&block.text);
        return if stands {
            Ok(())
        } else {
            Err(format!("this does not stand in {}", file.display()))
        };
    }
    let wrong = |error: scenario::text::Diagnostics| error.to_string();
    match block.value("file") {
        _ if block.language != "toml" => {
            Err("say which file this is from: `example=FILE`".to_owned())
        }
        Some(name) if name.ends_with(describe::FILE_NAME) => {
            describe::parse(name, &block.text).map(drop).map_err(wrong)
        }
        Some(name) => scenario::parse(name, &block.text).map(drop).map_err(wrong),
        None if block.is("part") => {
            let text = format!("{SCENARIO}{}", block.text);
            scenario::parse("part.toml", &text).map(drop).map_err(wrong)
        }
        None if block.is("client-part") => {
            let text = format!("{CLIENT}{}", block.text);
            describe::parse("part.toml", &text).map(drop).map_err(wrong)
        }
        None => Err("say what this is: `file=NAME`, `part` or `client-part`".to_owned()),
    }
}

fn is_the_file(block: &Block) -> Found {
    let file = block.value("of").ok_or("say which file this is: `of=FILE`")?;
    let text = fs::read_to_string(repository().join(file));
    let text = text.map_err(|error| format!("{file}: {error}"))?;
    if text == block.text { Ok(()) } else { Err(format!("this is not {file}")) }
}

/// Every link into the repository leads to a file, and to a heading where it names one.
pub fn links_lead_somewhere(page: &Page) -> Found {
    for target in links(&page.text) {
        if target.contains("://") {
            continue;
        }
        let (path, heading) = target.split_once('#').unwrap_or((target, ""));
        let folder = page.path.parent().unwrap_or(Path::new("."));
        let file = if path.is_empty() { page.path.clone() } else { folder.join(path) };
        if !file.exists() {
            return Err(format!("{}: the link {target} leads nowhere", page.path.display()));
        }
        let text = fs::read_to_string(&file).unwrap_or_default();
        if !heading.is_empty() && !headings(&text).contains(heading) {
            return Err(format!("{}: {target} has no such heading", page.path.display()));
        }
    }
    Ok(())
}

fn links(text: &str) -> impl Iterator<Item = &str> {
    text.split("](").skip(1).filter_map(|rest| Some(rest.split_once(')')?.0))
}

/// The anchors of a page's headings, as GitHub makes them.
fn headings(text: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let words = line.trim_start_matches('#').trim().to_lowercase().replace(' ', "-");
        words.chars().filter(|c| c.is_alphanumeric() || *c == '-' || *c == '_').collect()
    };
    text.lines().filter(|line| line.starts_with('#')).map(heading).collect()
}

/// The contents lead to every page, and the README of the repository to the contents.
pub fn every_page_is_reached(pages: &[Page]) -> Found {
    let contents = pages.iter().find(|page| page.name == "README").ok_or("no contents")?;
    let linked: BTreeSet<&str> = links(&contents.text).collect();
    let others = pages.iter().filter(|page| page.name != "README");
    if let Some(page) =
        others.into_iter().find(|page| !linked.contains(&*format!("{}.md", page.name)))
    {
        return Err(format!("the contents do not list {}", page.name));
    }
    let readme = fs::read_to_string(repository().join("README.md")).unwrap_or_default();
    let found = links(&readme).any(|link| link.starts_with("harness/book"));
    if found { Ok(()) } else { Err("the README does not link the book".to_owned()) }
}

/// What the section of each invariant must say, in this order.
const PARTS: [&str; 5] =
    ["**Says.**", "**Judged.**", "**Witness.**", "**Broken by**", "**Not evaluated**"];

/// Each invariant has its section with every part. The clients that break it do so by their expectations,
/// and the reason for which it is not evaluated is the one that the judge gives.
pub fn invariants_are_told(pages: &[Page]) -> Found {
    let page =
        pages.iter().find(|page| page.name == "invariants").ok_or("no page of invariants")?;
    for invariant in Invariant::ALL {
        let start = format!("\n## {invariant}\n");
        let (_, rest) =
            page.text.split_once(&start).ok_or(format!("{invariant} has no section"))?;
        let section = rest.split("\n## ").next().unwrap_or(rest);
        let mut last = 0;
        for part in PARTS {
            let at = section.find(part).ok_or(format!("{invariant} does not say {part}"))?;
            if at < last {
                return Err(format!("{invariant}: {part} stands too early"));
            }
            last = at;
        }
        is_broken_by(invariant, section)?;
        let reason = part(section, "**Not evaluated**").split('"').nth(1);
        let reason = reason.ok_or(format!("{invariant} quotes no reason"))?;
        let file = format!("src/judge/{}.rs", invariant.as_str().replace('-', "_"));
        let judge = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(file));
        if !judge.unwrap_or_default().contains(&format!("\"{reason}\"")) {
            return Err(format!("{invariant}: the judge never says \"{reason}\""));
        }
        if !section.contains("```console exit=1") {
            return Err(format!("{invariant} is not shown broken"));
        }
    }
    Ok(())
}

fn part<'a>(section: &'a str, part: &str) -> &'a str {
    let (_, rest) = section.split_once(part).unwrap_or_default();
    rest.split("\n\n").next().unwrap_or(rest)
}

fn is_broken_by(invariant: Invariant, section: &str) -> Found {
    let clients: Vec<&str> = part(section, "**Broken by**").split('`').skip(1).step_by(2).collect();
    if clients.is_empty() {
        return Err(format!("no client is said to break {invariant}"));
    }
    for client in clients {
        let file = repository().join("fixtures/clients").join(client).join(FILE_NAME);
        let text =
            fs::read_to_string(&file).map_err(|error| format!("{}: {error}", file.display()))?;
        let expected: Expectations = toml::from_str(&text).map_err(|error| error.to_string())?;
        if !expected.scenario.values().any(|it| it.breaks.contains(&invariant)) {
            return Err(format!("{client} is not expected to break {invariant} every time"));
        }
    }
    Ok(())
}
