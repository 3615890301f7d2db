//! The words of the commands: one table, which the reader, `help` and the test of docs/commands.md read.

/// A command: its name, the keys it takes beside `do` and `id`, and what it does.
#[derive(Clone, Copy, Debug)]
pub struct Word {
    /// What stands behind `do`.
    pub name: &'static str,
    /// The keys it takes.
    pub keys: &'static [&'static str],
    /// One line of help.
    pub help: &'static str,
}

/// All commands.
pub const WORDS: &[Word] = &[
    Word {
        name: "hold",
        keys: &["filter"],
        help: "hold messages and handshakes that the filter is true of from here on; null holds nothing more",
    },
    Word {
        name: "resume",
        keys: &["held", "session"],
        help: "let what is held go on as it is: one by its number, all of a session, or all",
    },
    Word { name: "drop", keys: &["held"], help: "what is held does not go on" },
    Word {
        name: "edit",
        keys: &["held", "text", "json", "hex", "base64", "op", "head"],
        help: "this goes on in place of the message, or the request's head, that is held",
    },
    Word {
        name: "refuse",
        keys: &["held", "status", "body"],
        help: "the handshake that is held is answered with this status, and the server not asked",
    },
    Word {
        name: "inject",
        keys: &[
            "session",
            "to",
            "text",
            "json",
            "hex",
            "base64",
            "op",
            "code",
            "reason",
            "fin",
            "rsv",
            "masked",
            "length_bits",
            "frames",
            "line",
        ],
        help: "send a message or frames of your own to the client or the server of an open session",
    },
    Word {
        name: "close",
        keys: &["session", "held", "code", "reason"],
        help: "close a session with a closing handshake, or answer what is held with one",
    },
    Word { name: "kill", keys: &["session"], help: "reset both connections of a session or tunnel" },
    Word {
        name: "rules",
        keys: &["text", "file"],
        help: "these rules hold from here on, in place of those before; without any, none",
    },
    Word {
        name: "switch",
        keys: &["rule", "on"],
        help: "a rule holds no more (on: false), or holds again; its file is not changed",
    },
    Word { name: "acted", keys: &[], help: "which rules hold, and on what each acted so far" },
    Word {
        name: "subscribe",
        keys: &["filter"],
        help: "print only what the filter is true of from here on; null prints nothing but answers",
    },
    Word {
        name: "list",
        keys: &["all"],
        help: "the sessions that are open (all: true for those that are over too), what is held, and the rules",
    },
    Word { name: "help", keys: &[], help: "all commands and their keys" },
    Word { name: "quit", keys: &[], help: "let what is held go on, and end the proxy" },
];

/// The keys of one element of `frames`.
pub(super) const OF_A_FRAME: &[&str] =
    &["text", "json", "hex", "base64", "op", "code", "reason", "fin", "rsv", "masked", "length_bits"];

/// The command of this name.
pub(super) fn word(name: &str) -> Option<&'static Word> {
    WORDS.iter().find(|word| word.name == name)
}

/// The names of all commands, one behind the other.
pub(super) fn names() -> String {
    WORDS.iter().map(|word| word.name).collect::<Vec<_>>().join(", ")
}
