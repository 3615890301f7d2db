//! Every operator of the language, once: the parser, completion and help all read this table.

use std::sync::LazyLock;

use super::subject::Flag;

/// One operator.
pub(super) struct Operator {
    /// How it looks, for help.
    pub(super) form: &'static str,
    /// What it does, for help.
    pub(super) help: &'static str,
    /// What it is called; the first is the one that completion offers.
    pub(super) names: &'static [&'static str],
    /// The values that completion offers.
    pub(super) values: &'static [&'static str],
    pub(super) what: What,
}

/// What an operator is to the parser.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum What {
    /// `name:value`, `name>value` and the like.
    Key(Key),
    /// `name` alone.
    Flag(Flag),
    /// mitmproxy's `~name`, with an argument or without.
    Tilde(Tilde),
    /// Something the parser knows by itself.
    Syntax,
}

/// What stands before a `:`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Key {
    From,
    To,
    Opcode,
    Size,
    WireSize,
    Code,
    Number,
    Session,
    Exchange,
    Path,
    Host,
    Url,
    Subprotocol,
    Tls,
    Method,
    Header,
    Rule,
    Is,
}

/// What stands behind a `~`.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tilde {
    Url,
    Host,
    Method,
    Code,
    Header,
    RequestHeader,
    ResponseHeader,
    Payload,
    ClientPayload,
    ServerPayload,
    Websocket,
    FromClient,
    FromServer,
    Marked,
    Violation,
    Http,
    All,
}

/// The names of the ends.
const ENDS: &[&str] = &["client", "server"];

pub(super) static TABLE: &[Operator] = &[
    syntax("word", "what is shown contains the word, in either case"),
    syntax("\"two words\"", "what is shown contains exactly this, in either case"),
    syntax("/regex/  /regex/i", "what is shown matches; with i in either case"),
    key(Key::From, &["dir", "from"], ENDS, "dir:client", "sent by the client, or by the server"),
    key(Key::To, &["to"], ENDS, "to:server", "sent to the client, or to the server"),
    key(
        Key::Opcode,
        &["op"],
        &["text", "binary", "data", "ping", "pong", "close", "control", "continuation", "reserved", "raw"],
        "op:text,binary",
        "by opcode: text binary (both: data) ping pong close (all three: control) continuation reserved, or raw bytes",
    ),
    key(
        Key::Size,
        &["size"],
        &[],
        "size>1k",
        "octets of the payload: > >= < <= = != and size:1k-2MiB; k M G are thousands, Ki Mi Gi 1024s",
    ),
    key(Key::WireSize, &["wire"], &[], "wire>1k", "octets of the payload on the wire, compressed as it was"),
    key(
        Key::Code,
        &["code"],
        &["1000", "1001", "1006", "1011"],
        "code:4401  code:4xxx",
        "a close's status code or an HTTP status; also code:1000,4000-4999 and code>=4000",
    ),
    key(Key::Number, &["n"], &[], "n:10-20", "the message's number in its session"),
    key(Key::Session, &["session"], &[], "session:3,5-7", "the session's number"),
    key(Key::Exchange, &["exchange"], &[], "exchange:2", "the HTTP exchange's number"),
    key(
        Key::Path,
        &["path"],
        &[],
        "path:/chat",
        "the path begins so; with * it has that shape; = for all of it, ~ for a regex",
    ),
    key(
        Key::Host,
        &["host"],
        &[],
        "host:example.com",
        "the server's name or one below it; * and port allowed",
    ),
    key(Key::Url, &["url"], &[], "url:chat", "the URL contains it"),
    key(
        Key::Subprotocol,
        &["protocol", "subprotocol"],
        &["graphql-transport-ws", "mqtt", "json"],
        "protocol:mqtt",
        "the subprotocol agreed on; protocol:\"\" for none",
    ),
    key(
        Key::Tls,
        &["tls"],
        &["yes", "no", "1.2", "1.3", "unverified", "failed"],
        "tls:1.3  tls:no",
        "TLS on either leg: yes, no, a version, unverified (the server's certificate does not hold), failed",
    ),
    key(Key::Method, &["method"], &["GET", "POST", "PUT", "DELETE"], "method:POST", "the request's method"),
    key(
        Key::Header,
        &["header"],
        &["origin", "cookie", "authorization", "sec-websocket-protocol", "sec-websocket-extensions"],
        "header:cookie=a",
        "a header of either head is there, has the value or element (=), contains (:) or matches (~) it",
    ),
    syntax("json.type=tick", "a field of JSON, MessagePack or CBOR; = != > >= < <=, : contains, ~ regex"),
    syntax(
        "json.a.b[0]",
        "the field is there; [*] and * stand for any index or key, [\"odd key\"] for odd keys",
    ),
    syntax("type~tick", "a field of that name at the top or one level down, with = != > < ~ and so on"),
    flag(Flag::Marked, &["marked"], "marked by you"),
    flag(Flag::Violation, &["violation"], "broke a MUST of the RFC"),
    flag(Flag::Held, &["held"], "is or was held"),
    flag(Flag::Edited, &["edited"], "was changed on its way"),
    flag(Flag::Dropped, &["dropped"], "was dropped"),
    key(
        Key::Rule,
        &["rule"],
        &[],
        "rule:\"drop ticks\"",
        "the rule of that name acted on it or sent it; * allowed, = for the very name, ~ for a regex",
    ),
    flag(Flag::Injected, &["injected"], "was injected"),
    flag(Flag::Compressed, &["compressed"], "was compressed on the wire"),
    flag(Flag::Fragmented, &["fragmented"], "came in more than one frame"),
    syntax("a b  a and b  a & b", "both"),
    syntax("a or b  a | b", "either; binds less than and"),
    syntax("not a  -a  !a", "not so"),
    syntax("( )", "what belongs together"),
    tilde(Tilde::All, &["all"], "~all", "everything"),
    tilde(Tilde::Payload, &["b"], "~b regex", "the payload matches, in either case (as all regexes after ~)"),
    tilde(Tilde::ClientPayload, &["bq"], "~bq regex", "the payload of a message from the client matches"),
    tilde(Tilde::ServerPayload, &["bs"], "~bs regex", "the payload of a message from the server matches"),
    tilde(Tilde::Code, &["c"], "~c code", "a close's status code or an HTTP status"),
    tilde(Tilde::Host, &["d"], "~d regex", "the server's host matches"),
    tilde(Tilde::Violation, &["e"], "~e", "an error: broke a MUST of the RFC"),
    tilde(Tilde::Header, &["h"], "~h regex", "a header line of either head matches, as 'Name: value'"),
    tilde(Tilde::RequestHeader, &["hq"], "~hq regex", "a header line of the request matches"),
    tilde(Tilde::ResponseHeader, &["hs"], "~hs regex", "a header line of the response matches"),
    tilde(Tilde::Http, &["http"], "~http", "plain HTTP exchanges and refused handshakes"),
    tilde(Tilde::Method, &["m"], "~m regex", "the request's method matches"),
    tilde(Tilde::Marked, &["marked"], "~marked", "marked by you"),
    tilde(Tilde::Url, &["u"], "~u regex", "the URL matches"),
    tilde(Tilde::Websocket, &["websocket"], "~websocket", "sessions and all that belongs to them"),
    tilde(Tilde::FromClient, &["wq"], "~wq", "messages from the client"),
    tilde(Tilde::FromServer, &["ws"], "~ws", "messages from the server"),
];

