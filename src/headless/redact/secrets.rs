//! What was found to be secret: its number, and where else it appears.

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};

use aho_corasick::{AhoCorasick, MatchKind};
use bytes::Bytes;

/// What a placeholder begins with; a number follows. It is valid in a URL, a cookie, a header and a subprotocol alike.
const PREFIX: &str = "redacted-";

/// How many secrets keep their numbers before the older ones get new ones.
const REMEMBERED: usize = 1 << 16;

/// Shorter secrets are replaced where they stand, and not looked for elsewhere: `1` is everywhere.
const SHORTEST: usize = 4;
/// The same for cookies, most of which are no secrets.
const SHORTEST_COOKIE: usize = 8;
/// How many places are told of one event, before `more` stands for the rest.
const TOLD: usize = 64;
/// How many octets of secrets are looked for elsewhere in one event; with more, its texts are replaced whole.
const LOOKED_FOR: usize = 64 * 1024;

/// The numbers that secrets have in a recording. Of the secrets themselves only hashes are kept.
#[derive(Default)]
pub(super) struct Numbers {
    hasher: RandomState,
    young: HashMap<u64, u32>,
    old: HashMap<u64, u32>,
    last: u32,
}

impl Numbers {
    /// The number of a secret; a new one where it was not met before, or too long ago.
    pub fn of(&mut self, secret: &[u8]) -> u32 {
        let hash = self.hasher.hash_one(secret);
        if let Some(number) = self.young.get(&hash) {
            return *number;
        }
        let number = self.old.get(&hash).copied().unwrap_or_else(|| {
            self.last = self.last.saturating_add(1);
            self.last
        });
        if self.young.len() >= REMEMBERED {
            self.old = std::mem::take(&mut self.young);
        }
        self.young.insert(hash, number);
        number
    }

    /// A placeholder of an earlier redaction is there: its number is taken.
    fn take(&mut self, number: u32) {
        self.last = self.last.max(number);
    }
}

/// Where a secret comes from, which tells how far it is looked for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Origin {
    /// A cookie, which is more often a setting than a secret.
    Cookie,
    /// What is named a secret, or looks like one.
    Named,
}

/// The secrets of one event.
pub(super) struct Finds<'n> {
    numbers: &'n mut Numbers,
    /// What is looked for elsewhere, and what stands for it.
    looked_for: HashMap<Vec<u8>, u32>,
    /// How many octets these are together.
    octets: usize,
    search: Option<Search>,
    /// Subprotocols that are secrets, whatever their length: the response repeats one of them.
    pub subprotocols: HashSet<Vec<u8>>,
    places: Vec<String>,
}

struct Search {
    patterns: AhoCorasick,
    placeholders: Vec<String>,
}

impl<'n> Finds<'n> {
    pub fn new(numbers: &'n mut Numbers) -> Finds<'n> {
        Finds {
            numbers,
            looked_for: HashMap::new(),
            octets: 0,
            search: None,
            subprotocols: HashSet::new(),
            places: Vec::new(),
        }
    }

    /// What stands in a secret's place. An empty value, and a placeholder, stand for themselves.
    pub fn replace(&mut self, secret: &[u8], origin: Origin, place: &str) -> Vec<u8> {
        self.replace_form(secret, secret, origin, place)
    }

    /// The same for a secret that stands there in another form than its own: percent-encoded, or in quotes.
    pub fn replace_form(&mut self, form: &[u8], secret: &[u8], origin: Origin, place: &str) -> Vec<u8> {
        if let Some(number) = placeholder(form) {
            self.numbers.take(number);
            return form.to_vec();
        }
        if form.is_empty() {
            return Vec::new();
        }
        let number = self.numbers.of(secret);
        for form in [form, secret] {
            self.look_for(form, number, origin);
        }
        self.tell(place);
        spell(number).into_bytes()
    }

    /// Another form of a secret that was replaced just now, such as the password inside base64.
    pub fn also(&mut self, secret: &[u8], form: &[u8]) {
        let number = self.numbers.of(secret);
        self.look_for(form, number, Origin::Named);
    }

    fn look_for(&mut self, form: &[u8], number: u32, origin: Origin) {
        let plain = form.iter().all(u8::is_ascii_alphabetic) || form.iter().all(u8::is_ascii_digit);
        let everyday = match origin {
            Origin::Cookie => form.len() < SHORTEST_COOKIE || plain,
            Origin::Named => form.len() < SHORTEST,
        };
        let in_placeholders = PREFIX.as_bytes().windows(form.len().max(1)).any(|part| part == form);
        if everyday || in_placeholders {
            return;
        }
        if self.octets <= LOOKED_FOR && self.looked_for.insert(form.to_vec(), number).is_none() {
            self.octets += form.len();
            self.search = None;
        }
    }

    fn tell(&mut self, place: &str) {
        if self.places.len() <= TOLD && !self.places.iter().any(|told| told == place) {
            let place = if self.places.len() < TOLD { place } else { "more" };
            self.places.push(place.to_owned());
        }
    }

    /// Adds what was replaced to a list of places.
    pub fn tell_into(&mut self, places: &mut Vec<String>) {
        for mut place in std::mem::take(&mut self.places) {
            // A name may be the same as a secret.
            if let Some(changed) = self.searched(place.as_bytes()) {
                place = String::from_utf8_lossy(&changed).into_owned();
            }
            if !places.contains(&place) {
                places.push(place);
            }
        }
    }

    /// The bytes with all that was found so far replaced; none where none of it is there.
    pub fn again(&mut self, bytes: &[u8], place: &str) -> Option<Bytes> {
        if self.octets > LOOKED_FOR && !bytes.is_empty() {
            self.tell(place);
            return Some(Bytes::from_static(b"redacted"));
        }
        let replaced = self.searched(bytes)?;
        self.tell(place);
        Some(replaced)
    }

    /// The same for a text.
    pub fn again_in_text(&mut self, text: &mut String, place: &str) {
        if let Some(changed) = self.again(text.as_bytes(), place) {
            *text = String::from_utf8_lossy(&changed).into_owned();
        }
    }

    /// The same for a head, whose own secrets are replaced already.
    pub fn again_in_head(&mut self, head: &mut Bytes, side: &str) {
        if let Some(changed) = self.searched(head) {
            self.tell(&format!("{side} head"));
            *head = changed;
        }
    }

    fn searched(&mut self, bytes: &[u8]) -> Option<Bytes> {
        if self.looked_for.is_empty() || bytes.is_empty() {
            return None;
        }
        if self.search.is_none() {
            self.search = Search::new(&self.looked_for);
        }
        self.search.as_ref()?.replace(bytes)
    }
}

impl Search {
    fn new(looked_for: &HashMap<Vec<u8>, u32>) -> Option<Search> {
        let mut patterns = AhoCorasick::builder();
        patterns.match_kind(MatchKind::LeftmostLongest);
        Some(Search {
            patterns: patterns.build(looked_for.keys()).ok()?,
            placeholders: looked_for.values().copied().map(spell).collect(),
        })
    }

    fn replace(&self, bytes: &[u8]) -> Option<Bytes> {
        self.patterns
            .is_match(bytes)
            .then(|| self.patterns.replace_all_bytes(bytes, &self.placeholders).into())
    }
}

fn spell(number: u32) -> String {
    format!("{PREFIX}{number}")
}

/// The number of a placeholder.
fn placeholder(word: &[u8]) -> Option<u32> {
    let digits = word.strip_prefix(PREFIX.as_bytes())?;
    let number = digits.iter().all(u8::is_ascii_digit).then(|| std::str::from_utf8(digits).ok())?;
    number?.parse().ok()
}
