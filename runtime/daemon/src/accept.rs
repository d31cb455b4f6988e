//! The accept loop: a cap on connections, a time for headers, a time for bodies, a time for readers who do not read.

use crate::app::App;
use axum::Router;
use axum::body::{Body, Bytes, HttpBody};
use axum::extract::ConnectInfo;
use futures::StreamExt;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{Semaphore, oneshot};
use tokio::time::{Instant, Sleep};
use tower::Layer;

/// From the opening of a connection, or the last answer, to the end of the next headers.
const HEADER_TIME: Duration = Duration::from_secs(10);
/// Between the last connection taken and the closing of those that are idle.
const FAREWELL: Duration = Duration::from_millis(200);
/// Connections that the system completes before we accept them; it may allow fewer (`net.core.somaxconn`). When this line is full, the
/// last packet of a handshake is dropped: the client believes in a connection of which we never hear, and no timeout of ours closes it.
const BACKLOG: u32 = 4096;
/// Bytes of a refused body that are read and thrown away.
const DRAINED: usize = 32 << 20;
/// A reader who takes nothing for so long is let go.
const WRITE_TIME: Duration = Duration::from_secs(30);

/// The socket to listen on: one that systemd holds open across restarts (`LISTEN_FDS`), so that nobody who comes between two runs is refused,
/// or a new one at this address.
///
/// # Errors
/// If the address is taken or not ours.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    if let Some(held) = listenfd::ListenFd::from_env().take_tcp_listener(0)? {
        held.set_nonblocking(true)?;
        return TcpListener::from_std(held);
    }
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4(),
        SocketAddr::V6(_) => TcpSocket::new_v6(),
    }?;
    // A restart must not wait for the connections of the run before to be forgotten.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until the daemon stops, then lets what is under way come to its end.
pub(crate) async fn serve(app: Arc<App>, listener: TcpListener, router: Router) {
    let places = Arc::new(Semaphore::new(app.config.connections.max(1)));
    let graceful = GracefulShutdown::new();
    let mut stopping = app.stopping.subscribe();
    let mut builder = http1::Builder::new();
    builder
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_TIME)
        .max_headers(100)
        .half_close(false);
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = crate::app::stopped(&mut stopping) => break,
        };
        let Ok(place) = place else { break };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = crate::app::stopped(&mut stopping) => break,
        };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                // Too many open files, most likely: give those who are there time to go.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let service = axum::Extension(ConnectInfo(peer)).layer(router.clone());
        let connection = builder.serve_connection(
            TokioIo::new(Guarded::new(stream)),
            TowerToHyperService::new(service),
        );
        let connection = graceful.watch(connection);
        tokio::spawn(async move {
            let _place = place;
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection broke off");
            }
        });
    }
    drop(listener);
    // Who has just come gets the time to say why; a connection that is closed before its first request looks like a failure.
    tokio::time::sleep(FAREWELL).await;
    if tokio::time::timeout(app.config.drain(), graceful.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("some connections did not end in time");
    }
}

/// A connection that fails when its reader does not read.
struct Guarded {
    stream: TcpStream,
    stuck: Option<Pin<Box<Sleep>>>,
}

impl Guarded {
    fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            stuck: None,
        }
    }

    fn watch<T>(
        &mut self,
        cx: &mut Context<'_>,
        polled: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if polled.is_ready() {
            self.stuck = None;
            return polled;
        }
        let timer = self
            .stuck
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(WRITE_TIME)));
        match timer.as_mut().poll(cx) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => Poll::Pending,
        }
    }
}

impl AsyncRead for Guarded {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl AsyncWrite for Guarded {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch(cx, polled)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let polled = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch(cx, polled)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let polled = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch(cx, polled)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }
}

/// A body that must have arrived whole by its time.
pub(crate) struct TimedBody {
    body: Body,
    time: Duration,
    until: Option<Pin<Box<Sleep>>>,
    /// Gets what was not read.
    rest: Option<oneshot::Sender<Body>>,
}

impl TimedBody {
    /// A body, and what is left of it once nobody reads it any more.
    pub(crate) fn new(body: Body, time: Duration) -> (Self, oneshot::Receiver<Body>) {
        let (rest, left) = oneshot::channel();
        (
            Self {
                body,
                time,
                until: None,
                rest: Some(rest),
            },
            left,
        )
    }
}

impl Drop for TimedBody {
    fn drop(&mut self) {
        if let Some(rest) = self.rest.take() {
            // Nobody needs to want it.
            let _ = rest.send(std::mem::take(&mut self.body));
        }
    }
}

/// Reads what is left of a body that was refused, within reason: a sender who is still writing would never see the answer.
pub(crate) async fn drain(mut left: oneshot::Receiver<Body>) {
    let Ok(body) = left.try_recv() else { return };
    let mut chunks = body.into_data_stream();
    let read = async {
        let mut bytes = 0;
        while let Some(Ok(chunk)) = chunks.next().await {
            bytes += chunk.len();
            if bytes > DRAINED {
                return;
            }
        }
    };
    let _ = tokio::time::timeout(Duration::from_secs(5), read).await;
}

impl HttpBody for TimedBody {
    type Data = Bytes;
    type Error = axum::BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<hyper::body::Frame<Bytes>, axum::BoxError>>> {
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Ready(frame) => Poll::Ready(frame.map(|f| f.map_err(Into::into))),
            Poll::Pending => {
                let at = Instant::now() + self.time;
                let until = self
                    .until
                    .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(at)));
                match until.as_mut().poll(cx) {
                    Poll::Ready(()) => Poll::Ready(Some(Err("the body took too long".into()))),
                    Poll::Pending => Poll::Pending,
                }
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> hyper::body::SizeHint {
        self.body.size_hint()
    }
}
