//! The rules of the house, as far as the sources can show them. Each failure names the file and the reason; what may
//! break a rule stands in [`EXCEPTIONS`], with why.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeSet;
use std::fmt::Write;
use std::path::{Path, PathBuf};

/// A rule, the file that may break it, and why.
const EXCEPTIONS: &[(Rule, &str, &str)] = &[
    (Rule::Flags, "src/net/target.rs", "the flag is the field of the same name"),
    (Rule::Fence, "src/tui/terminal.rs", "saves the payload that the user asks for"),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rule {
    Layers,
    Fence,
    Purity,
    Length,
    Opening,
    Names,
    Words,
    Flags,
    Allowances,
    Paths,
    Dependencies,
}

/// What only some layers may name: sockets, files, terminals and formats each have one place.
const FENCES: &[(&[&str], &[&str])] = &[
    (&["ratatui", "crossterm", "unicode_segmentation"], &["tui"]),
    (&["hyper", "hyper_util", "http_body_util", "httparse"], &["net"]),
    (&["rcgen", "rustls", "tokio_rustls", "rustls_platform_verifier", "socket2"], &["net"]),
    (&["ring", "rsa", "x509_parser"], &["net"]),
    // The demo is a client and a server of its own.
    (&["tokio::net", "TcpStream", "TcpListener", "UdpSocket"], &["net", "demo", "cli"]),
    // Addresses also travel where there are no sockets.
    (&["std::net"], &["net", "interchange", "demo", "cli", "run"]),
    (&["tokio_tungstenite", "futures_util"], &["demo"]),
    (&["tokio"], &["net", "demo", "control", "replay", "connect", "run"]),
    (&["serde_json"], &["headless", "interchange", "decode", "recordings", "replay", "diff"]),
    (&["serde"], &["headless"]),
    (&["imara_diff"], &["recordings"]),
    (&["std::fs", "File::open", "File::create"], &["capture", "headless", "run"]),
    (&["flate2", "zlib_rs"], &["ws"]),
    // Java's keystores are closed with it.
    (&["sha1"], &["ws", "run"]),
    (&["minicbor"], &["decode"]),
    (&["clap", "clap_complete", "clap_mangen"], &["cli", "run"]),
    (&["toml"], &["rules", "cli"]),
    (&["toml_edit"], &["rules"]),
    (&["eprintln!", "std::process::exit", "Command::new", "std::env::args_os"], &["run", "main"]),
];

/// Layers that take bytes, time and randomness as arguments, and what would give them their own.
const PURE: &[&str] = &["ws", "decode", "filter", "rules", "relay"];
const IMPURE: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "getrandom",
    "std::env",
    "std::net",
    "std::thread",
    "std::fs",
    "std::io::stdout",
    "tokio",
];

/// Lines of code that a file may have, without blanks, comments and tests.
const LONGEST_FILE: usize = 400;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: &[&str] = &["utils", "util", "helpers", "helper", "common", "misc", "types"];

/// What nobody should read in the sources, and what to do instead.
const UNWANTED: &[(&str, &str)] = &[
    ("todo!", "do it, or say in the documentation that it is not done"),
    ("TODO", "do it, or say in the documentation that it is not done"),
    ("FIXME", "do it, or say in the documentation that it is not done"),
    ("println!(", "the standard output is written through a handle, whose errors are looked at"),
    ("upstream", "the two ends are the client and the server"),
    ("downstream", "the two ends are the client and the server"),
    ("#[ignore", "a test that is not run is none"),
];

/// One file of the project.
struct Source {
    /// From the project's folder, with `/`.
    path: String,
    text: String,
}

