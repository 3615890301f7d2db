//! Options about who may use the proxy, and how much of it.

use clap::Args;

use sockeye::net::{Credentials, CredentialsError};

#[derive(Debug, Default, Args)]
pub struct SafetyOptions {
    /// Reverse mode: a name that the listener goes by (repeatable). Host is rewritten where it is an address, a name
    /// without a dot, or one under .localhost, .test or .internal; any other stays as it came, since a stranger's
    /// page may have made it
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
    /// What clients have to know to use the listener. Other users of this machine see a command line: the variable
    /// SOCKEYE_AUTH does the same
    #[arg(long, value_name = "USER:PASSWORD", value_parser = credentials)]
    pub auth: Option<Credentials>,
    /// Clients' connections at the same time; over it, the newest is answered 503 or closed [default: as many as the
    /// limit of open files has room for]
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..))]
    pub max_connections: Option<u32>,
}

/// A user and a password. The sentence does not repeat them.
fn credentials(word: &str) -> Result<Credentials, String> {
    word.parse().map_err(|error: CredentialsError| error.to_string())
}
