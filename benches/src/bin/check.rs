//! How fast and how small the checker is, as one table: `cargo run --release -p flow-benches --bin check`.
//!
//! Everything but the last rows is in process: parse, lower, all checks, findings collected. Processor time is the system's own
//! count of it (Linux), so that other work on the machine disturbs little; what is shorter than its ticks is timed by the clock. Each number is
//! the best of several runs. A loop of
//! fixed work is timed beside them, to compare machines. `check N` measures the generated bots of `N` lines alone.

/// As in `flowc`.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

use flow_benches::measure::processor;
use flow_benches::{Shape, acme, generated, lines_of, machine_name};
use flow_compiler::sources::Project;
use flow_compiler::{Compilation, Compiler, Options};
use std::process::Command;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |i: usize| arguments.get(i).and_then(|n| n.parse::<usize>().ok());
    if arguments.first().is_some_and(|a| a == "memory") {
        return memory(number(1).unwrap_or(0));
    }
    println!("machine: {}", machine_name());
    println!("{:<64} {:>16}", "what", "measured");
    row("a loop of fixed work", millis(best(5, fixed_work)));
    let sizes = number(0).map_or_else(|| vec![10_000, 100_000], |n| vec![n]);
    for lines in sizes {
        speed(lines)?;
        edit(lines)?;
    }
    if number(0).is_some() {
        return Ok(());
    }
    println!("growth, one core, by the clock: how much longer twice as much takes");
    for (shape, n) in Shape::ALL {
        growth(shape, n)?;
    }
    peak(100_000)?;
    whole_process();
    Ok(())
}

fn row(what: &str, measured: impl std::fmt::Display) {
    println!("{what:<64} {measured:>16}");
}

fn millis(time: Duration) -> String {
    format!("{:.1} ms", time.as_secs_f64() * 1e3)
}

fn options() -> Options {
    Options {
        date: jiff::civil::date(2026, 3, 2),
    }
}

fn best(times: usize, mut work: impl FnMut() -> Duration) -> Duration {
    (0..times).map(|_| work()).min().unwrap_or_default()
}

fn fixed_work() -> Duration {
    let start = processor();
    let mut state = 1_u64;
    for _ in 0..20_000_000 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
    }
    std::hint::black_box(state);
    processor().saturating_sub(start)
}

/// Runs on one core, or on two. The threads stay, so that their time is never lost from the count.
fn on_cores<T: Send>(cores: usize, work: impl FnOnce() -> T + Send) -> anyhow::Result<T> {
    static POOLS: [OnceLock<rayon::ThreadPool>; 2] = [OnceLock::new(), OnceLock::new()];
    let kept = POOLS.get(usize::from(cores > 1)).unwrap_or(&POOLS[0]);
    let pool = match kept.get() {
        Some(pool) => pool,
        None => {
            let pool = rayon::ThreadPoolBuilder::new().num_threads(cores).build()?;
            kept.get_or_init(|| pool)
        }
    };
    Ok(pool.install(work))
}

/// One whole check: how long it took by the processor and by the clock. What it made is let go outside the time.
fn once(compiler: &mut Compiler, project: &Project) -> (Duration, Duration, Compilation) {
    let (used, start) = (processor(), Instant::now());
    let compilation = compiler.compile(project, &options());
    let clock = start.elapsed();
    (processor().saturating_sub(used), clock, compilation)
}

fn per_second(lines: usize, time: Duration) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a count of lines")]
    let rate = lines as f64 / time.as_secs_f64();
    format!("{rate:.0} lines/s")
}

fn speed(lines: usize) -> anyhow::Result<()> {
    let project = generated(lines);
    let lines = lines_of(&project);
    let rounds = if lines > 50_000 { 9 } else { 30 };
    let one = on_cores(1, || {
        best(rounds, || once(&mut Compiler::new(), &project).0)
    })?;
    row(
        &format!("check of {lines} generated lines, one core, processor time"),
        millis(one),
    );
    row("  that is", per_second(lines, one));
    let two = on_cores(2, || {
        best(rounds, || once(&mut Compiler::new(), &project).1)
    })?;
    row("  on two cores, by the clock", millis(two));
    row("  that is", per_second(lines, two));
    Ok(())
}

