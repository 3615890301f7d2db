//! The market's own programs: prices as MessagePack, and an account whose token runs out.

use std::io;

use super::super::dialogue::Line;
use super::super::pack::Value::{List, Map, Real, Text, Whole};
use super::super::stage::{Stage, scatter};
use crate::ws::Direction::{ToClient, ToServer};

const PRICES: &str = "\
GET /prices HTTP/1.1
Sec-WebSocket-Version: 13
Sec-WebSocket-Key: {ticket}
Connection: Upgrade
Upgrade: websocket
Sec-WebSocket-Protocol: prices.msgpack,prices.json
Host: {host}
";

const PRICES_AGREED: &str = "\
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: {accept}
Sec-WebSocket-Protocol: prices.msgpack
";

const FISH: [(&str, f64); 4] = [("sockeye", 18.4), ("cod", 6.2), ("herring", 2.15), ("halibut", 24.9)];

/// A price board in Node: asks once, then listens.
pub(super) async fn prices(stage: &mut Stage<'_>) -> io::Result<()> {
    let line = Line::ask(stage, PRICES).await?;
    let mut feed = line.switch(PRICES_AGREED).await?;
    stage.pause(15).await;
    let names = List(FISH.iter().map(|(name, _)| Text(name)).collect());
    let subscribe = Map(vec![("op", Text("subscribe")), ("id", Whole(1)), ("fish", names)]);
    feed.binary(ToServer, subscribe.to_msgpack()).await?;
    stage.pause(8).await;
    feed.binary(ToClient, Map(vec![("op", Text("ok")), ("id", Whole(1))]).to_msgpack()).await?;
    stage.pause(60).await;
    feed.binary(ToClient, order_book().to_msgpack()).await?;
    for number in 0..stage.times(8, 600) {
        stage.pause(300 + u64::from(number % 3) * 170).await;
        feed.binary(ToClient, tick(number).to_msgpack()).await?;
    }
    stage.pause(200).await;
    feed.close(ToClient, 1001, "the market is closed").await
}

fn tick(number: u32) -> super::super::pack::Value<'static> {
    let (name, price) = FISH[number as usize % FISH.len()];
    let step = scatter(number.into()) % 41;
    let price = ((price * 100.0) + step as f64 - 20.0).round() / 100.0;
    Map(vec![
        ("op", Text("tick")),
        ("seq", Whole(u64::from(number) + 5_021)),
        ("fish", Text(name)),
        ("price", Real(price)),
        ("kg", Whole(20 + scatter(u64::from(number) + 99) % 400)),
    ])
}

fn order_book() -> super::super::pack::Value<'static> {
    let orders = (0..24).map(|number| {
        let (name, price) = FISH[number as usize % FISH.len()];
        Map(vec![
            ("order", Whole(88_100 + number)),
            ("fish", Text(name)),
            ("limit", Real((price * 100.0 - number as f64).round() / 100.0)),
            ("kg", Whole(10 * (number + 1))),
        ])
    });
    Map(vec![("op", Text("book")), ("orders", List(orders.collect()))])
}

const ACCOUNT: &str = "\
GET /account?token={token} HTTP/1.1
Host: {host}
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Key: {ticket}
Sec-WebSocket-Version: 13
User-Agent: harbour-app/7.1 (iPhone)
";

const ACCOUNT_AGREED: &str = "\
HTTP/1.1 101 Switching Protocols
Upgrade: websocket
Connection: Upgrade
Sec-WebSocket-Accept: {accept}
";

/// A phone's app: its token runs out, it fetches a new one and comes back.
pub(super) async fn account(stage: &mut Stage<'_>) -> io::Result<()> {
    let line = Line::ask(stage, &ACCOUNT.replace("{token}", "t-0417")).await?;
    let mut account = line.switch(ACCOUNT_AGREED).await?;
    stage.pause(40).await;
    account.text(ToServer, r#"{"jsonrpc":"2.0","id":1,"method":"account.balance"}"#).await?;
    stage.pause(21).await;
    let balance = r#"{"jsonrpc":"2.0","id":1,"result":{"currency":"NOK","balance":184200.5,"held":6086.0}}"#;
    account.text(ToClient, balance).await?;
    stage.pause(600).await;
    let expiring = r#"{"jsonrpc":"2.0","method":"token.expiring","params":{"seconds":1}}"#;
    account.text(ToClient, expiring).await?;
    stage.pause(900).await;
    let bid =
        r#"{"jsonrpc":"2.0","id":2,"method":"bid.place","params":{"fish":"sockeye","kg":340,"price":17.9}}"#;
    account.text(ToServer, bid).await?;
    stage.pause(17).await;
    let expired = r#"{"jsonrpc":"2.0","id":2,"error":{"code":-32001,"message":"token expired"}}"#;
    account.text(ToClient, expired).await?;
    account.close(ToClient, 4401, "token expired").await?;
    stage.pause(80).await;
    renew(stage).await?;
    let line = Line::ask(stage, &ACCOUNT.replace("{token}", "t-0418")).await?;
    let mut account = line.switch(ACCOUNT_AGREED).await?;
    stage.pause(35).await;
    account.text(ToServer, bid.replace(r#""id":2"#, r#""id":1"#)).await?;
    stage.pause(26).await;
    let placed = r#"{"jsonrpc":"2.0","id":1,"result":{"order":88161,"state":"filled","total":6086.0}}"#;
    account.text(ToClient, placed).await?;
    stage.pause(500).await;
    account.close(ToServer, 1000, "done").await
}

async fn renew(stage: &mut Stage<'_>) -> io::Result<()> {
    let request = "\
POST /token HTTP/1.1
Host: {host}
User-Agent: harbour-app/7.1 (iPhone)
Content-Type: application/json
X-Request-Id: {ticket}
Content-Length: {length}

{\"renew\":\"t-0417\"}";
    let mut line = Line::ask(stage, request).await?;
    stage.pause(33).await;
    let head = "HTTP/1.1 200 OK\nContent-Type: application/json\nContent-Length: {length}\n";
    line.answer_with(head, r#"{"token":"t-0418","seconds":900}"#).await?;
    line.hang_up().await
}
