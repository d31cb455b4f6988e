//! A client that costs little beside the daemon that it drives: one connection, one request at a time, HTTP/1.1 without extras.

use anyhow::{Context, bail};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A connection that is opened when it is needed.
#[derive(Debug)]
pub struct Wire {
    address: String,
    stream: Option<TcpStream>,
    buffer: Vec<u8>,
}

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body.
    pub body: Vec<u8>,
}

impl Wire {
    /// For `http://HOST:PORT`, on this machine only.
    ///
    /// # Errors
    /// If it is elsewhere.
    pub fn new(url: &str) -> anyhow::Result<Self> {
        let address = url.trim_start_matches("http://").trim_end_matches('/');
        let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
        if !["127.0.0.1", "localhost", "[::1]"].contains(&host) {
            bail!("this program only puts load on this machine: use 127.0.0.1");
        }
        Ok(Self {
            address: address.to_owned(),
            stream: None,
            buffer: Vec::with_capacity(8192),
        })
    }

    /// Sends a request and waits for its answer.
    ///
    /// # Errors
    /// If the connection breaks; the next request opens another one.
    pub async fn send(
        &mut self,
        method: &str,
        path: &str,
        token: Option<&str>,
        body: &str,
    ) -> anyhow::Result<Answer> {
        let bearer = token.map_or(String::new(), |t| format!("authorization: Bearer {t}\r\n"));
        let request = format!(
            "{method} {path} HTTP/1.1\r\nhost: {}\r\n{bearer}content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        );
        let mut stream = match self.stream.take() {
            Some(stream) => stream,
            None => {
                let stream = TcpStream::connect(&self.address).await?;
                stream.set_nodelay(true)?;
                stream
            }
        };
        stream.write_all(request.as_bytes()).await?;
        let answer = self.read(&mut stream).await?;
        self.stream = Some(stream);
        Ok(answer)
    }

    async fn read(&mut self, stream: &mut TcpStream) -> anyhow::Result<Answer> {
        self.buffer.clear();
        let mut head = None;
        loop {
            if stream.read_buf(&mut self.buffer).await? == 0 {
                bail!("the connection was closed");
            }
            if head.is_none() {
                let end = self.buffer.windows(4).position(|w| w == b"\r\n\r\n");
                head = end.map(|at| {
                    parse(self.buffer.get(..at).unwrap_or_default()).map(|h| (at + 4, h))
                });
            }
            if let Some(found) = &head {
                let (start, (status, length)) = match found {
                    Ok(found) => *found,
                    Err(error) => bail!("{error}"),
                };
                if let Some(body) = self.buffer.get(start..start + length) {
                    return Ok(Answer {
                        status,
                        body: body.to_vec(),
                    });
                }
            }
        }
    }
}

/// The status and the length of the body.
fn parse(head: &[u8]) -> anyhow::Result<(u16, usize)> {
    let text = std::str::from_utf8(head)?;
    let status = text
        .split(' ')
        .nth(1)
        .and_then(|s| s.parse().ok())
        .context("no status")?;
    let length = text
        .lines()
        .filter_map(|l| l.split_once(':'))
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length
        .and_then(|(_, value)| value.trim().parse().ok())
        .context("no length of the body")?;
    Ok((status, length))
}

/// A conversation: its id and its token.
#[derive(Debug, Clone)]
pub struct Customer {
    path: String,
    token: String,
}

impl Customer {
    /// Opens one.
    ///
    /// # Errors
    /// If the daemon refuses.
    pub async fn open(wire: &mut Wire) -> anyhow::Result<Self> {
        let body = json!({ "channel": "web" }).to_string();
        let answer = wire.send("POST", "/v1/conversations", None, &body).await?;
        if answer.status != 201 {
            bail!(
                "flowd refused to open a conversation: {} {}",
                answer.status,
                String::from_utf8_lossy(&answer.body)
            );
        }
        let opened: Value = serde_json::from_slice(&answer.body)?;
        let text = |key: &str| {
            opened
                .get(key)
                .and_then(Value::as_str)
                .context("flowd answered without an id and a token")
        };
        Ok(Self {
            path: format!("/v1/conversations/{}/messages", text("id")?),
            token: text("token")?.to_owned(),
        })
    }

    /// Writes; whether it was acknowledged.
    ///
    /// # Errors
    /// If the connection breaks.
    pub async fn say(&self, wire: &mut Wire, id: &str, text: &str) -> anyhow::Result<bool> {
        let body = json!({ "id": id, "text": text }).to_string();
        let answer = wire
            .send("POST", &self.path, Some(&self.token), &body)
            .await?;
        Ok(answer.status == 200)
    }
}
