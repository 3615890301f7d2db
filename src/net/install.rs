//! How each system, browser and runtime learns to trust the CA: one table, for the terminal and for the proxy's page.

/// Who is to trust the CA, and what to do for it.
#[derive(Debug)]
pub struct Install {
    /// A system, a browser or a runtime.
    pub who: &'static str,
    how: &'static str,
}

impl Install {
    /// The command, the variable or the way through the settings, with the certificate in the file `certificate`.
    pub fn how(&self, certificate: &str) -> String {
        self.how.replace("{ca}", certificate)
    }

    const fn new(who: &'static str, how: &'static str) -> Install {
        Install { who, how }
    }
}

/// What everybody should know who trusts a CA.
pub const CAUTION: &str =
    "Trust it only on machines that are yours: whoever has its key can pose as any server to them.";

/// Whole systems, and browsers with roots of their own.
pub const SYSTEMS: &[Install] = &[
    Install::new(
        "Debian, Ubuntu",
        "sudo cp {ca} /usr/local/share/ca-certificates/sockeye.crt && sudo update-ca-certificates",
    ),
    Install::new(
        "Fedora",
        "sudo cp {ca} /etc/pki/ca-trust/source/anchors/sockeye.pem && sudo update-ca-trust",
    ),
    Install::new(
        "macOS",
        "sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain {ca}",
    ),
    Install::new("Windows", "certutil -addstore -user Root {ca}"),
    Install::new("Firefox", "Settings, Privacy & Security, View Certificates, Authorities, Import"),
    Install::new("Chromium (Linux)", "certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n sockeye -i {ca}"),
    Install::new("Java", "keytool -importcert -cacerts -alias sockeye -file {ca}"),
    Install::new(
        "iPhone, iPad",
        "open it, install the profile in Settings, then General, About, Certificate Trust Settings",
    ),
    Install::new("Android", "Settings, Security, Install a certificate, CA certificate; apps have to opt in"),
];

/// Programs that are told by their environment.
pub const PROGRAMS: &[Install] = &[
    Install::new("curl", "CURL_CA_BUNDLE={ca}"),
    Install::new("Node", "NODE_EXTRA_CA_CERTS={ca}"),
    Install::new("Python", "SSL_CERT_FILE={ca} REQUESTS_CA_BUNDLE={ca}"),
    Install::new("Go, Ruby", "SSL_CERT_FILE={ca}"),
    Install::new("Deno", "DENO_CERT={ca}"),
];
