//! Everything that all conversations of one version share.

use flow_compiler::machine::Machine;
use flow_engine::Engine;
use flow_hooks::HookSet;
use flow_understanding::Understanding;
use std::sync::Arc;

/// A bot, ready to rehearse.
#[derive(Debug)]
pub struct Program {
    /// The engine with its machine.
    pub engine: Engine,
    /// Trained on the bot's examples.
    pub understanding: Understanding,
    /// The compiled hooks.
    pub hooks: HookSet,
}

impl Program {
    /// Trains and compiles what a machine needs.
    ///
    /// # Errors
    /// If a hook's script does not compile, in words.
    pub fn new(machine: Arc<Machine>) -> Result<Self, String> {
        let understanding = Understanding::train(&machine);
        let hooks = HookSet::unhurried(&machine).map_err(|e| e.to_string())?;
        Ok(Self {
            understanding,
            hooks,
            engine: Engine::new(machine),
        })
    }

    /// The machine.
    #[must_use]
    pub fn machine(&self) -> &Machine {
        self.engine.machine()
    }
}
