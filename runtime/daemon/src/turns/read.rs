//! Looking at conversations without a turn.

use super::TurnError;
use crate::app::App;
use crate::program::Program;
use flow_engine::{Conversation, Recorded};
use flow_store::{StoreError, Summary};
use std::sync::Arc;

impl App {
    /// A conversation as it stands, with its program.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn snapshot(
        &self,
        id: &str,
    ) -> Result<(Arc<Program>, Conversation, Summary), TurnError> {
        let slot = self.turns.slot(id);
        let mut guard = slot.state.lock().await;
        self.load(&mut guard, id).await?;
        let state = guard
            .as_ref()
            .ok_or_else(|| TurnError::Unknown(id.to_owned()))?;
        let (conversation, summary) = (state.conversation.clone(), state.summary.clone());
        drop(guard);
        let program = self.program_of(&conversation).await?;
        Ok((program, conversation, summary))
    }

    /// A conversation's columns and the hash of its visitor's token.
    ///
    /// # Errors
    /// See [`TurnError`].
    pub async fn door(&self, id: &str) -> Result<(Vec<u8>, Summary), TurnError> {
        let slot = self.turns.slot(id);
        let mut guard = slot.state.lock().await;
        self.load(&mut guard, id).await?;
        let state = guard
            .as_ref()
            .ok_or_else(|| TurnError::Unknown(id.to_owned()))?;
        Ok((state.token.clone(), state.summary.clone()))
    }

    /// A conversation's whole log.
    ///
    /// # Errors
    /// If the store fails.
    pub async fn history(&self, id: &str) -> Result<Vec<Recorded>, StoreError> {
        let rows = self.store.log(id, 0, u32::MAX).await?;
        rows.iter()
            .map(|row| Ok(serde_json::from_str(&row.record)?))
            .collect()
    }

    pub(super) async fn program_of(
        &self,
        conversation: &Conversation,
    ) -> Result<Arc<Program>, TurnError> {
        let version = conversation.version();
        let program = self.programs.get(version, &*self.store).await?;
        program.ok_or_else(|| TurnError::NoProgram(version.clone()))
    }
}
