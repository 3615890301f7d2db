//! A recorder stands between a test's client and a real server, and records what they say.

use sockeye::replay::{MockServer, Recorder, ReplayClient};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let file = std::env::temp_dir().join("recorded-by-a-test.jsonl");
    // In place of a server and a client of your own:
    let server = MockServer::from_file("docs/demo.jsonl").select("path:/chat").start().await?;
    let recorder = Recorder::new(&file).to(server.url()).start().await?;
    ReplayClient::from_file("docs/demo.jsonl").select("path:/chat").run(recorder.url()).await?.assert_ok();
    println!("recorded {:?} in {}", recorder.finish().await?.targets, file.display());
    server.finish().await.assert_ok();
    Ok(())
}
