//! The language, operator by operator; what its errors say; and that nothing makes it fail.

use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::ws::{Direction, Opcode};

/// A row with everything settable.
#[derive(Clone, Debug)]
struct Row {
    kind: Kind,
    direction: Option<Direction>,
    payload: &'static [u8],
    code: Option<u16>,
    number: Option<u64>,
    flags: Vec<Flag>,
}

impl Subject for Row {
    fn kind(&self) -> Kind {
        self.kind
    }
    fn direction(&self) -> Option<Direction> {
        self.direction
    }
    fn size(&self) -> Option<u64> {
        self.number.map(|_| self.payload.len() as u64)
    }
    fn wire_size(&self) -> Option<u64> {
        self.number.map(|_| 5)
    }
    fn code(&self) -> Option<u16> {
        self.code
    }
    fn url(&self) -> &str {
        "ws://api.example.com:3000/chat/room?id=7"
    }
    fn subprotocol(&self) -> &str {
        "graphql-transport-ws"
    }
    fn tls(&self) -> Cow<'_, str> {
        Cow::Borrowed("TLS 1.3 TLS 1.2 unverified")
    }
    fn session(&self) -> Option<u32> {
        Some(3)
    }
    fn number(&self) -> Option<u64> {
        self.number
    }
    fn payload(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(self.payload)
    }
    fn request_head(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"GET /chat/room?id=7 HTTP/1.1\r\nHost: api.example.com:3000\r\nOrigin: https://app.test\r\nsec-websocket-extensions: permessage-deflate; client_max_window_bits\r\n\r\n")
    }
    fn response_head(&self) -> Cow<'_, [u8]> {
        Cow::Borrowed(b"HTTP/1.1 101 Switching Protocols\r\nServer: tiny/1.0\r\nX-Empty:\r\n\r\n")
    }
    fn has(&self, flag: Flag) -> bool {
        self.flags.contains(&flag)
    }
}

/// Number 12 of its session, from the server.
fn text(payload: &'static str) -> Row {
    Row {
        kind: Kind::Frame(Opcode::Text),
        direction: Some(Direction::ToClient),
        payload: payload.as_bytes(),
        code: None,
        number: Some(12),
        flags: Vec::new(),
    }
}

const TICK: &str = r#"{"type":"tick","price":"101.50","id":12345678901234567890123,"data":{"room":"lobby","tags":["a","b"],"none":null},"n":3}"#;

fn tick() -> Row {
    text(TICK)
}

fn ping() -> Row {
    Row { kind: Kind::Frame(Opcode::Ping), direction: Some(Direction::ToServer), ..text("k1") }
}

fn close() -> Row {
    Row { kind: Kind::Frame(Opcode::Close), code: Some(4401), ..text("\u{11}1Unauthorized") }
}

fn session() -> Row {
    Row { kind: Kind::Session, direction: None, number: None, ..text("") }
}

fn exchange() -> Row {
    Row { kind: Kind::Exchange, direction: None, number: None, code: Some(200), ..text("") }
}

#[track_caller]
fn check(filter: &str, row: &Row, expected: bool) {
    let parsed = Filter::parse(filter).unwrap_or_else(|error| panic!("{filter}: {error}"));
    assert_eq!(parsed.matches(row), expected, "{filter} on {row:?}");
    assert_eq!(parsed.verdict(row, Reads::Payload), Some(expected), "{filter} on {row:?}");
}

#[track_caller]
fn yes(row: &Row, filters: &[&str]) {
    filters.iter().for_each(|filter| check(filter, row, true));
}

#[track_caller]
fn no(row: &Row, filters: &[&str]) {
    filters.iter().for_each(|filter| check(filter, row, false));
}

#[track_caller]
fn fails(filter: &str, column: usize, message: &str) {
    let error = Filter::parse(filter).expect_err(filter);
    assert_eq!((error.column, error.message.as_str()), (column, message), "{filter}");
}

#[test]
fn nothing_matches_all() {
    yes(&tick(), &["", "  ", "~all"]);
    assert!(Filter::default().matches(&tick()));
    assert!(Filter::default().is_empty());
    assert_eq!(Filter::default(), Filter::parse("").unwrap());
}

