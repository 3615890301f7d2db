//! A mock server plays the server's part of a recording to a client that takes a URL.

use sockeye::replay::{MockServer, ReplayClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mock = MockServer::from_file("docs/demo.jsonl").select("path:/chat").ignore("$.ts").start().await?;
    // In place of a client of your own:
    let client = ReplayClient::from_file("docs/demo.jsonl").select("path:/chat").run(mock.url()).await?;
    client.assert_ok();
    mock.finish().await.assert_ok();
    Ok(())
}
