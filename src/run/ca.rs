//! `sockeye ca`: the certificate authority's files, made when they are first needed.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use sockeye::net::CertAuthority;
use sockeye::net::install::{CAUTION, Install, PROGRAMS, SYSTEMS};
use time::OffsetDateTime;

use super::{Failure, USAGE};
use crate::cli::CaCommand;
use crate::cli::tls::CaOptions;

/// Runs one of the commands.
pub fn ca(command: &CaCommand) -> Result<(), Failure> {
    let (CaCommand::Path(options)
    | CaCommand::Print(options)
    | CaCommand::New(options)
    | CaCommand::InstallHelp(options)) = command;
    let place = Place::of(options)?;
    let text = match command {
        CaCommand::New(_) => {
            place.make()?;
            format!(
                "a new CA is in {}; whoever trusted the old one has to be told\n",
                place.certificate.display()
            )
        }
        CaCommand::Path(_) => {
            place.open()?;
            format!("{}\n", place.certificate.display())
        }
        CaCommand::Print(_) => place.open()?.certificate_pem().to_owned(),
        CaCommand::InstallHelp(_) => {
            place.open()?;
            install_help(&place.certificate)
        }
    };
    match io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            Err(Failure::new(USAGE, format_args!("cannot write to the standard output: {error}")))
        }
        _ => Ok(()),
    }
}

/// The authority to open TLS with. Where the user has never asked for one, and names no place for it, there is none:
/// no client could trust it, and to open its TLS would only break it.
pub fn authority(options: &CaOptions) -> Result<Option<CertAuthority>, Failure> {
    let Ok(place) = Place::of(options) else { return Ok(None) };
    if options.ca_dir.is_none() && !place.certificate.exists() {
        return Ok(None);
    }
    place.open().map(Some)
}

/// The authority, made where there is none yet: for who asks for TLS to be opened.
pub fn made_if_missing(options: &CaOptions) -> Result<CertAuthority, Failure> {
    Place::of(options)?.open()
}

/// The authority, made where there is none.
pub fn own_authority(options: &CaOptions) -> Result<CertAuthority, Failure> {
    Place::of(options)?.open()
}

/// Where the files are.
struct Place {
    folder: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
}

impl Place {
    fn of(options: &CaOptions) -> Result<Place, Failure> {
        let folder = options.ca_dir.clone().or_else(data_folder).ok_or_else(|| {
            Failure::new(USAGE, "there is no home folder to keep the CA in: name one with --ca-dir")
        })?;
        Ok(Place { certificate: folder.join("sockeye-ca.pem"), key: folder.join("sockeye-ca.key"), folder })
    }

    fn open(&self) -> Result<CertAuthority, Failure> {
        if !self.certificate.exists() && !self.key.exists() {
            return self.make();
        }
        let read = |path: &Path| {
            fs::read_to_string(path)
                .map_err(|error| Failure::new(USAGE, format_args!("cannot read {}: {error}", path.display())))
        };
        CertAuthority::from_pem(&read(&self.certificate)?, &read(&self.key)?).map_err(|error| {
            let folder = self.folder.display();
            Failure::new(USAGE, format_args!("{error} (in {folder}); `sockeye ca new` makes another"))
        })
    }

    fn make(&self) -> Result<CertAuthority, Failure> {
        let failed = |error: io::Error| {
            let folder = self.folder.display();
            Failure::new(
                USAGE,
                format_args!("cannot make the CA in {folder}: {error}; name a place with --ca-dir"),
            )
        };
        let authority = CertAuthority::new(&owner(), OffsetDateTime::now_utc())
            .map_err(|error| Failure::new(USAGE, error))?;
        fs::create_dir_all(&self.folder).map_err(failed)?;
        // The key first: a certificate without one would be taken for whole.
        write_private(&self.key, authority.key_pem()).map_err(failed)?;
        write_private(&self.certificate, authority.certificate_pem()).map_err(failed)?;
        Ok(authority)
    }
}

/// Writes a file that its owner alone reads, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let new = path.with_extension("new");
    // One that is there already could be open to others, or lead elsewhere.
    match fs::remove_file(&new) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(&new)?.write_all(text.as_bytes())?;
    fs::rename(new, path)
}

/// Where programs keep what a user should not lose.
fn data_folder() -> Option<PathBuf> {
    let variable = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let folder = if cfg!(target_os = "macos") {
        variable("HOME")?.join("Library/Application Support")
    } else if cfg!(windows) {
        variable("LOCALAPPDATA")?
    } else {
        variable("XDG_DATA_HOME").or_else(|| Some(variable("HOME")?.join(".local/share")))?
    };
    Some(folder.join("sockeye"))
}

/// Whose authority it is, for the eyes of whoever finds it in a list of roots.
fn owner() -> String {
    let user = ["USER", "LOGNAME", "USERNAME"].into_iter().find_map(|name| std::env::var(name).ok());
    let host = fs::read_to_string("/etc/hostname").ok().or_else(|| std::env::var("COMPUTERNAME").ok());
    let host = host.map(|host| host.trim().to_owned()).filter(|host| !host.is_empty());
    format!("{}@{}", user.unwrap_or_else(|| "somebody".to_owned()), host.unwrap_or_else(|| "here".to_owned()))
}

fn install_help(certificate: &Path) -> String {
    let ca = certificate.display().to_string();
    let list = |installs: &[Install]| -> String {
        installs.iter().map(|install| format!("{:<18}{}\n", install.who, install.how(&ca))).collect()
    };
    let (systems, programs) = (list(SYSTEMS), list(PROGRAMS));
    format!(
        "The CA's certificate: {ca}\n{CAUTION}\n\n{systems}\nOr for one program, by its environment:\n\n{programs}"
    )
}
