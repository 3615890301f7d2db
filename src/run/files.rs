//! `sockeye trim`, `redact`, `merge` and `refresh`: recordings in, a recording out; and `sockeye diff`.

use std::io::{self, BufWriter, Write};
use std::path::Path;

use sockeye::diff::teller::Teller;
use sockeye::diff::{self, Comparison, DiffError, Heartbeats};
use sockeye::headless::{self, FileError, is_same_file, replace};
use sockeye::recordings::{self, Beats, Input, MergeError, Numbering, Trim};

use super::{DIFFERENT, DONE, Failure, USAGE};
use crate::cli::files::OutputFile;
use crate::cli::{DiffOptions, MergeOptions, RedactFileOptions, RefreshOptions, TrimOptions};

/// Writes a recording with less in it.
pub fn trim(options: &TrimOptions) -> Result<(), Failure> {
    let mut input = open(&options.file, "read twice to be trimmed")?;
    let trim = Trim {
        filter: options.filter.clone(),
        heartbeats: if options.heartbeats { Beats::Cut } else { Beats::Kept },
        round: options.round.unwrap_or(0),
        numbering: if options.keep_numbers { Numbering::Kept } else { Numbering::Anew },
        shrink: options.shrink.map(|size| usize::try_from(size.0).unwrap_or(usize::MAX)),
    };
    let told = write(&[&options.file], &options.to, |out| recordings::trim(&mut input, &trim, out))?;
    for (count, one, many) in [
        (told.flows, "session or exchange was left out", "sessions and exchanges were left out"),
        (told.heartbeats, "heartbeat was left out", "heartbeats were left out"),
        (told.shrunk, "payload was made smaller", "payloads were made smaller"),
        (
            told.still_large,
            "payload is still larger than that: it is nothing but names and numbers",
            "payloads are still larger than that: they are nothing but names and numbers",
        ),
    ] {
        match count {
            0 => {}
            1 => eprintln!("sockeye: 1 {one}"),
            _ => eprintln!("sockeye: {count} {many}"),
        }
    }
    Ok(())
}

/// Writes a recording without its secrets.
pub fn redact(options: &RedactFileOptions) -> Result<(), Failure> {
    let mut reader = headless::open(&options.file).map_err(usage)?;
    let told =
        write(&[&options.file], &options.to, |out| recordings::redact(&mut reader, &options.path, out))?;
    for path in told.nowhere {
        eprintln!("sockeye: nothing stands at {path} in any message or body that is JSON");
    }
    Ok(())
}

/// Writes several recordings as one.
pub fn merge(options: &MergeOptions) -> Result<(), Failure> {
    let inputs = options.files.iter().map(|file| open(file, "read twice to be merged"));
    let mut inputs = inputs.collect::<Result<Vec<_>, _>>()?;
    let files: Vec<&Path> = options.files.iter().map(|file| &**file).collect();
    let to = OutputFile { out: Some(options.out.clone()), in_place: false };
    let told = write(&files, &to, |out| recordings::merge(&mut inputs, out))?;
    if told.partly_redacted {
        eprintln!(
            "sockeye: secrets are replaced in some of them and not in others: `sockeye redact` replaces the others"
        );
    }
    Ok(())
}

/// Writes a recording that was made again with the times of the old one.
pub fn refresh(options: &RefreshOptions) -> Result<(), Failure> {
    let mut old = open(&options.old, "read in several places")?;
    let mut new = open(&options.new, "read in several places")?;
    let told = write(&[&options.old, &options.new], &options.to, |out| {
        recordings::refresh(&mut old, &mut new, recordings::to_the_octet, out)
    })?;
    let recordings::Refreshed { kept, changed, added, removed } = told;
    eprintln!(
        "sockeye: {kept} messages are as they were, {changed} say something else, {added} are new, {removed} are gone"
    );
    Ok(())
}

/// Tells in what two recordings differ; gives the exit code.
pub fn diff(options: &DiffOptions) -> Result<u8, Failure> {
    let second = options.b.as_ref().unwrap_or(&options.a);
    let mut a = open(&options.a, "read in several places")?;
    let mut b = open(second, "read in several places")?;
    let comparison = Comparison {
        expectation: options.expectation.expectation(),
        heartbeats: if options.heartbeats { Heartbeats::Compared } else { Heartbeats::LeftOut },
        sessions: options.sessions,
    };
    let mut teller = Teller::new(options.output, [&options.a, second].map(|file| file.display().to_string()));
    let mut stdout = BufWriter::new(io::stdout().lock());
    let told = diff::diff(&mut a, &mut b, &comparison, |finding| {
        stdout.write_all(teller.finding(&finding).as_bytes())
    });
    let told = told.and_then(|summary| {
        stdout.write_all(teller.summary(&summary).as_bytes())?;
        stdout.flush()?;
        Ok(summary)
    });
    match told {
        Ok(summary) if summary.is_same() => Ok(DONE),
        Ok(_) => Ok(DIFFERENT),
        // Nobody reads on (`| head`), but it was read that far because something differs.
        Err(DiffError::File(FileError::Write(error))) if error.kind() == io::ErrorKind::BrokenPipe => {
            Ok(DIFFERENT)
        }
        Err(error) => Err(usage(error)),
    }
}

/// Opens a recording that is read in several places, which the standard input cannot be.
fn open(file: &Path, what_for: &str) -> Result<Input<impl io::BufRead + io::Seek + use<>>, Failure> {
    if file.as_os_str() == "-" {
        return Err(Failure::new(USAGE, format_args!("a recording is {what_for}: give it as a file")));
    }
    recordings::open(file).map_err(usage)
}

/// Why nothing was written.
trait Fault: From<io::Error> {
    /// The fault of what was to be written, or in words that of what was read.
    fn split(self) -> Result<io::Error, String>;
}

impl Fault for FileError {
    fn split(self) -> Result<io::Error, String> {
        match self {
            FileError::Write(error) => Ok(error),
            FileError::Read(error) => Err(error.to_string()),
        }
    }
}

impl Fault for MergeError {
    fn split(self) -> Result<io::Error, String> {
        match self {
            MergeError::Write(error) => Ok(error),
            other => Err(other.to_string()),
        }
    }
}

/// Writes what `work` does with the `read` files, of which the first is the one whose place is taken where that is asked for.
fn write<T, E: Fault>(
    read: &[&Path],
    to: &OutputFile,
    work: impl FnOnce(&mut dyn Write) -> Result<T, E>,
) -> Result<T, Failure> {
    let out = match &to.out {
        Some(out) if out.as_os_str() == "-" => {
            let mut stdout = BufWriter::new(io::stdout().lock());
            return work(&mut stdout).map_err(|error| failure("the standard output", error));
        }
        Some(out) => {
            if read.iter().any(|file| is_same_file(file, out)) {
                let why = "would be overwritten while it is read: name another file";
                let in_place = if read.len() == 1 { ", or give --in-place" } else { "" };
                return Err(Failure::new(USAGE, format_args!("{} {why}{in_place}", out.display())));
            }
            &**out
        }
        None if read[0].as_os_str() == "-" => {
            return Err(Failure::new(USAGE, "the standard input has no place to write to: name a file"));
        }
        None => read[0],
    };
    replace(out, |file| work(file)).map_err(|error| failure(&out.display().to_string(), error))
}

fn failure(out: &str, error: impl Fault) -> Failure {
    match error.split() {
        Ok(error) => Failure::new(USAGE, format_args!("cannot write {out}: {error}")),
        Err(why) => Failure::new(USAGE, why),
    }
}

fn usage(error: impl std::fmt::Display) -> Failure {
    Failure::new(USAGE, error)
}
