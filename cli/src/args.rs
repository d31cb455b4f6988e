//! The command line.

use clap::{Args, Parser, Subcommand, ValueEnum};
use std::path::PathBuf;

const AFTER: &str = "Exit codes: 0 all is well, 1 something was found (errors, failed tests, unformatted files), 2 the command could not do its work.

Examples:
  flowc new starter my_bot      copy a template
  flowc check my_bot            find what is wrong
  flowc test my_bot             run its tests
  flowc run my_bot              talk to it";

/// The tools of Flow: support conversations as source code.
#[derive(Debug, Parser)]
#[command(name = "flowc", version, about, after_help = AFTER, arg_required_else_help = true)]
pub(crate) struct Cli {
    /// When to use colour.
    #[arg(long, global = true, value_enum, default_value_t = Colour::Auto)]
    pub(crate) color: Colour,
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Colour {
    /// On a terminal.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Find what is wrong with a bot.
    Check(CheckArgs),
    /// Format flow files.
    Fmt(FmtArgs),
    /// Run a bot's tests, in virtual time.
    Test(TestArgs),
    /// Talk to a bot in the terminal.
    Run(RunArgs),
    /// Play recorded conversations to a bot and tell what it decides otherwise.
    Replay(ReplayArgs),
    /// Draw a bot.
    Graph(GraphArgs),
    /// Show what is proven: ways to a person, what people know, staffing, promises, private data, costs.
    Report(ReportArgs),
    /// Compare two versions of a bot by meaning: what changed, who escalates where, which conversations move.
    Diff(DiffArgs),
    /// Explain a finding.
    Explain(ExplainArgs),
    /// Start a bot from a template.
    New(NewArgs),
    /// Speak the language server protocol on standard input and output.
    #[command(
        after_help = "An editor starts it. Example, Neovim:\n  vim.lsp.start({ name = \"flow\", cmd = { \"flowc\", \"lsp\" }, root_dir = vim.fn.getcwd() })"
    )]
    Lsp,
    /// Print completions for a shell.
    Completions(CompletionsArgs),
}

/// How findings are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// For code scanning.
    Sarif,
    /// Annotations of GitHub Actions.
    Github,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc check flows/acme_store\n  flowc check . --format sarif > findings.sarif\n  flowc check . --fix\n  flowc check . --deny-warnings"
)]
pub(crate) struct CheckArgs {
    /// The bot's folder.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// How findings are printed.
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub(crate) format: Format,
    /// Apply the repairs that surely keep the meaning.
    #[arg(long)]
    pub(crate) fix: bool,
    /// Apply every repair, also those that decide something for you: look at what changed.
    #[arg(long)]
    pub(crate) fix_all: bool,
    /// Warnings fail too.
    #[arg(long)]
    pub(crate) deny_warnings: bool,
    /// The day from which hours are checked (today if not given).
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<jiff::civil::Date>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc fmt my_bot\n  flowc fmt my_bot --check\n  flowc fmt - < greet.flow"
)]
pub(crate) struct FmtArgs {
    /// Folders or files; `-` reads standard input and writes standard output.
    #[arg(default_value = ".")]
    pub(crate) paths: Vec<PathBuf>,
    /// Change nothing; exit with 1 if a file is not formatted.
    #[arg(long)]
    pub(crate) check: bool,
}

