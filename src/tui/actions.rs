//! What the user can do: one table of keys, commands and help. Dispatch, the hints at the bottom, `?`, completion
//! after `:` and `docs/keys.md` all read it.

mod page;

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

use super::hold::HoldAction;

pub use page::keys_page;

/// Something the user can ask for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// One row or line down.
    Down,
    /// One row or line up.
    Up,
    /// Half a page down.
    HalfDown,
    /// Half a page up.
    HalfUp,
    /// A page down.
    PageDown,
    /// A page up.
    PageUp,
    /// To the first row.
    First,
    /// To the last row, and on following what arrives.
    Last,
    /// Into what the cursor is on.
    Open,
    /// Out again.
    Back,
    /// The keys go to the next pane.
    NextPane,
    /// The keys go to the pane before.
    PreviousPane,
    /// The next message, from any pane.
    NextMessage,
    /// The message before, from any pane.
    PreviousMessage,
    /// A tab of the detail pane.
    Tab(Tab),
    /// The tab to the right.
    NextTab,
    /// The tab to the left.
    PreviousTab,
    /// Another reading of the payload.
    View,
    /// Look for something.
    Search,
    /// To the next that was looked for.
    SearchNext,
    /// To the one before.
    SearchPrevious,
    /// Show only what passes a filter.
    Filter,
    /// Stay at the end as messages arrive.
    Follow,
    /// Hold the view still.
    Pause,
    /// Show or hide control frames.
    Control,
    /// Show or hide plain HTTP exchanges.
    Http,
    /// Order the sessions another way.
    Sort,
    /// Mark or unmark.
    Mark,
    /// To the next mark.
    NextMark,
    /// Write a message to one end.
    Send,
    /// Send messages again.
    Resend,
    /// Something about what is held.
    Hold(HoldAction),
    /// To the clipboard.
    Copy,
    /// To the clipboard as code.
    CopyAs,
    /// The payload into a file.
    SavePayload,
    /// The chosen sessions into a file, as a recording.
    SaveRecording,
    /// All sessions that are listed into a file, as a recording.
    SaveAll,
    /// Close a session's connections.
    Kill,
    /// Forget what is over.
    Clear,
    /// The command line.
    Command,
    /// What can be done here.
    Help,
    /// A session's client part, to a server again.
    Play,
    /// Two sessions side by side.
    Compare,
    /// To the next row in which they differ.
    NextDifference,
    /// To the one before.
    PreviousDifference,
    /// Only rows in which they differ, or all.
    OnlyDifferences,
    /// What the proxy itself had to say.
    Notes,
    /// What the program prints that was run.
    Output,
    /// Which rules hold, and what they did.
    Rules,
    /// Switch a rule off, or on again.
    SwitchRule,
    /// Draw everything anew.
    Redraw,
    /// Back to the shell for a while.
    Suspend,
    /// Leave.
    Quit,
}

/// A tab of the detail pane.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Tab {
    /// The payload, laid out for reading.
    #[default]
    Pretty,
    /// The payload as text, as it is.
    Raw,
    /// The payload's bytes.
    Hex,
    /// The frames it came in.
    Frames,
    /// Both heads of the opening handshake, explained.
    Handshake,
    /// Where the time went.
    Timing,
    /// What TLS agreed on, and the certificates.
    Tls,
}

impl Tab {
    /// All, from left to right.
    pub const ALL: [Tab; 7] =
        [Tab::Pretty, Tab::Raw, Tab::Hex, Tab::Frames, Tab::Handshake, Tab::Timing, Tab::Tls];

    /// What is written on it.
    pub fn title(self) -> &'static str {
        match self {
            Tab::Pretty => "Pretty",
            Tab::Raw => "Raw",
            Tab::Hex => "Hex",
            Tab::Frames => "Frames",
            Tab::Handshake => "Handshake",
            Tab::Timing => "Timing",
            Tab::Tls => "TLS",
        }
    }

    /// The tab `steps` to the right, round the ends.
    pub(super) fn step(self, steps: isize) -> Tab {
        let at = Tab::ALL.iter().position(|&tab| tab == self).unwrap_or(0) as isize;
        Tab::ALL[(at + steps).rem_euclid(Tab::ALL.len() as isize) as usize]
    }
}