/// Form and meaning of each operator.
pub(super) static HELP: LazyLock<Vec<(&str, &str)>> =
    LazyLock::new(|| TABLE.iter().map(|operator| (operator.form, operator.help)).collect());

/// The key of that name.
pub(super) fn find_key(name: &str) -> Option<Key> {
    // not in the table: it only adds a word to the flags
    if name.eq_ignore_ascii_case("is") {
        return Some(Key::Is);
    }
    TABLE.iter().find_map(|operator| match operator.what {
        What::Key(key) if operator.is_called(name) => Some(key),
        _ => None,
    })
}

/// The flag of that name.
pub(super) fn find_flag(name: &str) -> Option<Flag> {
    TABLE.iter().find_map(|operator| match operator.what {
        What::Flag(flag) if operator.is_called(name) => Some(flag),
        _ => None,
    })
}

/// mitmproxy's operator of that name, which stands behind a `~`.
pub(super) fn find_tilde(name: &str) -> Option<Tilde> {
    TABLE.iter().find_map(|operator| match operator.what {
        What::Tilde(tilde) if operator.is_called(name) => Some(tilde),
        _ => None,
    })
}

/// The names of the operators for which `belongs` is true.
pub(super) fn names(belongs: impl Fn(What) -> bool) -> Vec<&'static str> {
    TABLE
        .iter()
        .filter(|operator| belongs(operator.what))
        .flat_map(|operator| operator.names)
        .copied()
        .collect()
}

impl Operator {
    /// Whether this is one of its names, in either case.
    pub(super) fn is_called(&self, name: &str) -> bool {
        self.names.iter().any(|own| own.eq_ignore_ascii_case(name))
    }
}

const fn syntax(form: &'static str, help: &'static str) -> Operator {
    Operator { form, help, names: &[], values: &[], what: What::Syntax }
}

const fn key(
    key: Key,
    names: &'static [&'static str],
    values: &'static [&'static str],
    form: &'static str,
    help: &'static str,
) -> Operator {
    Operator { form, help, names, values, what: What::Key(key) }
}

const fn flag(flag: Flag, names: &'static [&'static str], help: &'static str) -> Operator {
    Operator { form: names[0], help, names, values: &[], what: What::Flag(flag) }
}

const fn tilde(
    tilde: Tilde,
    names: &'static [&'static str],
    form: &'static str,
    help: &'static str,
) -> Operator {
    Operator { form, help, names, values: &[], what: What::Tilde(tilde) }
}
