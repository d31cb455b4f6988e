//! Whoever plays the model.

use super::{World, WorldError};
use flow_compiler::value::Value;
use flow_engine::effect::ModelRequest;
use flow_engine::event::{EventKind, ModelAnswer, ToolCall};
use smol_str::SmolStr;
use std::collections::BTreeMap;

impl World {
    /// The scripted model answers.
    ///
    /// # Errors
    /// If no model was asked.
    pub fn model_answers(&mut self, text: &str, confidence: f64) -> Result<(), WorldError> {
        let request = self.asked.take().ok_or(WorldError::NoModelRequest)?;
        let answer = ModelAnswer {
            text: text.to_owned(),
            confidence,
            citations: Vec::new(),
            parts: BTreeMap::new(),
            resolved: false,
        };
        self.happen(EventKind::ModelAnswered {
            request: request.request,
            answer,
        })
    }

    /// The scripted model calls a tool.
    ///
    /// # Errors
    /// If no model was asked.
    pub fn model_calls(
        &mut self,
        tool: SmolStr,
        args: BTreeMap<SmolStr, Value>,
    ) -> Result<(), WorldError> {
        let request = self.asked.take().ok_or(WorldError::NoModelRequest)?;
        let id = self.fresh_id();
        self.happen(EventKind::ModelCalledTools {
            request: request.request,
            calls: vec![ToolCall { id, tool, args }],
        })
    }

    /// The scripted model fails.
    ///
    /// # Errors
    /// If no model was asked.
    pub fn model_fails(&mut self) -> Result<(), WorldError> {
        let request = self.asked.take().ok_or(WorldError::NoModelRequest)?;
        self.happen(EventKind::ModelFailed {
            request: request.request,
            error: "the model failed".to_owned(),
        })
    }

    /// Answers what a tier without a provider was asked, from the knowledge.
    ///
    /// # Errors
    /// If the engine refuses the answer.
    pub fn answer_from_knowledge(&mut self) -> Result<(), WorldError> {
        let request = self.asked.take().ok_or(WorldError::NoModelRequest)?;
        let answer = self.extract(&request);
        self.happen(EventKind::ModelAnswered {
            request: request.request,
            answer,
        })
    }

    pub(super) fn extract(&self, request: &ModelRequest) -> ModelAnswer {
        let mut request = request.clone();
        request.history =
            self.program
                .engine
                .prompt_history(&self.conversation, &request.tier, &self.history);
        self.program.understanding.answer(&request)
    }
}