/// Where the keys go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Pane {
    /// The list of sessions.
    #[default]
    Sessions,
    /// The list of messages.
    Messages,
    /// What is chosen, in detail.
    Detail,
    /// The list of what is held; only there while something is.
    Held,
}

impl Pane {
    /// All, from top to bottom.
    pub const ALL: [Pane; 4] = [Pane::Sessions, Pane::Messages, Pane::Detail, Pane::Held];

    /// What is written on it.
    pub fn title(self) -> &'static str {
        match self {
            Pane::Sessions => "Sessions",
            Pane::Messages => "Messages",
            Pane::Detail => "Detail",
            Pane::Held => "Held",
        }
    }
}

/// In which panes a key means something.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// In all of them.
    Anywhere,
    /// In one.
    In(Pane),
    /// While two sessions are compared.
    Comparing,
}

impl When {
    /// Whether this includes `pane`.
    pub fn includes(self, pane: Pane) -> bool {
        match self {
            When::Anywhere => true,
            When::In(one) => one == pane,
            When::Comparing => false,
        }
    }
}

/// One row of the table.
#[derive(Clone, Copy, Debug)]
pub struct Binding {
    /// The keys, any of which does it.
    pub keys: &'static [&'static str],
    /// Where.
    pub when: When,
    /// What.
    pub action: Action,
    /// Its name after `:`.
    pub command: &'static str,
    /// What the command takes: `EXPR`, `[FILE]` where it may be left out, nothing.
    pub argument: &'static str,
    /// One line of help.
    pub help: &'static str,
    /// One word for the line of hints; empty where it is not hinted at.
    pub hint: &'static str,
}

const fn key(
    keys: &'static [&'static str],
    action: Action,
    command: &'static str,
    help: &'static str,
) -> Binding {
    Binding { keys, when: When::Anywhere, action, command, argument: "", help, hint: "" }
}

impl Binding {
    const fn when(self, when: When) -> Binding {
        Binding { when, ..self }
    }

    const fn takes(self, argument: &'static str) -> Binding {
        Binding { argument, ..self }
    }

    const fn hint(self, hint: &'static str) -> Binding {
        Binding { hint, ..self }
    }
}

const HOLD_FILTER: Action = Action::Hold(HoldAction::Filter);