/// How results are printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PlainFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc test flows/acme_store\n  flowc test . refund\n  flowc test . --uncovered\n  flowc test . --format json"
)]
pub(crate) struct TestArgs {
    /// The bot's folder.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// Only tests whose title contains this.
    #[arg(default_value = "")]
    pub(crate) filter: String,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
    /// List what no test exercised.
    #[arg(long)]
    pub(crate) uncovered: bool,
    /// Print why the last turns of a failed test went as they went.
    #[arg(long)]
    pub(crate) why: bool,
    /// Fail if fewer nodes, transitions, rules and rows together are exercised, percent.
    #[arg(long, value_name = "PERCENT")]
    pub(crate) min_coverage: Option<u8>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowd export --all > all.jsonl && flowc replay all.jsonl --bot my_bot\n  flowc replay recorded/ --bot my_bot --why\n  flowc replay ana.jsonl --bot my_bot --format json\n\nExit: 0 nothing differs, 1 something differs, 2 it cannot be replayed. More in docs/replay.md"
)]
pub(crate) struct ReplayArgs {
    /// A file of JSON lines as `flowd export` writes it, or a folder of such files (`.jsonl`, `.json`).
    pub(crate) recorded: PathBuf,
    /// The bot's folder: the version that is to decide anew.
    #[arg(long, default_value = ".", value_name = "FOLDER")]
    pub(crate) bot: PathBuf,
    /// Show for every turn the rules, the values they read, the row and the steps, with their places.
    #[arg(long)]
    pub(crate) why: bool,
    /// How results are printed.
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc run flows/acme_store\n  flowc run . --channel whatsapp --language es\n\nWhile talking:\n  /why        why the last turn went as it went\n  /state      what the conversation knows\n  /card       what a person who takes over reads\n  /wait 6m    let time pass\n  /press LABEL  press a button (its number or label works as a message too)\n  /file NAME  send a file\n  /as agent   speak as a person (/accept, /resolve TEXT, /return, /as customer)\n  /mock NAME VALUE  let a webhook answer, VALUE in JSON, `ok` or `fails`\n  /quit"
)]
pub(crate) struct RunArgs {
    /// The bot's folder.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// The channel; the bot's first one if not given.
    #[arg(long)]
    pub(crate) channel: Option<String>,
    /// The customer's language.
    #[arg(long)]
    pub(crate) language: Option<String>,
}

/// How a bot is drawn.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum GraphFormat {
    /// Mermaid.
    Mermaid,
    /// Graphviz DOT.
    Dot,
    /// A picture.
    Svg,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc graph flows/acme_store > acme.mmd\n  flowc graph . --format svg > bot.svg"
)]
pub(crate) struct GraphArgs {
    /// The bot's folder.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// How it is drawn.
    #[arg(long, value_enum, default_value_t = GraphFormat::Mermaid)]
    pub(crate) format: GraphFormat,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc explain F0701\n  flowc explain            list all codes"
)]
pub(crate) struct ExplainArgs {
    /// A code, as in `F0701`; all codes are listed if it is not given.
    pub(crate) code: Option<String>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc new                list the templates\n  flowc new starter my_bot"
)]
pub(crate) struct NewArgs {
    /// A template; they are listed if it is not given.
    pub(crate) template: Option<String>,
    /// The new folder; named after the template if not given.
    pub(crate) folder: Option<PathBuf>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Example:\n  flowc completions bash > ~/.local/share/bash-completion/completions/flowc"
)]
pub(crate) struct CompletionsArgs {
    /// The shell.
    pub(crate) shell: clap_complete::Shell,
}

/// How a report is printed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ReportFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
    /// One page that needs nothing else.
    Html,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc report flows/acme_store\n  flowc report . --format html > report.html\n  flowc report . --format json --date 2026-03-02\n\nExit: 0 reported, 1 the bot has errors, 2 it cannot be read. More in docs/report.md"
)]
pub(crate) struct ReportArgs {
    /// The bot's folder.
    #[arg(default_value = ".")]
    pub(crate) folder: PathBuf,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    pub(crate) format: ReportFormat,
    /// The day from which hours are looked at (today if not given).
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<jiff::civil::Date>,
}

#[derive(Debug, Args)]
#[command(
    after_help = "Examples:\n  flowc diff old_bot new_bot\n  flowc diff HEAD~1 my_bot            the folder as it was one commit ago\n  flowc diff v1:bots/shop v2:bots/shop\n  flowc diff main . --format json\n\nExit: 0 no change in meaning, 1 something changed, 2 it cannot be compared. More in docs/diff.md"
)]
pub(crate) struct DiffArgs {
    /// The old version: a folder, `REV:PATH`, or a git revision of the other one's folder.
    pub(crate) old: String,
    /// The new version, alike.
    pub(crate) new: String,
    /// How it is printed.
    #[arg(long, value_enum, default_value_t = PlainFormat::Text)]
    pub(crate) format: PlainFormat,
    /// The day from which hours are compared (today if not given).
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub(crate) date: Option<jiff::civil::Date>,
}
