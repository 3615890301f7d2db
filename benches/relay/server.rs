//! The load server behind every proxy: one process, one thread, and per session what the path asks for.

use std::io;
use std::path::Path;

use anyhow::{Context as _, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::flood::Flood;
use crate::proxies;
use crate::scenario::Way;
use crate::secure::{self, Security, Stream};
use crate::wire::{self, COMMAND, Counted, Seen, Service, TEXT};

/// Serves until the parent is gone; the first line on stdout is the address.
pub fn run(security: Security, folder: &Path) -> Result<()> {
    proxies::end_with_parent();
    let acceptor = security.is_tls().then(|| secure::acceptor(folder, security)).transpose()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    let local = tokio::task::LocalSet::new();
    local.block_on(&runtime, async {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        println!("{}", listener.local_addr()?);
        loop {
            let (stream, _) = listener.accept().await?;
            let acceptor = acceptor.clone();
            tokio::task::spawn_local(async move {
                let stream = Stream::accept(stream, acceptor.as_ref()).await?;
                // A proxy that is stopped resets its sessions: no news.
                serve(stream).await
            });
        }
    })
}

async fn serve(mut stream: Stream) -> Result<()> {
    let mut head = Vec::new();
    let end = loop {
        if stream.read_buf(&mut head).await? == 0 {
            return Ok(());
        }
        if let Some(end) = wire::end_of_head(&head)? {
            break end;
        }
    };
    let (service, answer) = wire::answer(&head[..end])?;
    stream.send(&answer).await?;
    let mut early = Seen::default();
    let session = Session { counted: Counted::new(stream, &head[end..], &mut early), early: Some(early) };
    drop(head);
    match service {
        Service::Echo(size) => session.echo(size, Writes::Together).await?,
        Service::Reply(size) => session.echo(size, Writes::Single).await?,
        Service::Sink(_) => session.echo(0, Writes::None).await?,
        Service::Flood(size, limit, compression) => {
            session.flood(&Flood::new(Way::ToClient, size, compression)?, limit).await?;
        }
    }
    Ok(())
}

struct Session {
    counted: Counted,
    early: Option<Seen>,
}

enum Writes {
    Together,
    Single,
    None,
}

impl Session {
    async fn next(&mut self) -> io::Result<Option<Seen>> {
        match self.early.take() {
            Some(seen) => Ok(Some(seen)),
            None => self.counted.read().await,
        }
    }

    async fn echo(mut self, size: usize, writes: Writes) -> Result<()> {
        let frame = wire::server_frames(TEXT, size, 1);
        let mut due = Vec::new();
        while let Some(seen) = self.next().await? {
            match writes {
                Writes::None => {}
                Writes::Single => {
                    for _ in 0..seen.messages {
                        self.counted.stream.send(&frame).await?;
                    }
                }
                Writes::Together if seen.messages == 1 => self.counted.stream.send(&frame).await?,
                Writes::Together => {
                    while due.len() < seen.messages * frame.len() {
                        due.extend_from_slice(&frame);
                    }
                    self.counted.stream.send(&due[..seen.messages * frame.len()]).await?;
                }
            }
            if seen.commands > 0 {
                self.done().await?;
            }
            if seen.closed {
                return self.close().await;
            }
        }
        Ok(())
    }

    async fn flood(mut self, flood: &Flood, limit: u64) -> Result<()> {
        self.wait_for_command().await?;
        let mut sent = 0;
        let mut commanded = [0; 64];
        while sent < limit {
            self.counted.stream.send(if sent == 0 { &flood.first } else { &flood.again }).await?;
            sent += flood.count as u64;
            if self.counted.stream.has_read(&mut commanded).await {
                break;
            }
        }
        self.done().await?;
        while self.counted.read().await?.is_some_and(|seen| !seen.closed) {}
        self.close().await
    }

    async fn wait_for_command(&mut self) -> Result<()> {
        loop {
            if self.next().await?.context("no command came")?.commands > 0 {
                return Ok(());
            }
        }
    }

    async fn done(&mut self) -> Result<()> {
        Ok(self.counted.stream.send(&wire::server_frames(COMMAND, 4, 1)).await?)
    }

    async fn close(mut self) -> Result<()> {
        self.counted.stream.send(&[0x80 | wire::CLOSE, 2, 0x03, 0xe8]).await?;
        Ok(self.counted.stream.shutdown().await?)
    }
}
