//! The tab Frames: one row for each frame of a message, from the bytes of its header.

use super::acts;
use super::document::sentence;
use super::payload::faults;
use super::text;
use super::theme::{Look, Words};
use crate::capture::{Act, Deed, Frame, Kind, Message, Stamp};
use crate::ws::FrameHeader;

/// The frames of a message, as lines when they are in view.
pub(super) struct Frames {
    message: Message,
    opened: Stamp,
    before: Vec<Words>,
    after: Vec<Words>,
    offsets: bool,
}

impl Frames {
    pub(super) fn new(message: Message, acts: &[Act], opened: Stamp, columns: usize) -> Frames {
        let mut before = faults(&message, columns);
        before.extend(acts::above(&message, acts, columns));
        let offsets = columns >= 90;
        if message.kind == Kind::Raw {
            let why = "framing was lost before this: these bytes belong to no frame";
            before.push(vec![(Look::Odd, why.to_owned())]);
        } else {
            let offset = if offsets { "    offset" } else { "" };
            let head =
                format!("  #  FIN RSV  opcode        mask      length  coded {offset}   time      header");
            before.push(vec![(Look::Dim, head)]);
        }
        let after = after(&message, acts, columns);
        Frames { message, opened, before, after, offsets }
    }

    pub(super) fn len(&self) -> u64 {
        (self.before.len() + self.rows() + self.after.len()) as u64
    }

    /// The lines of the frames that came.
    fn rows(&self) -> usize {
        self.message.frames.len() + usize::from(self.message.frames_left_out > 0)
    }

    pub(super) fn lines(&self, top: u64, height: usize) -> Vec<Words> {
        (top..self.len().min(top + height as u64)).map(|at| self.line(at as usize)).collect()
    }

    fn line(&self, at: usize) -> Words {
        if let Some(line) = self.before.get(at) {
            return line.clone();
        }
        let at = at - self.before.len();
        if let Some(line) = at.checked_sub(self.rows()).and_then(|at| self.after.get(at)) {
            return line.clone();
        }
        match self.message.frames.get(at) {
            Some(frame) => self.frame(at, frame),
            None => {
                let more = text::plural(self.message.frames_left_out, "more frame");
                vec![(Look::Dim, format!("     and {more}, not listed"))]
            }
        }
    }

    fn frame(&self, at: usize, frame: &Frame) -> Words {
        let Some(header) = FrameHeader::parse(&frame.header) else {
            return vec![(
                Look::Bad,
                format!("{:>3}  the header is not complete: {}", at + 1, hex(&frame.header)),
            )];
        };
        let bit = |set: bool| if set { '1' } else { '0' };
        let reserved: String = [header.rsv1, header.rsv2, header.rsv3].map(bit).iter().collect();
        let mask = header.masking_key.map_or_else(|| "-".to_owned(), |key| hex_packed(&key));
        let coded = format!("{} bit", header.length_form().bits());
        let minimal = if header.is_minimal() { Look::Dim } else { Look::Bad };
        vec![
            (Look::Dim, format!("{:>3}  ", at + 1)),
            (Look::Text, format!(" {}  ", bit(header.fin))),
            (if reserved == "000" { Look::Dim } else { Look::Odd }, format!("{reserved}  ")),
            (Look::Accent, text::left(Kind::Frame(header.opcode).name(), 12)),
            (Look::Dim, text::right(&mask, 8)),
            (Look::Text, format!("  {}", text::right(&text::count(header.payload_length), 8))),
            (minimal, format!("  {}", text::left(&coded, 6))),
            (
                Look::Dim,
                if self.offsets {
                    format!("  {}", text::right(&text::count(frame.offset), 8))
                } else {
                    String::new()
                },
            ),
            (Look::Text, format!("  {}", text::left(&text::moment(frame.time.since(self.opened)), 9))),
            (Look::Dim, format!(" {}", hex(&frame.header))),
        ]
    }
}

/// What is known of the frame in which it went on after it was edited: it was made anew.
fn after(message: &Message, acts: &[Act], columns: usize) -> Vec<Words> {
    let is_dropped = acts.iter().any(|act| act.deed == Deed::Dropped);
    let Some((heading, opcode, payload)) = acts::edits(acts).last().filter(|_| !is_dropped) else {
        return Vec::new();
    };
    let compressed = if message.compressed { ", compressed anew" } else { "" };
    let (opcode, size) = (Kind::Frame(opcode).name(), text::size(payload.len()));
    let what = format!("one frame: FIN, {opcode}, {size}{compressed}; its header is not kept");
    let mut lines = vec![heading];
    lines.extend(sentence(Look::Text, " ", &what, columns));
    lines
}

fn hex(bytes: &[u8]) -> String {
    let pairs: Vec<String> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(" ")
}

fn hex_packed(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
