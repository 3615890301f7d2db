//! A replay client plays the client's part of a recording to a server, and compares its answers.

use sockeye::replay::{MockServer, ReplayClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    // In place of a server of your own:
    let server = MockServer::from_file("docs/demo.jsonl").select("path:/chat").start().await?;
    let client = ReplayClient::from_file("docs/demo.jsonl").select("path:/chat").bind("id", "$.id");
    client.run(server.url()).await?.assert_ok();
    server.finish().await.assert_ok();
    Ok(())
}
