//! The engine by Criterion: `cargo bench -p flow-engine`. In short, and in processor time: `cargo run --release -p flow-engine --example speed`.

mod scene;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use std::hint::black_box;

fn turns(c: &mut Criterion) {
    let mut group = c.benchmark_group("a dialogue of ten messages");
    for more in [0, 7_000] {
        let engine = scene::shop(more);
        let dialogue = scene::dialogue(&engine);
        group.throughput(Throughput::Elements(dialogue.messages as u64));
        group.bench_function(format!("{} lines of bot", scene::lines(&engine)), |b| {
            b.iter(|| black_box(dialogue.lead(&engine)));
        });
    }
    group.finish();
}

fn decisions(c: &mut Criterion) {
    let mut group = c.benchmark_group("ten rules and a matrix");
    for rows in [100, 1_000, 10_000] {
        let engine = scene::matrix(rows);
        let conversation = scene::calm(&engine);
        let now = scene::start();
        group.bench_function(format!("{rows} rows"), |b| {
            b.iter(|| black_box(scene::decide(&engine, &conversation, now)));
        });
    }
    group.finish();
}

fn state(c: &mut Criterion) {
    let engine = scene::shop(0);
    let state = scene::dialogue(&engine).led(&engine);
    let stored = serde_json::to_vec(&state).unwrap_or_default();
    let mut group = c.benchmark_group("the state of a conversation");
    group.throughput(Throughput::Bytes(stored.len() as u64));
    group.bench_function("written", |b| {
        b.iter(|| black_box(serde_json::to_vec(&state)));
    });
    group.bench_function("read", |b| {
        b.iter(|| black_box(serde_json::from_slice::<flow_engine::Conversation>(&stored)));
    });
    group.finish();
}

criterion_group!(benches, turns, decisions, state);
criterion_main!(benches);
