//! Options about TLS and the certificate authority.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};

#[derive(Debug, Subcommand)]
pub enum CaCommand {
    /// Print where its certificate is
    Path(CaOptions),
    /// Print its certificate in PEM, for whoever is to trust it
    Print(CaOptions),
    /// Make it anew; what trusted the old one has to be told of the new
    New(CaOptions),
    /// Tell how each system, browser and runtime learns to trust it
    InstallHelp(CaOptions),
}

#[derive(Debug, Args)]
pub struct CaOptions {
    /// Where the CA lives [default: the user's data folder]. TLS is opened where there is one: `sockeye ca path`
    /// makes it
    #[arg(long, value_name = "DIR")]
    pub ca_dir: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum LeafKeyKind {
    /// ECDSA on P-256
    P256,
    /// RSA with 2048 bits, for clients that know nothing else
    Rsa,
}

#[derive(Debug, Args)]
pub struct ServerTlsOptions {
    /// More roots to trust on the server's side, in PEM (repeatable)
    #[arg(long, value_name = "FILE")]
    pub server_ca: Vec<PathBuf>,
    /// Talk to servers whose certificate does not hold, and say so on each session
    #[arg(long)]
    pub insecure: bool,
    /// A certificate for servers that ask for one (mutual TLS), in PEM, with those that lead to its root
    #[arg(long, value_name = "FILE")]
    pub client_cert: Option<PathBuf>,
    /// Its private key, in PEM [default: the one in the same file]
    #[arg(long, value_name = "FILE", requires = "client_cert")]
    pub client_key: Option<PathBuf>,
}

#[derive(Debug, Args)]
pub struct TlsOptions {
    #[command(flatten)]
    pub ca: CaOptions,
    /// The kind of key in the certificates that clients are shown
    #[arg(long, value_name = "KIND", default_value = "p256")]
    pub leaf_key: LeafKeyKind,
    #[command(flatten)]
    pub server: ServerTlsOptions,
    /// Leave this host's TLS closed; * stands for anything (repeatable)
    #[arg(long, value_name = "HOST")]
    pub tls_passthrough: Vec<String>,
    /// Leave a host's TLS closed once a client has refused the certificate it was shown: its next try works, unread
    #[arg(long)]
    pub tls_passthrough_on_refusal: bool,
    /// Append the secrets of TLS on both sides to this file, for Wireshark [default: SSLKEYLOGFILE, if set]
    #[arg(long, value_name = "FILE")]
    pub keylog: Option<PathBuf>,
}
