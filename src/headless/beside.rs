//! A file that is written whole or not at all: beside its place, and then put there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use super::private;
use super::schema::Keys;

/// Writes a file. Who looks meanwhile sees the old one, and where `write` fails it stays. A new file is for its owner
/// alone; one that is there keeps its mode. What is no ordinary file, as a pipe, is written to as it is.
///
/// # Errors
/// Those of `write`, and where the file cannot be made.
pub fn replace<T, E: From<io::Error>>(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> Result<T, E>,
) -> Result<T, E> {
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|there| !there.is_file()) {
        let mut out = BufWriter::new(OpenOptions::new().write(true).open(path)?);
        let written = write(&mut out)?;
        out.flush()?;
        return Ok(written);
    }
    // Where the name is a link, what it leads to is replaced.
    let place = if there.is_some() { fs::canonicalize(path)? } else { path.to_owned() };
    let (beside, file) = create_beside(&place)?;
    let done = (|| {
        let mut out = BufWriter::new(file);
        let written = write(&mut out)?;
        out.flush()?;
        if let Some(there) = there {
            fs::set_permissions(&beside, there.permissions())?;
        }
        fs::rename(&beside, &place)?;
        Ok(written)
    })();
    if done.is_err() {
        // The first error is the one to tell.
        let _ = fs::remove_file(&beside);
    }
    done
}

fn create_beside(place: &Path) -> io::Result<(PathBuf, File)> {
    let name = place.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut last = io::Error::other("no name is free beside it");
    for number in 0..1000 {
        let beside = place.with_file_name(format!(".{name}.{}-{number}.new", std::process::id()));
        match private(OpenOptions::new().write(true).create_new(true)).open(&beside) {
            Ok(file) => return Ok((beside, file)),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => last = error,
            Err(error) => return Err(error),
        }
    }
    Err(last)
}

/// Adds a recording behind the one in a file, as `cat` would join them; where there is none, makes it.
///
/// # Errors
/// Where the file cannot be read or written, or its last line is not whole. It is as it was then.
pub fn append(path: &Path, recording: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().read(true).write(true).create(true)).open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    let joint = joint(&mut file, length)?;
    file.seek(SeekFrom::Start(length))?;
    let written = file.write_all(joint).and_then(|()| file.write_all(recording));
    if written.is_err() {
        // The first error is the one to tell.
        let _ = file.set_len(length);
    }
    written
}

/// Whether a recording could be added to a file.
///
/// # Errors
/// Those of [`append`].
pub fn check_append(path: &Path) -> io::Result<()> {
    match File::open(path) {
        Ok(mut file) => {
            let length = file.seek(SeekFrom::End(0))?;
            joint(&mut file, length).map(drop)
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
    }
}

/// What has to stand between a file's last line and another one.
fn joint(file: &mut File, length: u64) -> io::Result<&'static [u8]> {
    const PIECE: u64 = 64 << 10;
    let mut line = Vec::new();
    let mut start = length;
    while start > 0 && !line.contains(&b'\n') {
        let before = start.saturating_sub(PIECE);
        file.seek(SeekFrom::Start(before))?;
        let mut piece = Vec::new();
        file.take(start - before).read_to_end(&mut piece)?;
        piece.append(&mut line);
        (line, start) = (piece, before);
    }
    let last = line.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    if last.trim_ascii().is_empty() {
        return Ok(b"");
    }
    match Keys::parse(last) {
        Ok(_) => Ok(b"\n"),
        Err(_) => {
            Err(io::Error::new(io::ErrorKind::InvalidData, "its last line is not whole; delete that line"))
        }
    }
}

/// Whether two names lead to one file.
pub fn is_same_file(one: &Path, other: &Path) -> bool {
    match (fs::canonicalize(one), fs::canonicalize(other)) {
        (Ok(one), Ok(other)) => one == other,
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_whole_or_stays() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        replace(&path, |out| out.write_all(b"one")).unwrap();
        let failed = replace(&path, |out| {
            out.write_all(b"half")?;
            Err::<(), _>(io::Error::other("no"))
        });
        assert!(failed.is_err());
        assert_eq!(fs::read(&path).unwrap(), b"one");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_recording_is_added_behind_the_last_whole_line() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jsonl");
        check_append(&path).unwrap();
        append(&path, b"{\"a\":1}\n").unwrap();
        append(&path, b"{\"a\":2}").unwrap();
        append(&path, b"{\"a\":3}\n").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"{\"a\":1}\n{\"a\":2}\n{\"a\":3}\n");
        let torn = b"{\"a\":1}\n{\"b\":";
        fs::write(&path, torn).unwrap();
        assert!(check_append(&path).is_err());
        assert!(append(&path, b"{}\n").unwrap_err().to_string().contains("last line is not whole"));
        assert_eq!(fs::read(&path).unwrap(), torn);
    }

    #[cfg(unix)]
    #[test]
    fn a_new_file_is_private_and_an_old_one_keeps_its_mode_and_its_links() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("a"), folder.path().join("b"));
        let mode = || fs::metadata(&path).unwrap().permissions().mode() & 0o777;
        replace(&path, |out| out.write_all(b"one")).unwrap();
        assert_eq!(mode(), 0o600);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, |out| out.write_all(b"two")).unwrap();
        assert!(is_same_file(&path, &link));
        assert_eq!((mode(), fs::read(&path).unwrap()), (0o644, b"two".to_vec()));
    }
}
