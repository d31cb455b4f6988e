//! Connections for reading, each used by one thread at a time.

use crate::StoreError;
use rusqlite::Connection;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::Semaphore;

#[derive(Debug)]
pub(super) struct Pool {
    idle: Arc<Mutex<Vec<Connection>>>,
    permits: Arc<Semaphore>,
}

impl Pool {
    pub(super) fn new(connections: Vec<Connection>) -> Self {
        let permits = Arc::new(Semaphore::new(connections.len()));
        Self {
            idle: Arc::new(Mutex::new(connections)),
            permits,
        }
    }

    pub(super) fn run<T, F>(
        &self,
        work: F,
    ) -> impl Future<Output = Result<T, StoreError>> + Send + use<T, F>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let idle = Arc::clone(&self.idle);
        let permits = Arc::clone(&self.permits);
        async move {
            let closed = |_| StoreError::Unavailable("it is closing".to_owned());
            let permit = permits.acquire_owned().await.map_err(closed)?;
            let outcome = tokio::task::spawn_blocking(move || {
                let take = || idle.lock().unwrap_or_else(PoisonError::into_inner).pop();
                let connection = take().ok_or(StoreError::Busy)?;
                // The connection goes back even if the work panics.
                let back = Back {
                    connection: Some(connection),
                    idle: &idle,
                };
                let result = match &back.connection {
                    Some(connection) => work(connection),
                    None => Err(StoreError::Busy),
                };
                drop(back);
                drop(permit);
                result
            });
            outcome
                .await
                .map_err(|e| StoreError::Other(format!("a read was cut short: {e}")))?
        }
    }
}

struct Back<'a> {
    connection: Option<Connection>,
    idle: &'a Mutex<Vec<Connection>>,
}

impl Drop for Back<'_> {
    fn drop(&mut self) {
        if let Some(connection) = self.connection.take() {
            self.idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .push(connection);
        }
    }
}