/// The table. Hints are shown in this order, as many as fit.
pub const BINDINGS: &[Binding] = &[
    key(&["?"], Action::Help, "help", "show what can be done here").hint("help"),
    key(&["enter"], Action::Open, "open", "go into what the cursor is on").hint("open"),
    key(&["esc", "q"], Action::Back, "back", "go back; close help, forget the search").hint("back"),
    key(&["/"], Action::Search, "search", "look for words, /regex/ or any filter; n and N go on")
        .takes("EXPR")
        .hint("search"),
    key(&["f"], Action::Filter, "filter", "show only what passes a filter; an empty one shows all")
        .takes("[EXPR]")
        .hint("filter"),
    key(&["F"], Action::Follow, "follow", "stay at the end as messages arrive, or stop").hint("follow"),
    key(&[":"], Action::Command, "command", "type a command by name; tab completes").hint("command"),
    key(&["tab"], Action::NextPane, "next-pane", "give the keys to the next pane").hint("pane"),
    key(&["shift-tab"], Action::PreviousPane, "previous-pane", "give the keys to the pane before"),
    key(&["j", "down"], Action::Down, "down", "down"),
    key(&["k", "up"], Action::Up, "up", "up"),
    key(&["g", "home"], Action::First, "first", "to the first"),
    key(&["G", "end"], Action::Last, "last", "to the last, and follow"),
    key(&["ctrl-d"], Action::HalfDown, "half-page-down", "half a page down"),
    key(&["ctrl-u"], Action::HalfUp, "half-page-up", "half a page up"),
    key(&["pgdn", "ctrl-f", "space"], Action::PageDown, "page-down", "a page down"),
    key(&["pgup", "ctrl-b"], Action::PageUp, "page-up", "a page up"),
    key(&["n"], Action::SearchNext, "search-next", "to the next that the search finds"),
    key(&["N"], Action::SearchPrevious, "search-previous", "to the one that it finds before"),
    key(&["J"], Action::NextMessage, "next-message", "the next message, whatever pane has the keys")
        .hint("next"),
    key(
        &["K"],
        Action::PreviousMessage,
        "previous-message",
        "the message before, whatever pane has the keys",
    ),
    key(&["1"], Action::Tab(Tab::Pretty), "pretty", "the payload laid out for reading"),
    key(&["2"], Action::Tab(Tab::Raw), "raw", "the payload as text, as it came"),
    key(&["3"], Action::Tab(Tab::Hex), "hex", "the payload's bytes"),
    key(&["4"], Action::Tab(Tab::Frames), "frames", "the frames it came in"),
    key(&["5"], Action::Tab(Tab::Handshake), "handshake", "both heads of the opening handshake, explained"),
    key(&["6"], Action::Tab(Tab::Timing), "timing", "where the time went"),
    key(&["7"], Action::Tab(Tab::Tls), "tls", "what TLS agreed on with both ends, and the certificates"),
    key(&["l", "right"], Action::NextTab, "next-tab", "the tab to the right"),
    key(&["h", "left"], Action::PreviousTab, "previous-tab", "the tab to the left"),
    key(&["v"], Action::View, "view", "read the payload another way: JSON, text, hex, …")
        .takes("[NAME]")
        .hint("view"),
    key(&["p"], Action::Pause, "pause", "hold the view still while traffic goes on, or let it go")
        .hint("pause"),
    key(&["c"], Action::Control, "control-frames", "show or hide ping, pong and close").hint("control"),
    key(&["H"], Action::Http, "http", "show or hide plain HTTP exchanges").hint("http"),
    key(&["o"], Action::Sort, "sort", "order the sessions by another column")
        .takes("[COLUMN]")
        .when(When::In(Pane::Sessions))
        .hint("sort"),
    key(&["m"], Action::Mark, "mark", "mark what the cursor is on, or unmark it").hint("mark"),
    key(&["'"], Action::NextMark, "next-mark", "to the next mark, round the end"),
    key(&["s"], Action::Send, "send", "write a message to the server or the client")
        .takes("[MESSAGE]")
        .hint("send"),
    key(&["r"], Action::Resend, "resend", "send the message again, or the marked ones it is of")
        .takes("[to END]")
        .hint("again"),
    key(&["i"], HOLD_FILTER, "hold", "hold what a filter matches; an empty one holds no more")
        .takes("[EXPR]")
        .hint("hold"),
    key(&["I"], Action::Hold(HoldAction::Switch), "hold-switch", "hold no more, or hold the same again"),
    key(&["t"], Action::Hold(HoldAction::Go), "held", "go to what is held").hint("held"),
    key(&["a"], Action::Hold(HoldAction::Forward), "forward", "let what is held go on as it is")
        .hint("go on"),
    key(&["A"], Action::Hold(HoldAction::ForwardAll), "forward-all", "let all that is held go on, in order")
        .hint("all go on"),
    key(&["d"], Action::Hold(HoldAction::Drop), "drop", "drop what is held: it does not go on").hint("drop"),
    key(&["e"], Action::Hold(HoldAction::Edit), "edit", "change what is held, and let it go on").hint("edit"),
    key(
        &["E"],
        Action::Hold(HoldAction::EditOutside),
        "edit-outside",
        "change what is held in $VISUAL or $EDITOR",
    )
    .hint("$EDITOR"),
    key(&["C"], Action::Hold(HoldAction::Close), "close", "close in its place, or else the session")
        .takes("CODE [REASON]")
        .hint("close"),
    key(&["D"], Action::Hold(HoldAction::Refuse), "refuse", "answer a held handshake with a status")
        .takes("STATUS [TEXT]")
        .hint("refuse"),
    key(&["+"], Action::Hold(HoldAction::Rule), "rule", "make a rule of the message, and save it")
        .takes("[THEN]")
        .hint("rule"),
    key(&["T"], Action::Rules, "rules", "which rules hold, and on what each acted").hint("rules"),
    key(&["u"], Action::SwitchRule, "rule-switch", "switch a rule off, or on; its file stays as it is")
        .takes("[RULE]"),
    key(&["y"], Action::Copy, "copy", "copy what is shown to the clipboard (OSC 52)").hint("copy"),
    key(&["Y"], Action::CopyAs, "copy-as", "copy session or message as code: curl, node, python …")
        .takes("[LANGUAGE]")
        .hint("as code"),
    key(&["b"], Action::SavePayload, "save-payload", "save the payload into a file")
        .takes("FILE")
        .hint("save"),
    key(
        &["w"],
        Action::SaveRecording,
        "save-recording",
        "save the marked sessions, or this one, as a recording",
    )
    .takes("FILE"),
    key(&["W"], Action::SaveAll, "save-all", "save all sessions that are listed as a recording")
        .takes("FILE"),
    key(&["R"], Action::Play, "play", "play its client part to a server again, and compare")
        .takes("[SERVER]")
        .hint("replay"),
    key(&["="], Action::Compare, "compare", "two sessions side by side: marked, or :compare 3 5")
        .takes("[A B]")
        .hint("compare"),
    key(&["]"], Action::NextDifference, "next-difference", "to the next row that differs")
        .when(When::Comparing)
        .hint("next difference"),
    key(&["["], Action::PreviousDifference, "previous-difference", "to the one before").when(When::Comparing),
    key(&["-"], Action::OnlyDifferences, "only-differences", "leave out what is the same, or show it")
        .when(When::Comparing)
        .hint("only differences"),
    key(&["X"], Action::Kill, "kill", "close the session's connections, both ends").hint("kill"),
    key(&["z"], Action::Clear, "clear", "forget sessions and exchanges that are over"),
    key(&["!"], Action::Notes, "notes", "read what the proxy itself had to say").hint("notes"),
    key(&["O"], Action::Output, "output", "read what the program that was run prints, or the replay")
        .hint("output"),
    key(&["ctrl-l"], Action::Redraw, "redraw", "draw the screen anew"),
    key(&["ctrl-z"], Action::Suspend, "suspend", "back to the shell; fg returns"),
    key(&["Q", "ctrl-c"], Action::Quit, "quit", "leave").hint("quit"),
];

