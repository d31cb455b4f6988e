//! Hooks: Rhai functions that decide and do nothing else.
//!
//! Scripts are compiled when a bot is loaded, and run on threads of their own with large stacks, in a profile without files, network, clock,
//! closures or anything that amplifies ([`profile`]). Arguments are typed by the declaration; what comes back is checked against it. What
//! never happens here: a script that keeps a conversation waiting. A hook that fails is an error in words, which makes its condition unknown.

mod convert;
mod pool;
mod profile;

use flow_compiler::machine::Machine;
use flow_compiler::value::Value;
use flow_engine::Hooks;
use pool::Pool;
use smol_str::SmolStr;
use std::sync::Arc;

/// A script that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the hook `{hook}` ({path}) cannot be used: {why}")]
pub struct HookError {
    /// The hook.
    pub hook: SmolStr,
    /// Its script.
    pub path: SmolStr,
    /// What is wrong.
    pub why: String,
}

/// A bot's hooks, ready to be called from any thread.
#[derive(Debug)]
pub struct HookSet {
    machine: Option<Arc<pool::Scripts>>,
    pool: Option<Pool>,
}

impl HookSet {
    /// Compiles the scripts of a machine. A bot without hooks costs no thread.
    ///
    /// # Errors
    /// The first script that does not compile.
    pub fn new(machine: &Arc<Machine>) -> Result<Self, HookError> {
        if machine.hooks.is_empty() {
            return Ok(Self { machine: None, pool: None });
        }
        let scripts = Arc::new(pool::Scripts::compile(machine)?);
        Ok(Self { pool: Some(Pool::new(Arc::clone(&scripts))), machine: Some(scripts) })
    }
}

impl Hooks for HookSet {
    fn call(&self, hook: &str, args: &[Value]) -> Result<Value, String> {
        let (Some(scripts), Some(pool)) = (&self.machine, &self.pool) else { return Err(format!("there is no hook `{hook}`")) };
        let index = scripts.index_of(hook).ok_or_else(|| format!("there is no hook `{hook}`"))?;
        pool.call(index, args.to_vec())
    }
}
