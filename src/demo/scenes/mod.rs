//! What the clients and the server say to each other, one function a client: to add one, write it and list it here.

mod chat;
mod devices;
mod feeds;
mod refusals;
mod web;

use std::io;
use std::pin::Pin;

use super::stage::Stage;

/// One client's part, with the server's answers.
pub(super) struct Scene {
    pub(super) name: &'static str,
    /// When it begins, in milliseconds after the start.
    pub(super) begins: u64,
    /// How long the client stays away before it comes back, in milliseconds.
    pub(super) again: u64,
    pub(super) play: for<'a> fn(&'a mut Stage<'_>) -> Played<'a>,
}

type Played<'a> = Pin<Box<dyn Future<Output = io::Result<()>> + 'a>>;

/// All of them.
pub(super) const SCENES: [Scene; 11] = [
    Scene { name: "page", begins: 0, again: 40_000, play: |stage| Box::pin(web::page(stage)) },
    Scene { name: "chat", begins: 450, again: 2_000, play: |stage| Box::pin(chat::chat(stage)) },
    Scene { name: "prices", begins: 700, again: 5_000, play: |stage| Box::pin(feeds::prices(stage)) },
    Scene { name: "buoy", begins: 1_100, again: 4_000, play: |stage| Box::pin(devices::buoy(stage)) },
    Scene { name: "admin", begins: 1_700, again: 55_000, play: |stage| Box::pin(refusals::admin(stage)) },
    Scene { name: "account", begins: 2_050, again: 25_000, play: |stage| Box::pin(feeds::account(stage)) },
    Scene { name: "tide", begins: 2_300, again: 6_000, play: |stage| Box::pin(web::tide(stage)) },
    Scene { name: "labels", begins: 3_100, again: 50_000, play: |stage| Box::pin(devices::labels(stage)) },
    Scene { name: "scales", begins: 3_900, again: 65_000, play: |stage| Box::pin(devices::scales(stage)) },
    Scene { name: "stock", begins: 4_600, again: 70_000, play: |stage| Box::pin(refusals::stock(stage)) },
    Scene {
        name: "nginx",
        begins: 5_200,
        again: 60_000,
        play: |stage| Box::pin(refusals::behind_nginx(stage)),
    },
];