/// What helps most in each pane, the most helpful first: the hints, and the first lines of help.
pub(super) fn helpful(pane: Pane) -> &'static [Action] {
    use Action::{
        Back, Command, Control, Copy, Filter, Follow, Help, Http, Kill, Mark, NextMessage, NextPane, Open,
        Pause, Quit, Resend, SavePayload, Search, Send, Sort, View,
    };
    match pane {
        Pane::Sessions => {
            &[Help, Open, NextPane, Quit, Filter, Search, Send, Sort, Http, Kill, Pause, Command]
        }
        Pane::Messages => &[
            Help,
            Open,
            Back,
            Follow,
            Filter,
            Search,
            Send,
            Resend,
            Control,
            Pause,
            Mark,
            Copy,
            SavePayload,
            Command,
            Quit,
        ],
        Pane::Detail => &[Help, Back, Search, View, NextMessage, Copy, SavePayload, Command, Quit],
        Pane::Held => &[
            Help,
            Action::Hold(HoldAction::Forward),
            Action::Hold(HoldAction::Drop),
            Action::Hold(HoldAction::Edit),
            Action::Hold(HoldAction::EditOutside),
            Action::Hold(HoldAction::ForwardAll),
            Action::Hold(HoldAction::Close),
            Action::Hold(HoldAction::Refuse),
            Back,
            HOLD_FILTER,
            Command,
        ],
    }
}

/// The row that a key means in `pane`.
pub fn binding(key: &str, pane: Pane) -> Option<&'static Binding> {
    BINDINGS.iter().find(|binding| binding.when.includes(pane) && binding.keys.contains(&key))
}

/// The row that a key means while two sessions are compared.
pub fn binding_in_comparison(key: &str) -> Option<&'static Binding> {
    let means = |when: When| BINDINGS.iter().find(|row| row.when == when && row.keys.contains(&key));
    means(When::Comparing).or_else(|| means(When::Anywhere))
}

