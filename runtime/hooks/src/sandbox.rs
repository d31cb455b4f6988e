//! The sandbox: which parts of Rhai a script has, and how much of everything.

use rhai::{
    AST, Dynamic, Engine, EvalAltResult, ImmutableString, NativeCallContext, OptimizationLevel,
};
use std::cell::Cell;
use std::time::{Duration, Instant};

/// Bytes of a script at most.
pub use flow_compiler::scripts::SOURCE;
/// Bytes of a text at most.
pub const TEXT: usize = 16 * 1024;
/// Items of a list at most.
pub const LIST: usize = 1_000;
/// Fields of a map at most.
pub const MAP: usize = 256;
/// How deep lists and maps may lie in each other, coming in or going out.
pub const DEPTH: usize = 16;
/// A script's time.
pub const DEADLINE: Duration = Duration::from_millis(50);

const OPERATIONS: u64 = 100_000;
/// The clock is looked at every so many operations.
const LOOK: u64 = 64;

thread_local! {
    static UNTIL: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Starts the time of a call on this thread.
pub(crate) fn start_deadline(time: Duration) {
    UNTIL.with(|until| until.set(Instant::now().checked_add(time)));
}

/// Whether the time of this thread's call is over. A native function (a sort) may have swallowed the stop of its callback, so this is asked again at the end.
pub(crate) fn is_late() -> bool {
    UNTIL.with(|until| until.get().is_some_and(|until| Instant::now() >= until))
}

/// A hardened engine: what the checker compiles scripts with, and limits to what a run may take.
#[must_use]
pub fn engine() -> Engine {
    let mut engine = flow_compiler::scripts::engine();
    engine.set_optimization_level(OptimizationLevel::Simple);
    engine
        .set_max_operations(OPERATIONS)
        .set_max_call_levels(8)
        .set_max_string_size(TEXT)
        .set_max_array_size(LIST)
        .set_max_map_size(MAP)
        .set_max_strings_interned(1_024);
    engine.on_print(|_| {});
    engine.on_debug(|_, _, _| {});
    engine.set_module_resolver(rhai::module_resolvers::DummyModuleResolver::new());
    engine.on_progress(|operations| {
        (operations % LOOK == 0 && is_late()).then(|| Dynamic::from("its time is over"))
    });
    without_natives_that_run_away(&mut engine);
    engine
}

/// Native functions that a limit on operations does not see.
fn without_natives_that_run_away(engine: &mut Engine) {
    engine.register_fn("sleep", |_: i64| -> Result<(), Box<EvalAltResult>> {
        Err("a hook cannot sleep".into())
    });
    engine.register_fn("sleep", |_: f64| -> Result<(), Box<EvalAltResult>> {
        Err("a hook cannot sleep".into())
    });
    engine.register_fn(
        "replace",
        |_: NativeCallContext,
         text: &mut ImmutableString,
         find: &str,
         put: &str|
         -> Result<(), Box<EvalAltResult>> {
            let hits = if find.is_empty() {
                text.chars().count() + 1
            } else {
                text.matches(find).count()
            };
            fits_after(
                text.len().saturating_sub(hits.saturating_mul(find.len())),
                hits,
                put.len(),
            )?;
            *text = text.replace(find, put).into();
            Ok(())
        },
    );
    engine.register_fn(
        "replace",
        |_: NativeCallContext,
         text: &mut ImmutableString,
         find: char,
         put: &str|
         -> Result<(), Box<EvalAltResult>> {
            fits_after(text.len(), text.matches(find).count(), put.len())?;
            *text = text.replace(find, put).into();
            Ok(())
        },
    );
}

fn fits_after(rest: usize, hits: usize, each: usize) -> Result<(), Box<EvalAltResult>> {
    if rest.saturating_add(hits.saturating_mul(each)) > TEXT {
        Err("the text would grow too long".into())
    } else {
        Ok(())
    }
}

/// Compiles a script.
///
/// # Errors
/// If it is too long or does not compile, in words.
pub fn compile(engine: &Engine, script: &str) -> Result<AST, String> {
    if script.len() > SOURCE {
        return Err(format!(
            "the script has {} bytes; at most {SOURCE} are allowed",
            script.len()
        ));
    }
    engine.compile(script).map_err(|error| error.to_string())
}
