//! The parts, by Criterion: `cargo bench -p flow-benches`.

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use flow_benches::{acme, generated, lines_of};
use flow_compiler::{Compiler, Options};
use flow_simulator::{Model, Program, World};
use std::hint::black_box;
use std::sync::Arc;

fn options() -> Options {
    Options {
        date: jiff::civil::date(2026, 3, 2),
    }
}

fn compiler(c: &mut Criterion) {
    let mut group = c.benchmark_group("check");
    group.sample_size(10);
    for lines in [10_000, 100_000] {
        let project = generated(lines);
        group.throughput(Throughput::Elements(lines_of(&project) as u64));
        group.bench_function(format!("whole check, {lines} lines"), |b| {
            b.iter_batched(
                Compiler::default,
                |mut compiler| black_box(compiler.compile(&project, &options())),
                BatchSize::LargeInput,
            );
        });
        group.bench_function(format!("parse, {lines} lines"), |b| {
            b.iter(|| {
                project
                    .flow_files
                    .iter()
                    .map(|(_, text)| flow_grammar::parse_uncached(text).decls.len())
                    .sum::<usize>()
            });
        });
    }
    group.finish();
}

fn edit(c: &mut Criterion) {
    let mut group = c.benchmark_group("check after an edit of one declaration");
    group.sample_size(10);
    for lines in [10_000, 100_000] {
        let mut project = generated(lines);
        let mut compiler = Compiler::default();
        compiler.compile(&project, &options());
        let mut turn = 0_u64;
        group.bench_function(format!("{lines} lines"), |b| {
            b.iter(|| {
                turn += 1;
                if let Some((_, text)) = project
                    .flow_files
                    .iter_mut()
                    .find(|(path, _)| path.starts_with("part_"))
                {
                    *text = Arc::from(
                        text.replacen(
                            "This is step 0",
                            &format!("This is step 0{}", "!".repeat((turn % 2) as usize)),
                            1,
                        )
                        .replacen("0!!", "0", 1),
                    );
                }
                black_box(compiler.compile(&project, &options()).diagnostics.len())
            });
        });
    }
    group.finish();
}

fn turns(c: &mut Criterion) {
    let Ok(loaded) = flow_loader::load(&acme()) else {
        return;
    };
    let Some(machine) = Compiler::default()
        .compile(&loaded.project, &options())
        .runnable()
    else {
        return;
    };
    let Ok(program) = Program::new(machine) else {
        return;
    };
    let program = Arc::new(program);
    let start = jiff::Timestamp::UNIX_EPOCH;
    let mut group = c.benchmark_group("conversation");
    group.bench_function("signals of a message", |b| {
        let context = flow_understanding::Context {
            language: Some("en"),
            now: start,
            timezone: jiff::tz::TimeZone::UTC,
            expecting: None,
        };
        b.iter(|| {
            black_box(
                program
                    .understanding
                    .signals("my invoice is wrong, I was charged twice", &context),
            )
        });
    });
    group.bench_function("open and ask for an order, understanding included", |b| {
        b.iter_batched(
            || World::new(Arc::clone(&program), start, Model::Scripted),
            |mut world| {
                let opened = world.open(
                    "web".into(),
                    None,
                    None,
                    flow_engine::event::Visitor::default(),
                );
                let said = world.customer_says("where is my order");
                black_box((opened.is_ok(), said.is_ok(), world.said.len()))
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

criterion_group!(benches, compiler, edit, turns);
criterion_main!(benches);
