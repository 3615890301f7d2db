//! A recording written anew, one line at a time: those that were joined become one, and lines written by hand get the usual form.

use std::io::{BufRead, Write};

use super::{ExportError, Remarks, count};
use crate::headless::schema::{InMemory, Item, Reader, Writer};

/// Writes a recording as one recording. Gives what is to be said about what was left out.
///
/// # Errors
/// Where the recording is damaged, or `out` fails.
pub fn write<R: BufRead>(reader: &mut Reader<R>, out: impl Write + Send) -> Result<Remarks, ExportError> {
    let mut writer = Writer::new(out, reader.recording())?;
    while let Some(record) = reader.next()? {
        match record.item {
            Item::Event(event) => writer.event(&event, &InMemory)?,
            Item::Gap { time, lost, why } => writer.gap(time, lost, &why)?,
            Item::Recording(_) | Item::Unknown(_) => {}
        }
    }
    writer.flush()?;
    Ok(match reader.unknown() {
        0 => Remarks::new(),
        unknown => {
            vec![format!(
                "{} left out: of a type that this sockeye does not know",
                count(unknown, "line", ["is", "are"])
            )]
        }
    })
}
