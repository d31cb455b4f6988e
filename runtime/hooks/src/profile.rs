//! The profile in which scripts run. The documented limits of the library alone are no sandbox: closures, `replace`, `sleep`, `curry` and
//! callbacks get past them, so what amplifies is not there at all.

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage, BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Engine, EvalAltResult, ImmutableString, NativeCallContext, OptimizationLevel};
use std::time::Duration;

/// How long a call may take.
pub(crate) const DEADLINE: Duration = Duration::from_millis(50);
/// Bytes of source.
pub(crate) const SOURCE: usize = 64 * 1024;
/// Bytes of a text.
const TEXT: usize = 16 * 1024;

/// An engine in the profile; without a deadline, which belongs to each thread.
pub(crate) fn engine() -> Engine {
    let mut engine = Engine::new_raw();
    LanguageCorePackage::new().register_into_engine(&mut engine);
    ArithmeticPackage::new().register_into_engine(&mut engine);
    LogicPackage::new().register_into_engine(&mut engine);
    BasicStringPackage::new().register_into_engine(&mut engine);
    MoreStringPackage::new().register_into_engine(&mut engine);
    BasicIteratorPackage::new().register_into_engine(&mut engine);
    BasicArrayPackage::new().register_into_engine(&mut engine);
    BasicMapPackage::new().register_into_engine(&mut engine);
    BasicMathPackage::new().register_into_engine(&mut engine);
    engine.set_optimization_level(OptimizationLevel::Simple);
    engine
        .set_max_operations(100_000)
        .set_max_call_levels(8)
        .set_max_expr_depths(24, 16)
        .set_max_string_size(TEXT)
        .set_max_array_size(1_000)
        .set_max_map_size(256)
        .set_max_variables(64)
        .set_max_functions(16)
        .set_max_modules(0)
        .set_max_strings_interned(1024);
    engine.set_allow_anonymous_fn(false);
    engine.set_strict_variables(true);
    for symbol in ["eval", "Fn", "call", "curry", "is_shared", "import", "export", "print", "debug"] {
        engine.disable_symbol(symbol);
    }
    engine.register_fn("sleep", |_: i64| -> Result<(), Box<EvalAltResult>> { Err("`sleep` is not available in a hook".into()) });
    engine.register_fn("sleep", |_: f64| -> Result<(), Box<EvalAltResult>> { Err("`sleep` is not available in a hook".into()) });
    engine.register_fn("replace", replace_text);
    engine.register_fn("replace", replace_char);
    engine
}

/// The library's `replace` makes its result before it looks at its size.
#[expect(clippy::needless_pass_by_value, reason = "the library passes the context by value")]
fn replace_text(context: NativeCallContext<'_>, text: &mut ImmutableString, from: &str, to: &str) -> Result<(), Box<EvalAltResult>> {
    let times = if from.is_empty() { text.chars().count() + 1 } else { text.matches(from).count() };
    let size = text.len().saturating_sub(times.saturating_mul(from.len())).saturating_add(times.saturating_mul(to.len()));
    if size > context.engine().max_string_size() {
        return Err("the result of `replace` is too long".into());
    }
    *text = text.replace(from, to).into();
    Ok(())
}

#[expect(clippy::needless_pass_by_value, reason = "the library passes the context by value")]
fn replace_char(context: NativeCallContext<'_>, text: &mut ImmutableString, from: char, to: &str) -> Result<(), Box<EvalAltResult>> {
    let times = text.matches(from).count();
    if text.len().saturating_add(times.saturating_mul(to.len())) > context.engine().max_string_size() {
        return Err("the result of `replace` is too long".into());
    }
    *text = text.replace(from, to).into();
    Ok(())
}