#[test]
fn layers_name_only_those_below_them() {
    let order = layers();
    let mut found = Findings::of(Rule::Layers);
    for source in sources("src") {
        let Some(own) = order.iter().position(|layer| *layer == source.layer()) else { continue };
        for (number, line) in source.code() {
            for named in named_layers(&source.path, line) {
                let other = order.iter().position(|layer| *layer == named);
                if other.is_some_and(|other| other > own) {
                    let own = &order[own];
                    found.add(&source, number, &format!("{own} names {named}, which stands above it"));
                }
            }
        }
    }
    found.tell();
}

#[test]
fn fenced_names_stay_in_their_layers() {
    let mut found = Findings::of(Rule::Fence);
    for source in sources("src") {
        for (number, line) in source.code() {
            for (names, layers) in FENCES {
                let Some(name) = names.iter().find(|name| names_it(line, name)) else { continue };
                if !layers.contains(&source.layer()) {
                    found.add(&source, number, &format!("{name} belongs to {}", layers.join(", ")));
                }
            }
        }
    }
    found.tell();
}

#[test]
fn pure_layers_take_bytes_time_and_randomness_as_arguments() {
    let mut found = Findings::of(Rule::Purity);
    for source in sources("src").filter(|source| PURE.contains(&source.layer())) {
        for (number, line) in source.code() {
            for name in IMPURE.iter().filter(|name| names_it(line, name)) {
                found.add(&source, number, &format!("{name} in a pure layer"));
            }
        }
    }
    found.tell();
}

#[test]
fn files_are_about_one_thing_and_say_which() {
    let mut lengths = Findings::of(Rule::Length);
    let mut openings = Findings::of(Rule::Opening);
    let mut names = Findings::of(Rule::Names);
    for source in ["src", "tests", "benches", "examples"].into_iter().flat_map(sources) {
        let length = source.code().filter(|(_, line)| !line.trim().is_empty()).count();
        if length > LONGEST_FILE && source.path.starts_with("src") && !source.path.ends_with("tests.rs") {
            lengths.add(&source, 0, &format!("{length} lines of code, {LONGEST_FILE} at most: split it"));
        }
        if !source.text.starts_with("//! ") {
            openings.add(&source, 1, "a file begins with //! and what it is");
        }
        let name = Path::new(&source.path).file_stem().unwrap().to_str().unwrap().to_owned();
        if EMPTY_NAMES.contains(&name.as_str()) {
            names.add(&source, 0, "a name that says nothing of what is inside");
        }
    }
    lengths.tell();
    openings.tell();
    names.tell();
}

#[test]
fn sources_are_free_of_unwanted_words() {
    let mut found = Findings::of(Rule::Words);
    let all = ["src", "tests", "benches", "examples"].into_iter().flat_map(sources);
    for source in all.filter(|source| source.path != "tests/tidy.rs") {
        let own_output = !source.path.starts_with("src");
        for (number, line) in (1..).zip(source.text.lines()) {
            for (word, instead) in UNWANTED {
                let excused = own_output && *word == "println!(";
                if line.contains(word) && !line.contains("eprintln!(") && !excused {
                    found.add(&source, number, &format!("{word:?}: {instead}"));
                }
            }
        }
    }
    found.tell();
}

#[test]
fn public_functions_take_no_bools() {
    let mut found = Findings::of(Rule::Flags);
    for source in sources("src") {
        let lines: Vec<_> = source.code().collect();
        for (index, (number, line)) in lines.iter().enumerate() {
            let line = line.trim_start();
            if !line.starts_with("pub fn ") && !line.starts_with("pub async fn ") {
                continue;
            }
            let mut signature = String::new();
            for (_, line) in &lines[index..] {
                signature.push_str(line);
                if line.contains('{') || line.contains(';') {
                    break;
                }
            }
            let arguments = signature.split("->").next().unwrap_or_default();
            if arguments.contains(": bool") {
                found.add(&source, *number, "a bool says nothing where it is called: give it an enum");
            }
        }
    }
    found.tell();
}

