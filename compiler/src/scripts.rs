//! What scripts of hooks are written with: the part of Rhai that decides whether one compiles, and what it can call.
//!
//! The checker compiles scripts with it (F1101), and the runtime's sandbox is built on it, so that what passes the one runs in the
//! other. What a run may take (time, operations, memory) is the sandbox's own.

use rhai::packages::{
    ArithmeticPackage, BasicArrayPackage, BasicIteratorPackage, BasicMapPackage, BasicMathPackage,
    BasicStringPackage, LanguageCorePackage, LogicPackage, MoreStringPackage, Package,
};
use rhai::{Engine, OptimizationLevel};

/// Bytes of a script at most.
pub const SOURCE: usize = 64 * 1024;

/// What hooks do not have.
pub(crate) const ABSENT: [&str; 9] = [
    "eval",
    "Fn",
    "call",
    "curry",
    "is_shared",
    "import",
    "export",
    "print",
    "debug",
];

/// Rhai as hooks have it: computing, texts, lists and maps; no anonymous functions, no `eval`, bounded depth, and every variable
/// has to be declared.
#[must_use]
pub fn engine() -> Engine {
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
    // As it is written: nothing is to be left out that is never called.
    engine.set_optimization_level(OptimizationLevel::None);
    for symbol in ABSENT {
        engine.disable_symbol(symbol);
    }
    engine
        .set_max_expr_depths(24, 16)
        .set_max_functions(16)
        .set_max_variables(64)
        .set_max_modules(0)
        .set_allow_anonymous_fn(false)
        .set_strict_variables(true);
    engine
}
