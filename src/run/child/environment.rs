//! The variables by which programs and runtimes learn of a proxy, and of whom to trust.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use sockeye::net::CertAuthority;

use super::jks;
use super::trust::Trust;

/// One variable of the program's environment.
pub(super) type Variable = (&'static str, OsString);

/// What the variables are made from.
pub(super) struct Surroundings<'a> {
    /// Where the proxy is reached.
    pub(super) proxy: SocketAddr,
    pub(super) authority: &'a CertAuthority,
    /// A private folder for the files that variables name.
    pub(super) folder: &'a Path,
    /// The user's own variables.
    pub(super) given: &'a dyn Fn(&str) -> Option<OsString>,
}

/// Each is read by some program: for http, for https, for WebSockets, for whatever has none of its own. A program
/// that is run as a CGI script does not heed `HTTP_PROXY` in capitals, which its client could set there.
const PROXIES: [&str; 10] = [
    "http_proxy",
    "HTTP_PROXY",
    "https_proxy",
    "HTTPS_PROXY",
    "ws_proxy",
    "WS_PROXY",
    "wss_proxy",
    "WSS_PROXY",
    "all_proxy",
    "ALL_PROXY",
];

/// What goes past the proxy. Not nobody: to some clients no list at all means that loopback does.
const PAST: [(&str, &str); 2] = [("no_proxy", NOBODY), ("NO_PROXY", NOBODY)];
/// A host that there never is (RFC 2606 2).
const NOBODY: &str = "nobody.invalid";

/// Files of all the roots that a program is to trust.
const BUNDLES: [&str; 12] = [
    "SSL_CERT_FILE",
    "CURL_CA_BUNDLE",
    "REQUESTS_CA_BUNDLE",
    "WEBSOCKET_CLIENT_CA_BUNDLE",
    "AWS_CA_BUNDLE",
    "PIP_CERT",
    "GIT_SSL_CAINFO",
    "CARGO_HTTP_CAINFO",
    "NIX_SSL_CERT_FILE",
    "HTTPLIB2_CA_CERTS",
    "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE",
    "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH",
];

/// Files of roots to trust beside those that are built in, each with a name for ours.
const ADDITIONS: [(&str, &str); 2] = [("NODE_EXTRA_CA_CERTS", "node.pem"), ("DENO_CERT", "deno.pem")];

impl Surroundings<'_> {
    /// The variables to set; files that they name are written.
    pub(super) fn variables(&self) -> io::Result<Vec<Variable>> {
        let proxy = format!("http://{}", self.proxy);
        let mut variables: Vec<Variable> = PROXIES.map(|name| (name, OsString::from(&proxy))).to_vec();
        variables.extend(PAST.map(|(name, value)| (name, value.into())));
        let mut trust = Trust::new(self.authority, self.folder);
        for name in BUNDLES {
            variables.push((name, trust.bundle(self.file(name).as_deref())?.into()));
        }
        for (name, own) in ADDITIONS {
            variables.push((name, trust.added_to(self.file(name).as_deref(), own)?.into()));
        }
        variables.push(("NODE_OPTIONS", self.node_options()?));
        variables.push(("JAVA_TOOL_OPTIONS", self.java_options(&trust)?));
        Ok(variables)
    }

    /// The file that a variable of the user's names.
    fn file(&self, name: &str) -> Option<PathBuf> {
        (self.given)(name).filter(|value| !value.is_empty()).map(PathBuf::from)
    }

    /// Node's own clients, `ws` and undici heed no variables: a script that is run before the program's own has each
    /// connection come through the proxy. `NODE_USE_ENV_PROXY`, which the latest Node knows, stays unset: a server
    /// that cannot be reached would be a 502 then, where the program is used to an error.
    fn node_options(&self) -> io::Result<OsString> {
        let script = self.folder.join("preload.cjs");
        fs::write(&script, include_str!("preload.cjs"))?;
        let (host, port) = (self.proxy.ip(), self.proxy.port());
        fs::write(self.folder.join("proxy.json"), format!("{{\"host\":\"{host}\",\"port\":{port}}}"))?;
        // Node reads a path in quotes, with backslashes before what would end them.
        let script = script.to_string_lossy().replace('\\', "\\\\").replace('"', "\\\"");
        Ok(after((self.given)("NODE_OPTIONS"), &format!("--require \"{script}\"")))
    }

    fn java_options(&self, trust: &Trust<'_>) -> io::Result<OsString> {
        let given = (self.given)("JAVA_TOOL_OPTIONS");
        let (host, port) = (self.proxy.ip(), self.proxy.port());
        let mut options = format!(
            "-Dhttp.proxyHost={host} -Dhttp.proxyPort={port} -Dhttps.proxyHost={host} -Dhttps.proxyPort={port} \
             -Dhttp.nonProxyHosts="
        );
        // Who has named a truststore has a reason to.
        let named = |given: &OsStr| given.to_string_lossy().contains("-Djavax.net.ssl.trustStore=");
        if !given.as_deref().is_some_and(named) {
            let store = trust.keystore()?;
            options += &format!(
                " -Djavax.net.ssl.trustStore={} -Djavax.net.ssl.trustStoreType=JKS -Djavax.net.ssl.trustStorePassword={}",
                store.display(),
                jks::PASSWORD
            );
        }
        Ok(after(given, &options))
    }
}

/// What the user has given, then ours.
fn after(given: Option<OsString>, ours: &str) -> OsString {
    let mut value = given.unwrap_or_default();
    if !value.is_empty() {
        value.push(" ");
    }
    value.push(ours);
    value
}