#[test]
fn allowances_have_reasons() {
    let mut found = Findings::of(Rule::Allowances);
    for source in ["src", "tests", "benches", "examples"].into_iter().flat_map(sources) {
        for (number, line) in source.code() {
            let allows = ["#[allow(", "#![allow(", "#[expect(", "#![expect("];
            if allows.iter().any(|start| line.trim_start().starts_with(start)) {
                let rest: String = source.text.lines().skip(number - 1).take(5).collect();
                let attribute = rest.split(")]").next().unwrap_or_default();
                if !attribute.contains("reason = ") {
                    found.add(&source, number, "a lint is lifted without a reason");
                }
            }
        }
    }
    found.tell();
}

#[test]
fn documents_lead_to_what_is_there() {
    let mut found = Findings::of(Rule::Paths);
    let documents = files("docs", "md").chain(files("", "md"));
    for document in documents {
        let folder = Path::new(&document.path).parent().unwrap().to_owned();
        for (number, line) in (1..).zip(document.text.lines()) {
            for link in line.split("](").skip(1).filter_map(|rest| rest.split([')', '#']).next()) {
                let elsewhere = link.is_empty() || link.contains("://");
                if !elsewhere && !project().join(&folder).join(link).exists() {
                    found.add(&document, number, &format!("{link} is not there"));
                }
            }
            for word in line.split('`').skip(1).step_by(2) {
                let ours = ["src/", "tests/", "docs/", "benches/", "examples/", "fuzz/"];
                let is_path =
                    ours.iter().any(|folder| word.starts_with(folder)) && !word.contains(['*', ' ', '<']);
                if is_path && !project().join(word).exists() {
                    found.add(&document, number, &format!("{word} is not there"));
                }
            }
        }
    }
    found.tell();
}

#[test]
fn dependencies_are_used() {
    let mut found = Findings::of(Rule::Dependencies);
    let manifest = Source::read("Cargo.toml".to_owned());
    let all: Vec<_> = ["src", "tests", "benches", "examples"].into_iter().flat_map(sources).collect();
    let mut tested = false;
    let mut listed = false;
    for (number, line) in (1..).zip(manifest.text.lines()) {
        if line.starts_with('[') {
            tested = line == "[dev-dependencies]";
            listed = tested || line == "[dependencies]";
        }
        let Some((name, _)) = line.split_once(" = ") else { continue };
        let name = name.replace('-', "_");
        let users = all.iter().filter(|source| tested || source.path.starts_with("src"));
        let is_used = || users.flat_map(|source| source.text.lines()).any(|line| names_it(line, &name));
        if listed && !line.starts_with('#') && !is_used() {
            found.add(&manifest, number, &format!("nothing names {name}"));
        }
    }
    found.tell();
}

/// The layers from below, as `src/lib.rs` lists them, and the program above them.
fn layers() -> Vec<String> {
    let map = Source::read("src/lib.rs".to_owned());
    let modules = map.text.lines().filter_map(|line| line.strip_prefix("pub mod ")?.strip_suffix(';'));
    let mut layers: Vec<_> = modules.map(str::to_owned).collect();
    assert!(layers.len() >= 10, "src/lib.rs should list the layers: {layers:?}");
    layers.extend(["cli", "run", "main"].map(str::to_owned));
    layers
}

/// The layers that a line names: `crate::net`, `sockeye::net`, and `super::net` where that means the same.
fn named_layers(path: &str, line: &str) -> Vec<String> {
    let at_top =
        path.matches('/').count() == 1 || (path.matches('/').count() == 2 && path.ends_with("/mod.rs"));
    let roots = ["crate::", "sockeye::", "super::"];
    let mut named = Vec::new();
    for root in roots.iter().filter(|root| at_top || **root != "super::") {
        for rest in line.split(root).skip(1) {
            let group = rest.strip_prefix('{').and_then(|rest| rest.split('}').next());
            let names = group.map_or(vec![rest], |group| group.split(',').collect());
            named.extend(names.iter().map(|name| {
                name.trim().chars().take_while(|sign| sign.is_alphanumeric() || *sign == '_').collect()
            }));
        }
    }
    named
}

