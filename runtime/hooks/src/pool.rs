//! Threads that run scripts. A thread that does not come back is given up and replaced; the caller is never kept.

use crate::convert::{customer_to_script, from_script, to_script};
use crate::profile::{DEADLINE, SOURCE, engine};
use crate::{HookError, profile};
use flow_compiler::machine::Machine;
use flow_compiler::value::{Type, Value};
use rhai::{AST, CallFnOptions, Dynamic, Engine, Scope};
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Threads of one bot.
const THREADS: usize = 2;
/// Stack of each: a parser's recursion must never reach its end.
const STACK: usize = 16 << 20;
/// How long a caller waits, queueing included.
const PATIENCE: Duration = Duration::from_millis(100);
/// Threads that may be given up before hooks are refused.
const GIVEN_UP: usize = 8;

/// Compiled scripts.
pub(crate) struct Scripts {
    machine: Arc<Machine>,
    asts: Vec<AST>,
    index: HashMap<SmolStr, usize>,
}

impl std::fmt::Debug for Scripts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Scripts").field("hooks", &self.index.keys()).finish_non_exhaustive()
    }
}

impl Scripts {
    /// Compiles every script, on a thread with a known stack.
    pub(crate) fn compile(machine: &Arc<Machine>) -> Result<Self, HookError> {
        let shared = Arc::clone(machine);
        let thread = std::thread::Builder::new().name("flow-hooks-compile".to_owned()).stack_size(STACK);
        let spawned = thread.spawn(move || {
            let engine = profile::engine();
            shared
                .hooks
                .iter()
                .map(|hook| {
                    let error = |why: String| HookError { hook: hook.name.clone(), path: hook.path.clone(), why };
                    if hook.script.len() > SOURCE {
                        return Err(error(format!("the script is larger than {} KiB", SOURCE / 1024)));
                    }
                    let ast = engine.compile(&*hook.script).map_err(|e| error(e.to_string()))?;
                    let fits = |f: rhai::ScriptFnMetadata<'_>| f.name == hook.name && f.params.len() == hook.params.len();
                    if !ast.iter_functions().any(fits) {
                        return Err(error(format!("it has no function `{}` with {} parameters", hook.name, hook.params.len())));
                    }
                    Ok(ast)
                })
                .collect::<Result<Vec<AST>, HookError>>()
        });
        let no_thread = |why: String| HookError { hook: SmolStr::default(), path: SmolStr::default(), why };
        let asts = spawned.map_err(|e| no_thread(e.to_string()))?.join().map_err(|_| no_thread("the script compiler failed".to_owned()))??;
        let index = machine.hooks.iter().enumerate().map(|(i, h)| (h.name.clone(), i)).collect();
        Ok(Self { machine: Arc::clone(machine), asts, index })
    }

    pub(crate) fn index_of(&self, hook: &str) -> Option<usize> {
        self.index.get(hook).copied()
    }

    fn run(&self, engine: &Engine, index: usize, args: &[Value], started: Instant) -> Result<Value, String> {
        let (Some(hook), Some(ast)) = (self.machine.hooks.get(index), self.asts.get(index)) else { return Err("there is no such hook".to_owned()) };
        let values: Vec<Dynamic> = hook
            .params
            .iter()
            .enumerate()
            .map(|(i, param)| {
                let value = args.get(i).unwrap_or(&Value::Unknown);
                if param.ty == Type::Customer { customer_to_script(&self.machine, value) } else { to_script(value) }
            })
            .collect();
        let mut scope = Scope::new();
        let options = CallFnOptions::new().eval_ast(false);
        let result: Result<Dynamic, _> = engine.call_fn_with_options(options, &mut scope, ast, hook.name.as_str(), values);
        // A native call can outlast the deadline and return all the same.
        if started.elapsed() > DEADLINE {
            return Err(format!("it took longer than {} ms", DEADLINE.as_millis()));
        }
        let found = result.map_err(|e| e.to_string())?;
        from_script(&self.machine, &hook.returns, hook.optional, &found)
    }
}

struct Job {
    index: usize,
    args: Vec<Value>,
    reply: SyncSender<Result<Value, String>>,
    given: Instant,
}

/// The threads.
pub(crate) struct Pool {
    scripts: Arc<Scripts>,
    jobs: Sender<Job>,
    queue: Arc<Mutex<Receiver<Job>>>,
    given_up: AtomicUsize,
}

impl std::fmt::Debug for Pool {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Pool").finish_non_exhaustive()
    }
}

impl Pool {
    pub(crate) fn new(scripts: Arc<Scripts>) -> Self {
        let (jobs, receiver) = channel();
        let pool = Self { scripts, jobs, queue: Arc::new(Mutex::new(receiver)), given_up: AtomicUsize::new(0) };
        for _ in 0..THREADS {
            pool.start();
        }
        pool
    }

    fn start(&self) {
        let (scripts, queue) = (Arc::clone(&self.scripts), Arc::clone(&self.queue));
        let thread = std::thread::Builder::new().name("flow-hooks".to_owned()).stack_size(STACK);
        // Without threads every call is refused in words, which is what the caller expects of a hook that cannot run.
        let _ = thread.spawn(move || work(&scripts, &queue));
    }

    /// Calls a hook; comes back within a tenth of a second whatever the script does.
    pub(crate) fn call(&self, index: usize, args: Vec<Value>) -> Result<Value, String> {
        if self.given_up.load(Ordering::Relaxed) >= GIVEN_UP {
            return Err("hooks are switched off: too many calls did not come back; mend the script and reload".to_owned());
        }
        let (reply, answer) = sync_channel(1);
        self.jobs.send(Job { index, args, reply, given: Instant::now() }).map_err(|_| "no thread runs hooks".to_owned())?;
        match answer.recv_timeout(PATIENCE) {
            Ok(result) => result,
            Err(RecvTimeoutError::Timeout) => {
                self.given_up.fetch_add(1, Ordering::Relaxed);
                self.start();
                Err("it did not come back in time".to_owned())
            }
            Err(RecvTimeoutError::Disconnected) => {
                self.start();
                Err("the script broke down".to_owned())
            }
        }
    }
}

fn work(scripts: &Scripts, queue: &Mutex<Receiver<Job>>) {
    let started = Arc::new(Mutex::new(Instant::now()));
    let mut engine = engine();
    let watch = Arc::clone(&started);
    engine.on_progress(move |operations| {
        let over = operations & 63 == 0 && watch.lock().unwrap_or_else(PoisonError::into_inner).elapsed() > DEADLINE;
        over.then(|| Dynamic::from("deadline"))
    });
    loop {
        let job = queue.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = job else { return };
        // Nobody waits for it any more.
        if job.given.elapsed() > PATIENCE {
            continue;
        }
        let now = Instant::now();
        *started.lock().unwrap_or_else(PoisonError::into_inner) = now;
        let result = scripts.run(&engine, job.index, &job.args, now);
        let _ = job.reply.send(result);
    }
}
