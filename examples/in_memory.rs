//! A mock server without a port, for a client that takes any stream of bytes.

use sockeye::replay::{MockServer, ReplayClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mock = MockServer::from_file("docs/demo.jsonl").select("path:/chat").start_in_memory().await?;
    // In place of a client of your own, such as tokio_tungstenite::client_async(url, mock.connect()):
    let client = ReplayClient::from_file("docs/demo.jsonl").select("path:/chat");
    client.run_over(|| mock.connect()).await?.assert_ok();
    mock.finish().await.assert_ok();
    Ok(())
}