/// Whether a line of code has this name in it, as a whole.
fn names_it(line: &str, name: &str) -> bool {
    let is_word = |sign: char| sign.is_alphanumeric() || sign == '_';
    line.match_indices(name).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        let behind = line[at + name.len()..].chars().next();
        let whole = !before.is_some_and(is_word) && (name.ends_with('!') || !behind.is_some_and(is_word));
        // A crate's name begins a path; that of a variable or a module of ours does not.
        let of_ours = line[..at].ends_with("::") || line[..at].ends_with('.') || line[..at].ends_with("mod ");
        let a_path = name.contains("::") || name.ends_with('!') || name.starts_with(char::is_uppercase);
        whole && !of_ours && (a_path || behind == Some(':') || behind == Some(';'))
    })
}

impl Source {
    fn read(path: String) -> Source {
        let text = std::fs::read_to_string(project().join(&path)).unwrap();
        Source { path, text }
    }

    /// The folder or file right below `src`.
    fn layer(&self) -> &str {
        let below = self.path.strip_prefix("src/").unwrap_or(&self.path);
        below.split('/').next().unwrap().trim_end_matches(".rs")
    }

    /// Its lines of code with their numbers: without comments, and in `src` without tests.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let in_src = self.path.starts_with("src/");
        let is_test = in_src && (self.path.ends_with("/tests.rs") || self.path.contains("/tests/"));
        let lines: Vec<_> = self.text.lines().collect();
        let tests = lines.windows(2).position(|pair| pair == ["#[cfg(test)]", "mod tests {"]);
        let end = match tests {
            _ if is_test => 0,
            Some(tests) if in_src => tests,
            _ => lines.len(),
        };
        (1..).zip(lines.into_iter().take(end)).filter(|(_, line)| !line.trim_start().starts_with("//"))
    }
}

/// What was found against a rule.
struct Findings {
    rule: Rule,
    list: BTreeSet<String>,
    /// The files whose exceptions were needed.
    excused: BTreeSet<String>,
}

impl Findings {
    fn of(rule: Rule) -> Findings {
        Findings { rule, list: BTreeSet::new(), excused: BTreeSet::new() }
    }

    fn add(&mut self, source: &Source, line: usize, reason: &str) {
        match EXCEPTIONS.iter().find(|(rule, path, _)| *rule == self.rule && *path == source.path) {
            Some((_, path, _)) => self.excused.insert((*path).to_owned()),
            None => self.list.insert(format!("{}:{line}: {reason}", source.path)),
        };
    }

    #[track_caller]
    fn tell(self) {
        let mut all = String::new();
        for finding in &self.list {
            let _ = writeln!(all, "{finding}");
        }
        for (_, path, _) in EXCEPTIONS.iter().filter(|(rule, ..)| *rule == self.rule) {
            if !self.excused.contains(*path) {
                let _ = writeln!(all, "{path}: needs its exception no more");
            }
        }
        assert!(all.is_empty(), "{:?}:\n{all}", self.rule);
    }
}

fn project() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The Rust files below a folder.
fn sources(folder: &str) -> impl Iterator<Item = Source> {
    files(folder, "rs")
}

/// The files below a folder whose names end so; of the project's own folder only those right in it.
fn files(folder: &str, ending: &str) -> impl Iterator<Item = Source> {
    let mut found = BTreeSet::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(project().join(&folder)) else { continue };
        for entry in entries {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            match entry.file_type().unwrap().is_dir() {
                true if !folder.as_os_str().is_empty() && entry.file_name() != "node_modules" => {
                    folders.push(path);
                }
                false if path.extension().is_some_and(|end| end == ending) => {
                    found.insert(path.to_str().unwrap().replace('\\', "/"));
                }
                _ => {}
            }
        }
    }
    found.into_iter().map(Source::read)
}
