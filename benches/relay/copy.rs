//! The plain TCP copy: what any proxy in user space pays at the least.

use anyhow::Result;
use tokio::net::{TcpListener, TcpStream};

use crate::proxies;

/// As much as haproxy and Linux's own pipes take at a time.
const BUFFER: usize = 16 * 1024;

/// Copies between all that comes to `listen` and `server`, until the parent is gone.
pub fn run(listen: &str, server: &str) -> Result<()> {
    proxies::end_with_parent();
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = TcpListener::bind(listen).await?;
        loop {
            let (client, _) = listener.accept().await?;
            let server = server.to_owned();
            tokio::spawn(async move {
                // A connection that breaks is over for both sides, which is all a copy can say.
                let _ = copy(client, &server).await;
            });
        }
    })
}

async fn copy(mut client: TcpStream, server: &str) -> std::io::Result<()> {
    let mut server = TcpStream::connect(server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    tokio::io::copy_bidirectional_with_sizes(&mut client, &mut server, BUFFER, BUFFER).await?;
    Ok(())
}