/// A step of one node is written anew, again and again.
fn edit(lines: usize) -> anyhow::Result<()> {
    let mut project = generated(lines);
    for cores in [1, 2] {
        let mut round = 0_usize;
        let took = on_cores(cores, || {
            let mut compiler = Compiler::new();
            drop(compiler.compile(&project, &options()));
            best(9, || {
                round += 1;
                let count = project.flow_files.len();
                if let Some((_, text)) = project.flow_files.get_mut(count / 2)
                    && let Some(at) = text.find("  say \"This is step")
                {
                    let mut changed = text.to_string();
                    changed.insert_str(at, &format!("  note \"Round {round}\"\n"));
                    *text = Arc::from(changed);
                }
                once(&mut compiler, &project).1
            })
        })?;
        row(
            if cores == 1 {
                "  again after an edit of one declaration, one core, by the clock"
            } else {
                "  again after an edit, two cores, by the clock"
            },
            millis(took),
        );
    }
    Ok(())
}

fn growth(shape: Shape, n: usize) -> anyhow::Result<()> {
    let (once_n, twice_n) = on_cores(1, || {
        let time = |n: usize| {
            let project = shape.bot(n);
            best(15, || once(&mut Compiler::new(), &project).1)
        };
        (time(n), time(2 * n))
    })?;
    row(
        &format!("  {n} {}, then {}", shape.what(), 2 * n),
        format!(
            "{} x {:.2}",
            millis(once_n),
            twice_n.as_secs_f64() / once_n.as_secs_f64()
        ),
    );
    Ok(())
}

/// Compiles a generated bot and prints the greatest memory that this process had, in kilobytes.
fn memory(lines: usize) -> anyhow::Result<()> {
    let project = generated(lines.max(100));
    let compilation = Compiler::new().compile(&project, &options());
    std::hint::black_box(&compilation);
    let status = std::fs::read_to_string("/proc/self/status")?;
    let peak = status.lines().find_map(|l| l.strip_prefix("VmHWM:"));
    println!(
        "{}",
        peak.unwrap_or_default().trim().trim_end_matches(" kB")
    );
    Ok(())
}

fn peak(lines: usize) -> anyhow::Result<()> {
    let kilobytes = |lines: usize| -> anyhow::Result<f64> {
        let out = Command::new(std::env::current_exe()?)
            .args(["memory", &lines.to_string()])
            .output()?;
        Ok(String::from_utf8(out.stdout)?.trim().parse::<f64>()?)
    };
    let project = generated(lines);
    #[expect(clippy::cast_precision_loss, reason = "a count of bytes")]
    let source = project
        .flow_files
        .iter()
        .map(|(_, text)| text.len() as f64)
        .sum::<f64>()
        / 1024.0;
    let (empty, full) = (kilobytes(0)?, kilobytes(lines)?);
    row(
        &format!("greatest memory for {lines} lines, beyond that of a small bot"),
        format!("{:.0} MiB", (full - empty) / 1024.0),
    );
    row(
        "  that is, of the sources' size",
        format!("{:.1} times", (full - empty) / source),
    );
    Ok(())
}

/// `flowc check` of the example shop, from start to exit.
fn whole_process() {
    let Some(flowc) = std::env::current_exe()
        .ok()
        .map(|exe| exe.with_file_name("flowc"))
        .filter(|path| path.exists())
    else {
        println!("flowc check flows/acme_store: skipped, `flowc` is not built beside this program");
        return;
    };
    let mut taken: Vec<Duration> = (0..40)
        .filter_map(|_| {
            let start = Instant::now();
            let out = Command::new(&flowc).arg("check").arg(acme()).output();
            out.ok().map(|_| start.elapsed())
        })
        .collect();
    taken.sort();
    row(
        "flowc check flows/acme_store, whole process, best",
        millis(taken.first().copied().unwrap_or_default()),
    );
    row(
        "  median of 40",
        millis(taken.get(taken.len() / 2).copied().unwrap_or_default()),
    );
}
