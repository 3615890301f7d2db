//! Listeners that speak TLS themselves: a forward proxy inside TLS, and what is said to those who speak none.

use http::StatusCode;
use tokio::time::timeout;

use crate::net::drive::Drive;
use crate::net::mode::{Speech, first_words};
use crate::net::serve::{Serving, written};
use crate::net::tls::Refusal;
use crate::net::transport::Transport;

impl Serving {
    /// Serves a client that speaks TLS to the forward proxy itself. In there it asks as any other does, and may speak
    /// TLS again to the server.
    pub(in crate::net) async fn enter(mut self, mut client: Transport) -> Option<Drive> {
        let shared = std::sync::Arc::clone(&self.shared);
        let hello = match self.hello(&mut client).await {
            Ok(hello) => hello,
            Err(error) => {
                self.note(format!("{} began TLS, but not as it is spoken: {error}", self.from));
                return None;
            }
        };
        let host = hello.server_name().or_else(|| client.local_host())?;
        let answered = self.answer(shared.opener.as_ref()?, &host, client, hello, None).await;
        self.tell_key_log();
        let mut client = match answered {
            Ok(client) => client,
            Err(Refusal::Certificate(why) | Refusal::Other(why)) => {
                self.note(format!("{} did not begin TLS with this proxy: {why}", self.from));
                return None;
            }
        };
        let mut words = Vec::new();
        let speech = timeout(shared.handshake_limit, first_words(&mut client, &mut words)).await;
        client.rewind(words.into());
        match speech.ok()?.ok()?? {
            Speech::Http => self.run(client).await,
            Speech::Socks5 => self.socks5(client).await,
            _ => {
                let from = &self.from;
                self.note(format!(
                    "{from} speaks neither HTTP nor SOCKS5 inside TLS to this forward proxy; it was closed"
                ));
                None
            }
        }
    }

    /// Refuses a client that speaks no TLS where that is the rule.
    pub(in crate::net) async fn refuse_clear(self, mut client: Transport, speech: Speech) {
        if speech == Speech::Http {
            client.tell(&written(StatusCode::BAD_REQUEST, TLS_ALONE)).await;
            client.linger().await;
        }
        self.note(format!("{} was refused: {TLS_ALONE}", self.from));
    }
}

const TLS_ALONE: &str = "this listener speaks TLS alone (--listen-tls): use https:// or wss:// to reach it";