#[test]
#[rustfmt::skip]
fn words_and_regexes_look_at_what_is_shown() {
    let row = text("Hello, wide World! price=5 /chat & a|b don't");
    yes(&row, &[
        "hello", "WORLD", "\"wide world\"", "'WIDE W'", "hello wide", "/w.de/", "/HELLO/i", "/chat",
        "/wide World/",
    ]);
    yes(&row, &["\"price=5\"", "\"a|b\"", "don't", "/pri\\w+/", "\"don't\"", "'/chat &'"]);
    no(&row, &["worlds", "\"world wide\"", "/HELLO/", "/w..de/", "/chatter", "hello moon"]);
    yes(&text(r#"{"type":"ack"} say "hi""#),
        &[r#"{"type":"ack"}"#, r#""say \"hi\"""#, r#""\"type\":\"ack\"""#],
    );
    yes(&text("see ws://host/x"), &["ws://host/x"]);
    yes(&text("at 12:30"), &["12:30", "at 12:30"]);
    yes(&text("GRÜSSE"), &["grüsse"]);
    yes(&text("a-b - c"), &["a-b", "a - c"]);
}

#[test]
#[rustfmt::skip]
fn keys_of_few_words() {
    yes(&tick(), &[
        "dir:server", "from:server", "to:client", "DIR:Server", "dir!=client", "op:text", "op=text",
        "op:data",
    ]);
    yes(&tick(), &["op:ping,text", "op:1", "op:0x1", "op!=ping", "dir: server", "dir:client,server"]);
    no(&tick(), &["dir:client", "to:server", "op:binary", "op:control", "op:raw", "op!=text", "op:reserved"]);
    yes(&ping(), &["op:ping", "op:control", "dir:client"]);
    yes(&Row { kind: Kind::Raw, ..tick() }, &["op:raw"]);
    no(&Row { kind: Kind::Raw, ..tick() }, &["op:text"]);
    yes(&Row { kind: Kind::Frame(Opcode::Reserved(11)), ..tick() },
        &["op:reserved", "op:11", "op:0xB", "op:control"],
    );
    no(&session(), &["dir:client", "dir:server", "op:text"]);
}

#[test]
#[rustfmt::skip]
fn keys_of_numbers() {
    yes(&ping(), &[
        "size=2", "size:2", "size<1k", "size<=2", "size>=2", "size>1", "size!=3", "size:0-2",
        "size < 1KiB",
    ]);
    no(&ping(), &["size>2", "size<2", "size!=2", "size:3-", "size>2MiB"]);
    yes(&ping(), &[
        "size > 1", "size >= 2", "wire=5", "wire>4", "n:12", "n:10-20", "n<13", "session:3", "session:1,3",
        "session:2-4",
    ]);
    no(&ping(), &["n:13-20", "session:4", "exchange:1", "code:1000"]);
    yes(&close(), &[
        "code:4401", "code:4000-4999", "code>=4000", "code:4xxx", "code:44xx", "~c 4401", "~c 4000-4999",
        "code!=1000",
    ]);
    no(&close(), &["code:1000", "code<4000", "~c 1000", "code:5xxx"]);
    yes(&exchange(), &["code:2xx"]);
    // what has no size is neither of a size nor of another
    no(&session(), &["size=0", "size!=0", "n:1-"]);
}

#[test]
#[rustfmt::skip]
fn keys_of_names() {
    yes(&session(), &[
        "path:/chat", "path:/chat/*", "path:/ch*m", "path:*room", "path=/chat/room", "path=/chat/room?id=7",
    ]);
    yes(&session(),
        &["path~^/chat/\\w+\\?id=\\d$", "path!=/chat", "path~(chat|talk)", "(path:/chat)", "path!~admin"],
    );
    yes(&session(), &["path:/chat/", "path~/chat/", "~u /chat/", "url:/chat/", "header:origin~/APP/i"]);
    no(&session(), &["path~/chat//", "~u /room/"]);
    no(&session(), &["path:/room", "path:/chat*x", "path=/chat", "path~^/room", "path:chat"]);
    yes(&session(), &[
        "host:example.com", "host:api.example.com", "host:api.example.com:3000", "host:*.example.*",
        "host:API.Example.com",
    ]);
    yes(&session(), &["host=api.example.com", "host~^api", "host!=example.com"]);
    no(&session(), &["host:ample.com", "host:example", "host:example.com:80", "host=example.com"]);
    yes(&session(), &[
        "url:CHAT", "url:ws://*room", "url~id=\\d", "protocol:graphql-transport-ws", "protocol:graphql*",
        "subprotocol:*ws",
    ]);
    no(&session(), &["url:https", "protocol:graphql", "protocol:\"\"", "method:POST"]);
    yes(&session(), &["method:get"]);
    yes(&session(), &["tls:yes", "tls:1.3", "tls=1.2", "tls:unverified", "tls!=no", "tls~^TLS", "tls!=failed"]);
    no(&session(), &["tls:no", "tls:failed", "tls=1", "tls:1.1", "tls!=yes"]);
}

#[test]
#[rustfmt::skip]
fn headers() {
    yes(&session(), &[
        "header:origin", "header:Origin=https://app.test", "header:server:TINY", "header:server~^t.ny/",
        "header:x-empty",
    ]);
    yes(&session(), &[
        "header:sec-websocket-extensions=permessage-deflate", "header:*=client_max_window_bits",
        "header:sec-*",
    ]);
    yes(&session(), &["header:sec-websocket-extensions=\"permessage-deflate; client_max_window_bits\""]);
    no(&session(),
        &["header:cookie", "header:origin=app.test", "header:get", "header:host~test", "header:x-empty:a"],
    );
    yes(&session(), &["~h origin", "~h \"^server: tiny\"", "~hq Origin", "~hs server", "~hs '^X-Empty:$'"]);
    no(&session(), &["~hq server", "~hs origin", "~h GET", "~h ^$"]);
}

#[test]
#[rustfmt::skip]
fn fields() {
    yes(&tick(), &[
        "json.type=tick", "json.type=\"tick\"", "json.type!=ack", "json.type", "json.data",
        "json.data.none", "json.data.none=null",
    ]);
    yes(&tick(), &[
        "json.data.tags[1]=b", "json.data.tags[*]=a", "json.*.room=lobby", "json[\"type\"]=tick",
        "json.type:IC", "json.type~^t.ck$",
    ]);
    yes(&tick(), &[
        "json.price>100", "json.price<=101.5", "json.price=101.50", "json.n=3", "json.n=3.0", "json.n < 4",
        "json.type >= a",
    ]);
    yes(&tick(), &[
        "json.id=12345678901234567890123", "json.id>12345678901234567890122", "json.type~/TICK/i",
        "json.type!~^a",
    ]);
    no(&tick(), &[
        "json.type=Tick", "json.type=tic", "json.data=x", "json.missing", "json.missing!=3",
        "json.missing!~x", "json.n=\"3\"",
    ]);
    no(&tick(), &[
        "json.id=12345678901234567890122", "json.n>3", "json.price=101.5", "json.data.tags[2]",
        "json.data.none=nil", "json.room",
    ]);
    no(&text("tick"), &["json.type", "json.type!=x"]);
    no(&session(), &["json.type"]);
    yes(&Row { kind: Kind::Frame(Opcode::Binary), ..text("\u{81}\u{a4}") }, &["not json.type"]);
    let msgpack =
        Row { kind: Kind::Frame(Opcode::Binary), payload: b"\x82\xa4type\xa4tick\xa2id\x07", ..tick() };
    yes(&msgpack, &["json.type=tick", "json.id=7", "type~tick"]);
}

#[test]
#[rustfmt::skip]
fn a_name_that_is_no_key_is_a_field_near_the_top() {
    yes(&tick(), &[
        "type~tick", "type=tick", "room=lobby", "room~lob", "data.room=lobby", "id>5",
        "dir:server type~tick", "n=12", "room!=hall",
    ]);
    no(&tick(), &["type~tock", "tags=a", "dir:client type~tick", "room=hall", "nothing!=x"]);
    yes(&tick(), &["type=tick&id>5", "(type=tick)", "type=ack|type=tick", "~c 1000|~b tick", "type~(tick|tock)"]);
    yes(&text(r#"["1","2",{"event":"join"}]"#), &["event=join"]);
}

#[test]
#[rustfmt::skip]
fn flags() {
    let row = Row { flags: vec![Flag::Marked, Flag::Compressed], ..tick() };
    yes(&row, &[
        "marked", "compressed", "~marked", "is:marked", "not held", "-edited", "marked&compressed",
        "is:held,marked",
    ]);
    no(&row,
        &["violation", "held", "edited", "dropped", "injected", "fragmented", "~e", "!marked", "\"marked\""],
    );
}

#[test]
#[rustfmt::skip]
fn mitmproxys_operators() {
    yes(&tick(), &[
        "~u chat", "~u CHAT", "~d example", "~b tick", "~b TI.K", "~bs tick", "~ws", "~websocket", "~m get",
        "~b \"ti.k\"",
    ]);
    yes(&tick(), &[
        "~websocket & ~ws & !~wq", "~bs tick | ~bq tick", "(~u chat)", "~b (tick|tock)", "!(~bq tick)",
        "~all & ~b tick",
    ]);
    no(&tick(), &["~bq tick", "~wq", "~http", "~u example.org", "~d chat", "!~all", "~b tock"]);
    yes(&ping(), &["~wq", "~bq k1"]);
    yes(&exchange(), &["~http", "!~websocket", "~c 200"]);
    yes(&Row { kind: Kind::Refused, ..session() }, &["~http", "~websocket"]);
    no(&session(), &["~wq", "~ws"]);
}

#[test]
#[rustfmt::skip]
fn what_binds_how() {
    let row = text("a b");
    yes(&row, &[
        "a b", "a and b", "a & b", "a && b", "a or x", "a | x", "x || a", "x or a b", "a b or x y", "not x",
        "!x a", "a -x",
    ]);
    yes(&row, &[
        "not (x or y)", "not x and a", "x | a & b", "(x | a) & b", "!!a", "not not a", "NOT x AND a OR y",
        "a|x", "a&b", "not(x)",
    ]);
    no(&row, &[
        "a x", "a & x", "x | y", "not a", "!a", "-a", "(a or b) and x", "not a or x", "a not b", "x or a y",
    ]);
    yes(&row, &["dir:server|op:ping", "op:ping|dir:server", "(dir:server)&(a)"]);
    yes(&text("nothing android order"), &["nothing", "android", "order"]);
    // both dialects in one
    yes(&tick(), &["~ws and (type=tick | ~b nothing) !op:ping -marked"]);
}

#[test]
fn errors_say_where_and_what_was_meant() {
    fails(
        "dri:client",
        1,
        "unknown key 'dri': did you mean 'dir'?; put quotation marks around text that holds a ':'",
    );
    fails("grüße dir:clinet", 11, "unknown end 'clinet': did you mean 'client'?");
    fails(
        "op:text,bin",
        9,
        "unknown opcode 'bin': there are text binary data ping pong close control continuation reserved raw",
    );
    fails("op:txet", 4, "unknown opcode 'txet': did you mean 'text'?");
    fails("is:makred", 4, "unknown flag 'makred': did you mean 'marked'?");
    fails("~websockt", 1, "unknown operator '~websockt': did you mean '~websocket'?");
    fails("a ~b", 5, "expected what ~b looks for");
    fails("size>", 6, "expected a value after 'size>'");
    fails("size>abc", 6, "expected a number such as 17, 1.5k or 2MiB, not 'abc'");
    fails("size~5", 6, "'size' is a number: compare it with : = != > >= < <=");
    fails("host>a", 6, "'host' has no order: compare it with : = != ~");
    fails("dir>client", 5, "'dir' has no order: write dir:client");
    fails("sizee>5", 1, "unknown key 'sizee': did you mean 'size'? For a field, write json.sizee");
    fails("(a", 1, "this '(' has no ')'");
    fails("a)", 2, "a ')' without its '('");
    fails("()", 2, "expected a word, a key such as dir:client, or '(', not ')'");
    fails("a or", 5, "expected a word, a key such as dir:client, or '(' here");
    fails("| a", 1, "expected a word, a key such as dir:client, or '(', not '|'");
    fails("not", 4, "expected a word, a key such as dir:client, or '(' here");
    fails("a \"b", 3, "this \" has no second one");
    fails("type=\"tick", 6, "this \" has no second one");
    fails("/(/", 2, "not a regular expression: unclosed group");
    fails("path~(", 6, "not a regular expression: unclosed group");
    fails("json.a..b=1", 8, "expected the name of a field");
    fails("json.a[x]", 7, "expected a number, * or a key in quotation marks");
    fails("json:x", 5, "expected the name of a field");
    fails("type=", 6, "expected a value");
    fails("header=a", 8, "write header:name, header:name=value or header:name~regex");
    fails("/\\w{500}{500}/", 2, "this regular expression would grow too large");
}

#[test]
fn size_and_depth_are_bounded() {
    let deep = "(".repeat(1000) + "a" + &")".repeat(1000);
    fails(&deep, 65, "no more than 64 levels of parentheses and negations");
    fails(&"!".repeat(1000), 65, "no more than 64 levels of parentheses and negations");
    fails(&"a ".repeat(1000), 513, "a filter has at most 256 terms");
    fails(&"a".repeat(5000), 1, "a filter is at most 4096 bytes long");
}

#[test]
fn a_filter_knows_how_deep_it_looks() {
    let reads = |filter: &str| Filter::parse(filter).unwrap().reads();
    assert_eq!(reads(""), Reads::Nothing);
    assert_eq!(reads("path:/chat session:3 header:cookie ~http"), Reads::Flow);
    assert_eq!(reads("path:/chat dir:client"), Reads::Direction);
    assert_eq!(reads("dir:client op:text"), Reads::Message);
    assert_eq!(reads("marked or json.a"), Reads::Payload);
    // a close's status code stands in its payload
    assert_eq!(reads("code:1000"), Reads::Payload);
    assert!(Filter::parse("word").unwrap().needs_payload());
    assert!(!Filter::parse("size>1k").unwrap().needs_payload());
}

#[test]
fn a_verdict_needs_no_more_than_decides() {
    let verdict = |filter: &str, reads| Filter::parse(filter).unwrap().verdict(&session(), reads);
    assert_eq!(verdict("path:/chat tick", Reads::Flow), None);
    assert_eq!(verdict("path:/other tick", Reads::Flow), Some(false));
    assert_eq!(verdict("path:/chat or tick", Reads::Flow), Some(true));
    assert_eq!(verdict("not tick", Reads::Flow), None);
    assert_eq!(verdict("not (tick path:/other)", Reads::Flow), Some(true));
    assert_eq!(verdict("", Reads::Nothing), Some(true));
}

#[test]
fn what_was_found_can_be_shown() {
    let found = |filter: &str, text: &str| -> Vec<String> {
        let filter = Filter::parse(filter).unwrap();
        filter.highlights(text).into_iter().map(|range| text[range].to_owned()).collect()
    };
    assert_eq!(found("tick dir:server", "Tick, tick"), ["Tick", "tick"]);
    assert_eq!(found("abc or /cd/ or ~b x", "abcd x"), ["abcd", "x"]);
    assert_eq!(found("not tick", "tick"), [] as [&str; 0]);
    assert_eq!(found("/x*/", "ab"), [] as [&str; 0]);
}

#[test]
fn completion_offers_what_fits() {
    let offered = |input: &str| complete(input, input.len());
    assert_eq!(offered("di").candidates, ["dir:"]);
    assert_eq!(offered("path:/x -com"), Completion { start: 9, candidates: vec!["compressed".to_owned()] });
    assert_eq!(offered("dir:").candidates, ["dir:client", "dir:server"]);
    assert_eq!(offered("op:text,bi"), Completion { start: 0, candidates: vec!["op:text,binary".to_owned()] });
    assert_eq!(offered("(~w").candidates, ["~websocket", "~wq", "~ws"]);
    assert_eq!(offered("js").candidates, ["json."]);
    assert_eq!(offered("siz").candidates, ["size>"]);
    assert!(offered("").candidates.len() > 30);
    assert!(offered("marked").candidates.is_empty());
    assert!(offered("\"di").candidates.is_empty());
    assert_eq!(complete("di marked", 2).candidates, ["dir:"]);
    assert_eq!(complete("é", 1).start, 0);
}

#[test]
fn help_names_every_operator() {
    let forms: Vec<&str> = Filter::help().iter().map(|(form, _)| *form).collect();
    for operator in table::TABLE {
        assert!(operator.names.is_empty() || operator.names.iter().any(|name| operator.form.contains(name)));
        assert!(!operator.help.is_empty());
    }
    let mut unique = forms.clone();
    unique.sort_unstable();
    unique.dedup();
    assert_eq!(unique.len(), forms.len());
}

/// The operators as docs/filters.md lists them.
#[test]
fn the_documents_list_every_operator() {
    let cell = |text: &str| text.replace('|', "\\|");
    let mut table = "| write | to find |\n|---|---|\n".to_owned();
    for (form, help) in Filter::help() {
        let forms: Vec<String> = form.split("  ").map(|form| format!("`{}`", cell(form))).collect();
        table.push_str(&format!("| {} | {} |\n", forms.join(" "), cell(help)));
    }
    let document = include_str!("../../docs/filters.md").replace("\r\n", "\n");
    assert!(document.contains(&table), "docs/filters.md should hold this table:\n{table}");
    let examples = document.split("```").nth(1).unwrap();
    for example in examples.lines().skip(1) {
        let (filter, _) = example.split_once("  ").unwrap();
        assert!(Filter::parse(filter).is_ok(), "{filter}");
    }
}

/// What a filter should say, without the parser.
#[derive(Clone, Debug)]
enum Tree {
    Flag(usize),
    Not(Box<Tree>),
    And(Vec<Tree>),
    Or(Vec<Tree>),
}

const FLAGS: [(&str, Flag); 4] =
    [("marked", Flag::Marked), ("~e", Flag::Violation), ("is:held", Flag::Held), ("edited", Flag::Edited)];

impl Tree {
    fn holds(&self, flags: &[Flag]) -> bool {
        match self {
            Tree::Flag(index) => flags.contains(&FLAGS[*index].1),
            Tree::Not(tree) => !tree.holds(flags),
            Tree::And(trees) => trees.iter().all(|tree| tree.holds(flags)),
            Tree::Or(trees) => trees.iter().any(|tree| tree.holds(flags)),
        }
    }

    /// With parentheses only where they are needed; `style` chooses among the spellings.
    fn spell(&self, style: usize, strength: usize) -> String {
        let (spelling, own) = match self {
            Tree::Flag(index) => (FLAGS[*index].0.to_owned(), 3),
            Tree::Not(tree) => (format!("{}{}", ["not ", "!", "-"][style % 3], tree.spell(style / 2, 2)), 2),
            Tree::And(trees) => (Tree::join(trees, [" ", " and ", " & ", "  && "][style % 4], style, 1), 1),
            Tree::Or(trees) => (Tree::join(trees, [" or ", " | ", " || ", " OR "][style % 4], style, 0), 0),
        };
        if own < strength { format!("({spelling})") } else { spelling }
    }

    fn join(trees: &[Tree], operator: &str, style: usize, strength: usize) -> String {
        let parts: Vec<String> = trees.iter().map(|tree| tree.spell(style / 3, strength + 1)).collect();
        parts.join(operator)
    }
}

fn tree() -> impl Strategy<Value = Tree> {
    (0..FLAGS.len()).prop_map(Tree::Flag).prop_recursive(5, 30, 4, |inner| {
        prop_oneof![
            inner.clone().prop_map(|tree| Tree::Not(Box::new(tree))),
            proptest::collection::vec(inner.clone(), 2..4).prop_map(Tree::And),
            proptest::collection::vec(inner, 2..4).prop_map(Tree::Or),
        ]
    })
}

/// Text made of what the language is made of.
fn nearly_a_filter() -> impl Strategy<Value = String> {
    let forms: Vec<String> = Filter::help().iter().map(|(form, _)| (*form).to_owned()).collect();
    const SIGNS: [&str; 20] = [
        "(", ")", "!", "-", "&", "|", "~", "\"", "'", "/", " ", ":", "=", ">", "json", "[", "\\", "é", "*",
        ",",
    ];
    let piece = prop_oneof![
        proptest::sample::select(forms),
        proptest::sample::select(&SIGNS[..]).prop_map(str::to_owned),
        any::<char>().prop_map(String::from),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn both_dialects_mean_what_they_say(tree in tree(), style in 0_usize..1000, bits in 0_usize..16) {
        let flags: Vec<Flag> = (0..4).filter(|bit| bits >> bit & 1 == 1).map(|bit| FLAGS[bit].1).collect();
        let spelling = tree.spell(style, 0);
        let filter = Filter::parse(&spelling).unwrap();
        let row = Row { flags: flags.clone(), ..tick() };
        prop_assert_eq!(filter.matches(&row), tree.holds(&flags), "{}", spelling);
        prop_assert_eq!(Filter::parse(&filter.to_string()).unwrap().matches(&row), filter.matches(&row));
    }

    #[test]
    fn no_text_makes_it_fail(source in nearly_a_filter(), cursor in 0_usize..40) {
        match Filter::parse(&source) {
            Ok(filter) => {
                prop_assert_eq!(filter.to_string(), source.clone());
                for row in [tick(), ping(), close(), session(), exchange()] {
                    let matches = filter.matches(&row);
                    prop_assert_eq!(filter.verdict(&row, Reads::Payload), Some(matches));
                    for reads in [Reads::Nothing, Reads::Flow, Reads::Message] {
                        prop_assert!(filter.verdict(&row, reads).is_none_or(|verdict| verdict == matches));
                    }
                }
                for range in filter.highlights(TICK) {
                    prop_assert!(!TICK[range].is_empty());
                }
            }
            Err(error) => {
                prop_assert!((1..=source.chars().count() + 1).contains(&error.column), "{}", error);
                prop_assert!(!error.message.is_empty());
            }
        }
        let completion = complete(&source, cursor);
        prop_assert!(source.get(completion.start..).is_some());
    }

    #[test]
    fn a_quoted_text_finds_itself(text in "[^\\p{C}]{1,20}") {
        let quoted = format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""));
        let row = Row { payload: Box::leak(text.clone().into_boxed_str()).as_bytes(), ..tick() };
        prop_assert!(Filter::parse(&quoted).unwrap().matches(&row), "{}", quoted);
    }
}

#[test]
fn a_control_frame_is_meant_only_where_what_is_true_of_it_asks_for_its_kind() {
    let pong = || Row { kind: Kind::Frame(Opcode::Pong), ..ping() };
    let from_server = || Row { direction: Some(Direction::ToClient), ..ping() };
    // What is meant of: text from the server, a ping and a pong from the client, a ping and a close from the server.
    let rows = [tick(), ping(), pong(), from_server(), close()];
    for (filter, meant) in [
        ("", [true, false, false, false, false]),
        ("~all", [true, false, false, false, false]),
        ("dir:client", [false; 5]),
        ("dir:server", [true, false, false, false, false]),
        ("op:ping", [false, true, false, true, false]),
        ("op:ping,close", [false, true, false, true, true]),
        ("op:control", [false, true, true, true, true]),
        ("dir:client op:ping", [false, true, false, false, false]),
        ("op:data op:ping", [false; 5]),
        ("code:4xxx", [false, false, false, false, true]),
        ("~c 4401", [false, false, false, false, true]),
        ("code:1000", [false; 5]),
        // Of several, the part that is true of it has to ask.
        ("dir:server or op:ping", [true, true, false, true, false]),
        ("op:ping or dir:client", [false, true, false, true, false]),
        ("(dir:client op:ping) or k1", [false, true, false, false, false]),
        ("tick or (k1 op:control)", [true, true, true, true, false]),
        // What is ruled out is not asked for.
        ("not op:ping", [true, false, false, false, false]),
        ("not op:data", [false; 5]),
        ("not not op:ping", [false; 5]),
        ("not (op:text or op:ping)", [false; 5]),
        ("not op:ping op:control", [false, false, true, false, true]),
        ("not op:text or op:close", [false, false, false, false, true]),
        ("k1", [false; 5]),
        ("size>1", [true, false, false, false, false]),
    ] {
        let filter = Filter::parse(filter).unwrap();
        let found = rows.each_ref().map(|row| filter.matches(row) && filter.means(row));
        assert_eq!(found, meant, "{filter}");
    }
    assert!(Filter::default().means(&session()), "what is no frame at all is meant as ever");
}
