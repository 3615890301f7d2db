//! `sockeye export` and `sockeye import`: files in, files out, and what is to be said about them.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufWriter, Write};
use std::path::{Component, Path};

use sockeye::capture::{Flow, FlowKind, LogConfig, Summary};
use sockeye::headless::schema::Reader;
use sockeye::headless::{load, open, private};
use sockeye::interchange::code::{Language, Talk};
use sockeye::interchange::{ExportError, ImportError, Remarks, har, jsonl, mitmproxy, on_disk, pcapng};

use super::{Failure, USAGE};
use crate::cli::{ExportOptions, ImportOptions};

/// Writes a recording in the format that the ending of its new name says.
pub fn export(options: &ExportOptions) -> Result<(), Failure> {
    let file = &options.file;
    if file.as_os_str() == "-" {
        return Err(Failure::new(
            USAGE,
            "a recording is read several times to be exported: give it as a file",
        ));
    }
    if let Some(language) = options.language {
        return code(options, language);
    }
    let Some(out) = &options.out else {
        return Err(Failure::new(
            USAGE,
            "which file is to be written? One that ends in .har, .pcapng or .jsonl",
        ));
    };
    let source = on_disk(file);
    let written = match ending(out).as_str() {
        "har" => har::write(&source, create(file, out)?),
        "pcapng" => read(file).and_then(|mut reader| Ok(pcapng::write(&mut reader, create(file, out)?)))?,
        "jsonl" => read(file).and_then(|mut reader| Ok(jsonl::write(&mut reader, create(file, out)?)))?,
        _ => {
            let known = "give it a name that ends in .har, .pcapng or .jsonl";
            return Err(Failure::new(
                USAGE,
                format_args!("what {} is to be is not known: {known}", out.display()),
            ));
        }
    };
    let failed = |error| {
        // Half of it would be taken for all.
        if out.is_file() {
            let _ = std::fs::remove_file(out);
        }
        match error {
            ExportError::Read(error) => Failure::new(USAGE, error),
            ExportError::Write(error) => cannot_write(out, &error),
        }
    };
    tell(written.map_err(failed)?);
    Ok(())
}

/// Writes one session as code.
fn code(options: &ExportOptions, language: Language) -> Result<(), Failure> {
    let file = &options.file;
    let failed = |error: &dyn std::fmt::Display| Failure::new(USAGE, error);
    let log = load(&mut read(file)?, &LogConfig::default()).map_err(|error| failed(&error))?;
    let sessions = || {
        let session = |summary: &Summary| match summary.flow {
            Flow::Session(number) if summary.kind == FlowKind::Session => Some(number),
            _ => None,
        };
        log.summaries(|all| all.filter_map(session).min())
    };
    let Some(session) = options.session.or_else(sessions) else {
        return Err(Failure::new(USAGE, format_args!("{} holds no session", file.display())));
    };
    let talk = Talk::of_session(&log, session, None).map_err(|error| failed(&error))?;
    let talk = talk
        .ok_or_else(|| Failure::new(USAGE, format_args!("{} holds no session {session}", file.display())))?;
    let code = language.write(&talk);
    match &options.out {
        Some(out) => {
            let mut written = create(file, out)?;
            let all = written.write_all(code.as_bytes()).and_then(|()| written.flush());
            all.map_err(|error| cannot_write(out, &error))
        }
        None => match io::stdout().write_all(code.as_bytes()) {
            Err(error) if error.kind() != io::ErrorKind::BrokenPipe => Err(failed(&error)),
            _ => Ok(()),
        },
    }
}

fn read(file: &Path) -> Result<Reader<impl BufRead>, Failure> {
    open(file).map_err(|error| Failure::new(USAGE, error))
}

/// Makes a recording of another tool's file.
pub fn import(options: &ImportOptions) -> Result<(), Failure> {
    let (file, out) = (&options.file, &options.out);
    let usage = |error: ImportError| Failure::new(USAGE, error);
    if ending(out) != "jsonl" {
        return Err(Failure::new(
            USAGE,
            format_args!("{} would be a recording: give it a name that ends in .jsonl", out.display()),
        ));
    }
    let input = std::fs::read(file)
        .map_err(|error| Failure::new(USAGE, format_args!("cannot read {}: {error}", file.display())))?;
    let name = file.display().to_string();
    // Flow files begin with a length.
    let draft = match input.first() {
        Some(b'0'..=b'9') => mitmproxy::read(&name, &input),
        _ => har::read(&name, &input, &|name| beside(file, name)),
    }
    .map_err(usage)?;
    // A file that cannot be imported leaves nothing behind.
    let mut recording = Vec::new();
    let remarks = draft.write(&name, &mut recording).map_err(usage)?;
    let mut written = create(file, out)?;
    written
        .write_all(&recording)
        .and_then(|()| written.flush())
        .map_err(|error| cannot_write(out, &error))?;
    tell(remarks);
    Ok(())
}

/// What a file holds that another one names, in its folder or below it.
fn beside(file: &Path, name: &str) -> io::Result<Vec<u8>> {
    let name = Path::new(name);
    // The file may be a stranger's: it has no business elsewhere.
    if !name.components().all(|part| matches!(part, Component::Normal(_))) {
        return Err(io::Error::other("it is not in the same folder"));
    }
    std::fs::read(file.parent().unwrap_or(Path::new("")).join(name))
}

fn ending(path: &Path) -> String {
    path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase()
}

/// The file to write, which is not the one that is read.
fn create(file: &Path, out: &Path) -> Result<BufWriter<File>, Failure> {
    // Whatever it is, it has to be there to be read.
    let input = file
        .canonicalize()
        .map_err(|error| Failure::new(USAGE, format_args!("cannot read {}: {error}", file.display())))?;
    if out.canonicalize().is_ok_and(|out| out == input) {
        return Err(Failure::new(
            USAGE,
            format_args!("{} would be overwritten while it is read: name another file", out.display()),
        ));
    }
    let opened = private(OpenOptions::new().write(true).create(true).truncate(true)).open(out);
    opened.map(BufWriter::new).map_err(|error| cannot_write(out, &error))
}

fn cannot_write(out: &Path, error: &io::Error) -> Failure {
    Failure::new(USAGE, format_args!("cannot write {}: {error}", out.display()))
}

fn tell(remarks: Remarks) {
    for remark in remarks {
        eprintln!("sockeye: {remark}");
    }
}
