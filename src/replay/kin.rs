//! Which requests of a client belong together, though they come over several connections.

use super::cast::path;

/// What of a request target tells where it belongs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kin {
    folder: String,
    ids: Vec<String>,
}

/// A value in a query that is as long as this, and no plain word, is an id.
const SHORTEST_ID: usize = 8;

impl Kin {
    /// Of this target: its path and query.
    pub fn of(target: &str) -> Kin {
        let path = path(target);
        let folder = path.rfind('/').map_or(path, |end| &path[..=end]).to_owned();
        let query = target.split_once('?').map_or("", |(_, query)| query);
        let values = query.split('&').filter_map(|parameter| Some(parameter.split_once('=')?.1));
        let ids = values.filter(|value| is_id(value)).map(str::to_owned).collect();
        Kin { folder, ids }
    }

    /// Whether two requests are of one conversation: they carry the same id or, where one of them carries none, go to
    /// the same folder.
    pub fn belongs_with(&self, other: &Kin) -> bool {
        if self.ids.is_empty() || other.ids.is_empty() {
            self.folder == other.folder
        } else {
            self.ids.iter().any(|id| other.ids.contains(id))
        }
    }
}

fn is_id(value: &str) -> bool {
    value.len() >= SHORTEST_ID && !value.bytes().all(|octet| octet.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_of_one_conversation_are_known_by_its_id_or_by_their_folder() {
        let check = |one: &str, other: &str, expected: bool| {
            assert_eq!(Kin::of(one).belongs_with(&Kin::of(other)), expected, "{one} {other}");
            assert_eq!(Kin::of(other).belongs_with(&Kin::of(one)), expected, "{other} {one}");
        };
        let poll = "/socket.io/?EIO=4&transport=polling&t=p3xk10ab&sid=N-YWtQT1K9uQsb15AAAD";
        check(poll, "/socket.io/?EIO=4&transport=websocket&sid=N-YWtQT1K9uQsb15AAAD", true);
        check(poll, "/socket.io/?EIO=4&transport=polling&t=p3xk10ac&sid=Z8Qc0l2sTfkx7JxWAAAB", false);
        check("/hub?id=Ab3dEf9h", "/hub/negotiate?negotiateVersion=1", false);
        check("/echo/000/abcdefgh/xhr", "/echo/000/abcdefgh/xhr_send", true);
        check("/poll?transport=websocket", "/send", true);
        check("/a/poll", "/b/send", false);
        check("", "/", false);
    }
}
