//! The threads on which scripts run: few, of their own, with large stacks.

use crate::{LoadError, convert, sandbox};
use flow_compiler::machine::{Hook, Machine};
use flow_compiler::value::{Type, Value};
use rhai::{AST, Dynamic, Engine, Scope};
use smol_str::SmolStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

const STACK: usize = 16 * 1024 * 1024;
/// Threads at first, and at most after some were lost to scripts that did not stop.
const THREADS: usize = 2;
const MOST: usize = 8;
/// How long a caller waits at most, for a thread included.
const PATIENCE: Duration = Duration::from_millis(100);

struct Job {
    hook: usize,
    args: Vec<Value>,
    answer: SyncSender<Result<Value, String>>,
    given: Instant,
}

/// What all threads share.
struct Scripts {
    machine: Arc<Machine>,
    engine: Engine,
    asts: Vec<AST>,
    /// How many times its usual time a script may take.
    pace: u32,
}

pub(crate) struct Pool {
    scripts: Arc<Scripts>,
    jobs: Mutex<Sender<Job>>,
    inbox: Arc<Mutex<Receiver<Job>>>,
    threads: AtomicUsize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool")
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new(machine: &Arc<Machine>, pace: u32) -> Result<Self, LoadError> {
        let failed = |hook: &str, why: String| LoadError {
            hook: SmolStr::new(hook),
            why,
        };
        let first = machine
            .hooks
            .first()
            .map(|h| h.name.clone())
            .unwrap_or_default();
        // Compiling recurses as deep as the script is nested.
        let compiling = {
            let machine = Arc::clone(machine);
            thread::Builder::new()
                .name("hook-compiler".to_owned())
                .stack_size(STACK)
                .spawn(move || load(machine, pace))
        };
        let loaded = compiling
            .map_err(|e| failed(&first, format!("no thread could be started: {e}")))?
            .join();
        let scripts =
            loaded.unwrap_or_else(|_| Err(failed(&first, "its compilation failed".to_owned())))?;
        let (jobs, inbox) = channel();
        let pool = Self {
            scripts: Arc::new(scripts),
            jobs: Mutex::new(jobs),
            inbox: Arc::new(Mutex::new(inbox)),
            threads: AtomicUsize::new(0),
        };
        for _ in 0..THREADS {
            pool.spawn()
                .map_err(|e| failed(&first, format!("no thread could be started: {e}")))?;
        }
        Ok(pool)
    }

    fn spawn(&self) -> std::io::Result<()> {
        let (scripts, inbox) = (Arc::clone(&self.scripts), Arc::clone(&self.inbox));
        let number = self.threads.fetch_add(1, Ordering::Relaxed);
        thread::Builder::new()
            .name(format!("hook-{number}"))
            .stack_size(STACK)
            .spawn(move || work(&scripts, &inbox))?;
        Ok(())
    }

    /// Runs a hook and waits for its value.
    pub(crate) fn call(&self, hook: usize, args: &[Value]) -> Result<Value, String> {
        let (answer, result) = sync_channel(1);
        let job = Job {
            hook,
            args: args.to_vec(),
            answer,
            given: Instant::now(),
        };
        let jobs = self
            .jobs
            .lock()
            .map_err(|_| "the hooks' threads are gone")?
            .clone();
        jobs.send(job).map_err(|_| "the hooks' threads are gone")?;
        match result.recv_timeout(PATIENCE * self.scripts.pace) {
            Ok(result) => result,
            Err(RecvTimeoutError::Disconnected) => Err("the hook's thread ended".to_owned()),
            Err(RecvTimeoutError::Timeout) => {
                if self.threads.load(Ordering::Relaxed) < MOST {
                    // Whether another thread can be had does not change this call's outcome.
                    let _ = self.spawn();
                }
                Err("the hook did not stop in time".to_owned())
            }
        }
    }
}

fn load(machine: Arc<Machine>, pace: u32) -> Result<Scripts, LoadError> {
    let engine = sandbox::engine();
    let mut asts = Vec::with_capacity(machine.hooks.len());
    for hook in &machine.hooks {
        asts.push(load_one(&engine, hook).map_err(|why| LoadError {
            hook: hook.name.clone(),
            why,
        })?);
    }
    Ok(Scripts {
        machine,
        engine,
        asts,
        pace,
    })
}

fn load_one(engine: &Engine, hook: &Hook) -> Result<AST, String> {
    let ast = sandbox::compile(engine, &hook.script)?;
    let takes: Vec<usize> = ast
        .iter_functions()
        .filter(|f| f.name == hook.name)
        .map(|f| f.params.len())
        .collect();
    if !takes.contains(&hook.params.len()) {
        return Err(format!(
            "`{}` has no function `{}` with {} parameters",
            hook.path,
            hook.name,
            hook.params.len()
        ));
    }
    Ok(ast)
}

fn work(scripts: &Scripts, inbox: &Mutex<Receiver<Job>>) {
    loop {
        let job = match inbox.lock() {
            Ok(inbox) => inbox.recv(),
            Err(_) => return,
        };
        let Ok(job) = job else { return };
        // Whoever asked has given up.
        if job.given.elapsed() >= PATIENCE * scripts.pace {
            continue;
        }
        let result = run(scripts, job.hook, &job.args);
        // Whoever asked may have given up.
        let _ = job.answer.send(result);
    }
}

fn run(scripts: &Scripts, hook: usize, args: &[Value]) -> Result<Value, String> {
    let (Some(def), Some(ast)) = (scripts.machine.hooks.get(hook), scripts.asts.get(hook)) else {
        return Err("there is no such hook".to_owned());
    };
    let args = def
        .params
        .iter()
        .zip(args)
        .map(|(param, arg)| match param.ty {
            Type::Customer => convert::customer(&scripts.machine, arg),
            _ => convert::to_dynamic(arg, 0),
        });
    let args = args.collect::<Result<Vec<Dynamic>, String>>()?;
    sandbox::start_deadline(sandbox::DEADLINE * scripts.pace);
    let result = scripts
        .engine
        .call_fn::<Dynamic>(&mut Scope::new(), ast, def.name.as_str(), args);
    let late = sandbox::is_late();
    let value = result.map_err(|error| error.to_string())?;
    if late {
        return Err("its time is over".to_owned());
    }
    let value = convert::from_dynamic(&scripts.machine, &value, &def.returns, 0)?;
    if !value.is_known() && !def.optional {
        return Err("it returned nothing".to_owned());
    }
    Ok(value)
}
