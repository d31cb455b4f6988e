//! Hooks: small Rhai functions that a flow asks for a decision. Context in, decision out: no file, no network, no clock.
//!
//! The documented limits of Rhai alone are no sandbox, so scripts run in a [`sandbox`] of chosen packages and small sizes, on threads of
//! their own with large stacks, under a deadline that is checked while they run and again when they return.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests"
    )
)]

mod convert;
mod pool;
pub mod sandbox;

use flow_compiler::machine::{Hook, Machine};
use flow_compiler::value::Value;
use flow_engine::Hooks;
use pool::Pool;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::Arc;

/// Why a machine's hooks cannot be loaded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the hook `{hook}` cannot be loaded: {why}")]
pub struct LoadError {
    /// The hook.
    pub hook: SmolStr,
    /// What is wrong with its script.
    pub why: String,
}

/// How many times its usual time a script may take where time is virtual.
const UNHURRIED: u32 = 100;

/// The hooks of a machine, compiled once.
#[derive(Debug)]
pub struct HookSet {
    machine: Arc<Machine>,
    names: HashMap<SmolStr, usize>,
    pool: Option<Pool>,
}

impl HookSet {
    /// Compiles the scripts of a machine.
    ///
    /// # Errors
    /// The first script that is too long, does not compile, or lacks its function.
    pub fn new(machine: &Arc<Machine>) -> Result<Self, LoadError> {
        Self::at_pace(machine, 1)
    }

    /// The same for rehearsals in virtual time: scripts are held by their operations alone, and the clock only ends what hangs, so
    /// that a busy machine changes no outcome.
    ///
    /// # Errors
    /// As [`HookSet::new`].
    pub fn unhurried(machine: &Arc<Machine>) -> Result<Self, LoadError> {
        Self::at_pace(machine, UNHURRIED)
    }

    fn at_pace(machine: &Arc<Machine>, pace: u32) -> Result<Self, LoadError> {
        let names = machine
            .hooks
            .iter()
            .enumerate()
            .map(|(index, hook)| (hook.name.clone(), index))
            .collect();
        let pool = if machine.hooks.is_empty() {
            None
        } else {
            Some(Pool::new(machine, pace)?)
        };
        Ok(Self {
            machine: Arc::clone(machine),
            names,
            pool,
        })
    }

    fn find(&self, name: &str) -> Option<(usize, &Hook)> {
        let index = *self.names.get(name)?;
        Some((index, self.machine.hooks.get(index)?))
    }
}

impl Hooks for HookSet {
    fn call(&self, hook: &str, args: &[Value]) -> Result<Value, String> {
        let (index, def) = self
            .find(hook)
            .ok_or_else(|| format!("there is no hook `{hook}`"))?;
        if args.len() != def.params.len() {
            return Err(format!(
                "`{hook}` takes {} arguments, {} were given",
                def.params.len(),
                args.len()
            ));
        }
        for (param, value) in def.params.iter().zip(args) {
            if value.is_known() {
                convert::check(&self.machine, value, &param.ty)
                    .map_err(|why| format!("argument `{}`: {why}", param.name))?;
            }
        }
        self.pool
            .as_ref()
            .ok_or("there are no hooks")?
            .call(index, args)
    }
}

#[cfg(test)]
mod tests;
