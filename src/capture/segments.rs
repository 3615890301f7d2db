//! The log's bytes: append-only files of one size that together are one long run of positions, the oldest
//! removed when the limit is reached.

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Where the files are and how much they may hold.
#[derive(Clone, Debug)]
pub struct LogConfig {
    /// The folder in which the log makes a private one of its own; the system's temporary one if none is given.
    pub directory: Option<PathBuf>,
    /// Octets on disk before the oldest go.
    pub limit: u64,
}

impl Default for LogConfig {
    fn default() -> LogConfig {
        LogConfig { directory: None, limit: 2 << 30 }
    }
}

/// The smallest limit that a log works with, in octets.
pub const SMALLEST_LIMIT: u64 = 16 << 20;

/// The files that there are, oldest first. Cheap to clone: a reader keeps what it reads alive.
#[derive(Clone, Debug)]
pub(super) struct Segments {
    files: VecDeque<Arc<File>>,
    /// The number of the first file in `files`; position / size is a file's number.
    first: u64,
    size: u64,
}

impl Segments {
    pub(super) fn new(limit: u64) -> Segments {
        let size = (limit / 16).clamp(1 << 20, 64 << 20);
        Segments { files: VecDeque::new(), first: 0, size }
    }

    /// The position of the oldest octet that is left.
    pub(super) fn start(&self) -> u64 {
        self.first * self.size
    }

    /// Octets in each file.
    pub(super) fn size(&self) -> u64 {
        self.size
    }

    pub(super) fn count(&self) -> usize {
        self.files.len()
    }

    pub(super) fn add(&mut self, file: File) {
        self.files.push_back(Arc::new(file));
    }

    /// Removes the oldest file; gives it where no reader has it any more, to be written anew: that costs the system
    /// far less than another file.
    pub(super) fn remove_oldest(&mut self) -> Option<File> {
        let oldest = self.files.pop_front()?;
        self.first += 1;
        Arc::try_unwrap(oldest).ok()
    }

    /// The position after the last that the files have room for.
    pub(super) fn end(&self) -> u64 {
        (self.first + self.files.len() as u64) * self.size
    }

    fn file(&self, position: u64) -> Option<&Arc<File>> {
        let place = (position / self.size).checked_sub(self.first)?;
        self.files.get(usize::try_from(place).ok()?)
    }

    /// Reads what is there from `position` on into `buffer`; no record lies in two files, so neither does a read.
    /// `None` where the limit has removed it.
    pub(super) fn read(&self, position: u64, buffer: &mut [u8]) -> io::Result<Option<usize>> {
        let Some(file) = self.file(position) else { return Ok(None) };
        let offset = position % self.size;
        let room = (self.size - offset).min(buffer.len() as u64) as usize;
        let mut done = 0;
        while done < room {
            match read_at(file, &mut buffer[done..room], offset + done as u64) {
                Ok(0) => break,
                Ok(read) => done += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(Some(done))
    }

    pub(super) fn write(&self, position: u64, bytes: &[u8]) -> io::Result<()> {
        let file = self.file(position).ok_or_else(|| io::Error::other("the log has no file there"))?;
        write_at(file, bytes, position % self.size)
    }
}

#[cfg(unix)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::unix::fs::FileExt::read_at(file, buffer, offset)
}

#[cfg(unix)]
fn write_at(file: &File, bytes: &[u8], offset: u64) -> io::Result<()> {
    std::os::unix::fs::FileExt::write_all_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
    std::os::windows::fs::FileExt::seek_read(file, buffer, offset)
}

#[cfg(windows)]
fn write_at(file: &File, mut bytes: &[u8], mut offset: u64) -> io::Result<()> {
    while !bytes.is_empty() {
        let written = std::os::windows::fs::FileExt::seek_write(file, bytes, offset)?;
        bytes = &bytes[written..];
        offset += written as u64;
    }
    Ok(())
}

/// The log's own folder, readable by the user alone, removed when dropped.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    pub(super) fn create(parent: Option<&Path>) -> io::Result<Directory> {
        let parent = parent.map_or_else(std::env::temp_dir, Path::to_owned);
        remove_left_behind(&parent);
        let mut random = [0; 8];
        getrandom::fill(&mut random).map_err(|error| io::Error::other(error.to_string()))?;
        let name = format!("sockeye-{}-{:016x}", std::process::id(), u64::from_le_bytes(random));
        let path = parent.join(name);
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(&path).map_err(|error| {
            io::Error::new(
                error.kind(),
                format!("cannot make a folder for the log in {}: {error}", parent.display()),
            )
        })?;
        Ok(Directory(path))
    }

    /// Makes the file of number `number`. Where the system allows it, its name goes at once, so that its space is
    /// free again however this process ends.
    pub(super) fn file(&self, number: u64) -> io::Result<File> {
        let path = self.0.join(format!("{number:08}"));
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let file = options.open(&path)?;
        #[cfg(unix)]
        fs::remove_file(&path)?;
        Ok(file)
    }
}

/// Removes the folders of processes that were killed before they could. They are empty: only empty ones can be
/// removed so, and only those of this user.
fn remove_left_behind(parent: &Path) {
    let Ok(entries) = fs::read_dir(parent) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let process =
            name.to_str().and_then(|name| name.strip_prefix("sockeye-")?.split('-').next()?.parse().ok());
        if process.is_some_and(|process: u32| is_over(process)) {
            // One that cannot be removed is somebody else's.
            let _ = fs::remove_dir(entry.path());
        }
    }
}

/// Whether there is surely no process of this number.
fn is_over(process: u32) -> bool {
    cfg!(target_os = "linux")
        && Path::new("/proc/self").exists()
        && !Path::new(&format!("/proc/{process}")).exists()
}

impl Drop for Directory {
    fn drop(&mut self) {
        // Nothing is left to do where this fails: the folder holds no bytes on Unix.
        let _ = fs::remove_dir_all(&self.0);
    }
}
