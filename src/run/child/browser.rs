//! Chromium and its kin, which heed no variables for what matters here, but switches.

use std::ffi::{OsStr, OsString};
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use sockeye::net::CertAuthority;

/// Names under which they are started.
const NAMES: [&str; 14] = [
    "brave",
    "brave-browser",
    "chrome",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-beta",
    "google-chrome-stable",
    "google-chrome-unstable",
    "headless_shell",
    "microsoft-edge",
    "microsoft-edge-stable",
    "vivaldi",
];

/// The switches that `program` needs to come through the proxy, in a profile of its own, without those that `given`
/// has already; none where it is no such browser.
pub(super) fn switches(
    program: &OsStr,
    given: &[OsString],
    proxy: SocketAddr,
    authority: &CertAuthority,
    folder: &Path,
) -> Vec<OsString> {
    let name = Path::new(program).file_name().and_then(OsStr::to_str).unwrap_or_default();
    if !NAMES.contains(&name.strip_suffix(".exe").unwrap_or(name)) {
        return Vec::new();
    }
    let ours = STANDARD.encode(authority.key_sha256());
    let mut profile = OsString::from("--user-data-dir=");
    profile.push(folder.join("profile"));
    let wanted = [
        OsString::from(format!("--proxy-server=http://{proxy}")),
        // Without it, loopback goes past every proxy.
        "--proxy-bypass-list=<-loopback>".into(),
        format!("--ignore-certificate-errors-spki-list={ours}").into(),
        // One that runs already would take the page over, and heed none of this. Ours is forgotten in the end.
        profile,
    ];
    let is_given = |switch: &OsString| {
        let text = switch.to_string_lossy();
        let name = text.split('=').next().unwrap_or_default();
        given.iter().any(|given| given.to_string_lossy().split('=').next() == Some(name))
    };
    wanted.into_iter().filter(|switch| !is_given(switch)).collect()
}
