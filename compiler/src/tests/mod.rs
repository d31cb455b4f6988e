//! Tests of the compiler as a whole, by what is compiled.

mod damage;
mod declarations;
mod flows;
mod names;
mod rendering;
mod types;
