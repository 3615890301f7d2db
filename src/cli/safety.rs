//! Options about who may use the proxy, and how much of it.

use clap::Args;

#[derive(Debug, Default, Args)]
pub struct SafetyOptions {
    /// Reverse mode: a name that the listener goes by (repeatable). Host is rewritten where it is an address, a name
    /// without a dot, or one under .localhost, .test or .internal; any other stays as it came, since a stranger's
    /// page may have made it
    #[arg(long, value_name = "NAME")]
    pub allow_host: Vec<String>,
}
