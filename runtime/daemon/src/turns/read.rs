//! Looking at conversations without a turn.

use super::TurnError;
use crate::app::App;
use crate::program::Program;
use flow_engine::effect::PromptLine;
use flow_engine::{Conversation, PROMPT_LINES, Recorded};
use flow_store::{StoreError, Summary};
use std::sync::Arc;

/// Events that are read at first for what a model is told.
const NEWEST: u64 = 128;

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

    /// What a model is told of a conversation before its question, read from the end of its log: a long conversation is not read whole for
    /// the few lines that a model gets.
    ///
    /// # Errors
    /// If the store fails.
    pub(crate) async fn told(
        &self,
        program: &Program,
        conversation: &Conversation,
        summary: &Summary,
        tier: &str,
    ) -> Result<Vec<PromptLine>, StoreError> {
        let engine = &program.engine;
        let mut events = NEWEST;
        loop {
            let after = summary.seq.saturating_sub(events);
            let rows = self.store.log(&summary.id, after, u32::MAX).await?;
            let records: Vec<Recorded> = rows
                .iter()
                .map(|row| Ok(serde_json::from_str(&row.record)?))
                .collect::<Result<_, StoreError>>()?;
            // The older half is there for the words of buttons that were pressed in the newer one.
            let newer = records.get(records.len() / 2..).unwrap_or_default();
            if after == 0 || engine.prompt_history(conversation, tier, newer).len() >= PROMPT_LINES
            {
                return Ok(engine.prompt_history(conversation, tier, &records));
            }
            events *= 4;
        }
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