/// The row that a command names: whole, or by a beginning that only one has.
pub fn command(name: &str) -> Option<&'static Binding> {
    // Other programs' fingers.
    let name = match name {
        "q" | "q!" | "qa" => "quit",
        "w" => "save-recording",
        "wa" => "save-all",
        name => name,
    };
    let exact = BINDINGS.iter().find(|binding| binding.command == name);
    let mut beginning = BINDINGS.iter().filter(|binding| binding.command.starts_with(name));
    exact.or_else(|| beginning.next().filter(|_| !name.is_empty() && beginning.next().is_none()))
}

/// The commands that begin with `start`, in the order of the alphabet.
pub fn commands(start: &str) -> Vec<&'static str> {
    let mut names: Vec<_> =
        BINDINGS.iter().map(|binding| binding.command).filter(|name| name.starts_with(start)).collect();
    names.sort_unstable();
    names
}

/// A key as the table writes it: `j`, `G`, `ctrl-d`, `shift-tab`, `pgdn`.
pub fn key_name(event: KeyEvent) -> String {
    let name = match event.code {
        KeyCode::Char(' ') => "space".to_owned(),
        KeyCode::Char(character) => character.to_string(),
        KeyCode::Enter => "enter".to_owned(),
        KeyCode::Esc => "esc".to_owned(),
        KeyCode::Tab if event.modifiers.contains(KeyModifiers::SHIFT) => return "shift-tab".to_owned(),
        KeyCode::BackTab => return "shift-tab".to_owned(),
        KeyCode::Tab => "tab".to_owned(),
        KeyCode::Up => "up".to_owned(),
        KeyCode::Down => "down".to_owned(),
        KeyCode::Left => "left".to_owned(),
        KeyCode::Right => "right".to_owned(),
        KeyCode::Home => "home".to_owned(),
        KeyCode::End => "end".to_owned(),
        KeyCode::PageUp => "pgup".to_owned(),
        KeyCode::PageDown => "pgdn".to_owned(),
        KeyCode::Backspace => "backspace".to_owned(),
        KeyCode::Delete => "delete".to_owned(),
        _ => return String::new(),
    };
    if event.modifiers.contains(KeyModifiers::CONTROL) {
        format!("ctrl-{}", name.to_lowercase())
    } else if event.modifiers.contains(KeyModifiers::ALT) {
        format!("alt-{name}")
    } else {
        name
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn no_key_means_two_things_in_one_pane() {
        for pane in Pane::ALL {
            let mut seen = HashSet::new();
            for binding in BINDINGS.iter().filter(|binding| binding.when.includes(pane)) {
                for key in binding.keys {
                    assert!(seen.insert(key), "{key} twice in {pane:?}");
                }
            }
        }
    }

    #[test]
    fn every_action_has_a_command_of_its_own_and_words_of_help() {
        let mut seen = HashSet::new();
        for row in BINDINGS {
            assert!(seen.insert(row.command), "{} twice", row.command);
            assert!(!row.help.is_empty() && !row.keys.is_empty());
            assert!(row.help.chars().count() <= 56, "{:?} does not fit 80 columns", row.help);
            assert_eq!(command(row.command).map(|found| found.action), Some(row.action));
        }
    }

    #[test]
    fn every_row_is_on_the_page_of_keys() {
        let page = keys_page();
        for row in BINDINGS {
            assert!(page.contains(&format!("`:{}", row.command)), "{}", row.command);
        }
    }

    #[test]
    fn a_unique_beginning_names_a_command() {
        assert_eq!(command("save-r").map(|row| row.command), Some("save-recording"));
        assert_eq!(command("save").map(|row| row.command), None);
        assert_eq!(command("q").map(|row| row.command), Some("quit"));
        assert_eq!(command("").map(|row| row.command), None);
        assert_eq!(commands("save"), ["save-all", "save-payload", "save-recording"]);
    }

    #[test]
    fn keys_have_one_name() {
        let name = |code, modifiers| key_name(KeyEvent::new(code, modifiers));
        assert_eq!(name(KeyCode::Char('G'), KeyModifiers::SHIFT), "G");
        assert_eq!(name(KeyCode::Char('d'), KeyModifiers::CONTROL), "ctrl-d");
        assert_eq!(name(KeyCode::BackTab, KeyModifiers::SHIFT), "shift-tab");
        assert_eq!(name(KeyCode::Char(' '), KeyModifiers::NONE), "space");
    }
}
