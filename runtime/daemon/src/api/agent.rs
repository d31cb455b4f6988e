//! The agents' side: signing in, presence, lists, one conversation.

use super::desk::{Offer, QueueEntry};
use super::error::ApiError;
use super::extract::{Body, Params, Peer, SignedIn};
use crate::app::{App, secret_hash};
use crate::auth::{COOKIE, SignInError};
use crate::hub::AgentNews;
use crate::turns::messages::Message;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, NoContent, Response};
use flow_compiler::machine::TextOrWords;
use flow_engine::card::Card;
use flow_store::{
    Agent, Dashboard, DashboardQuery, ListQuery, Role, Scope, Summary, TierCount, TierService,
};
use jiff::SignedDuration;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use smol_str::SmolStr;
use std::sync::Arc;

/// Whether an agent may see a conversation: one that reached people, of their teams or theirs; leads see all.
#[must_use]
pub(super) fn may_see(agent: &Agent, summary: &Summary) -> bool {
    let of_team = || {
        summary
            .team
            .as_ref()
            .is_some_and(|team| agent.teams.contains(team))
    };
    let own = || summary.agent.as_ref().is_some_and(|a| a.id == agent.id);
    agent.role >= Role::Lead || (summary.people && (of_team() || own()))
}

/// A conversation that an agent may see; any other does not exist for them.
pub(super) async fn visible(app: &App, agent: &Agent, id: &str) -> Result<Summary, ApiError> {
    let found = app.store.summary(id).await?;
    found
        .filter(|s| may_see(agent, s))
        .ok_or_else(|| unknown(id))
}

/// 404 of a conversation that an agent does not see, or not any more.
pub(super) fn unknown(id: &str) -> ApiError {
    ApiError::unknown_conversation(id).help(
        "it may be with a team that is not yours; GET /v1/agent/conversations lists those that you may see",
    )
}

/// Notes who read a conversation, once in ten minutes: a page that is open asks often.
pub(super) async fn viewed(app: &App, who: &Agent, id: &str) {
    let key = (who.id.to_string(), id.to_owned());
    let every = std::time::Duration::from_secs(600);
    if app.limits.views.take(key, 1, every).is_ok() {
        let target = Some(format!("conversation:{id}"));
        let actor = format!("agent:{}", who.id);
        app.audit(actor, "view", target, None).await;
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SignIn {
    name: String,
    password: String,
}

pub(super) async fn sign_in(
    State(app): State<Arc<App>>,
    Peer(peer): Peer,
    headers: HeaderMap,
    Body(body): Body<SignIn>,
) -> Result<Response, ApiError> {
    let signed_in = app
        .sign_in(peer, &body.name, body.password)
        .await
        .map_err(|e| match e {
            SignInError::Wrong => ApiError::new(
                StatusCode::UNAUTHORIZED,
                "wrong_password",
                "the name or the password is wrong",
            ),
            SignInError::TooOften(wait) => ApiError::too_many(wait),
            SignInError::Store(error) => error.into(),
        })?;
    if let Some(before) = super::extract::cookie(&headers, COOKIE) {
        app.end_session(&secret_hash(&before)).await?;
    }
    app.desk_agent(&signed_in.agent);
    let cookie = session_cookie(&app, &signed_in.cookie)?;
    Ok((
        [(header::SET_COOKIE, cookie)],
        Json(profile(&app, &signed_in.agent, &signed_in.csrf)),
    )
        .into_response())
}

/// The header that gives a browser its session.
pub(super) fn session_cookie(app: &App, value: &str) -> Result<HeaderValue, ApiError> {
    let seconds = app.config.agents.session_hours.saturating_mul(3600);
    cookie_for(app, value, seconds)
}

fn cookie_for(app: &App, value: &str, seconds: u64) -> Result<HeaderValue, ApiError> {
    let secure = if app.config.is_secure() {
        "; Secure"
    } else {
        ""
    };
    let cookie =
        format!("{COOKIE}={value}; HttpOnly; SameSite=Strict; Path=/; Max-Age={seconds}{secure}");
    HeaderValue::try_from(cookie).map_err(|_| ApiError::request("the cookie could not be made"))
}

/// Who is signed in.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Profile {
    agent: Agent,
    /// The switch.
    available: bool,
    /// Goes back in `X-Flow-CSRF`.
    csrf: String,
    /// The bot's.
    title: Option<String>,
    teams: Vec<TeamHours>,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TeamHours {
    id: SmolStr,
    title: String,
    open: bool,
    /// When it opens, if it is closed.
    next_open: Option<jiff::Timestamp>,
}

fn profile(app: &App, agent: &Agent, csrf: &str) -> Profile {
    let teams = teams_of(app).into_iter();
    let teams = teams.map(|(id, title, open, next_open)| TeamHours {
        id,
        title,
        open,
        next_open,
    });
    let mut shown = agent.clone();
    let units = app.desk.look(|desk| {
        desk.agents()
            .iter()
            .find(|a| a.spec.id == agent.id)
            .map(|a| a.units)
    });
    shown.capacity = units.or(shown.capacity);
    Profile {
        agent: shown,
        available: app.desk.presence(&agent.id).0,
        csrf: csrf.to_owned(),
        title: app.programs.current().map(|p| p.title().to_owned()),
        teams: teams.collect(),
    }
}

/// Teams: id, title, whether they are open, when they open next.
pub(crate) fn teams_of(app: &App) -> Vec<(SmolStr, String, bool, Option<jiff::Timestamp>)> {
    let Some(program) = app.programs.current() else {
        return Vec::new();
    };
    let machine = program.engine.machine();
    let now = app.clock.now();
    machine
        .teams
        .iter()
        .map(|team| {
            let title = match &team.title {
                TextOrWords::Words(words) => words.to_string(),
                TextOrWords::Text(id) => {
                    plain_text(machine, *id).unwrap_or_else(|| team.name.to_string())
                }
            };
            let (open, next) = machine
                .hours_of(team.hours)
                .map_or((true, None), |h| opening(h, now));
            (team.name.clone(), title, open, next)
        })
        .collect()
}

/// Whether hours are open, and if not, when they open next.
fn opening(
    hours: &flow_compiler::machine::Hours,
    now: jiff::Timestamp,
) -> (bool, Option<jiff::Timestamp>) {
    use flow_engine::calendar::{is_open_at, opens_after};
    if is_open_at(hours, now) {
        (true, None)
    } else {
        (false, opens_after(hours, now))
    }
}

/// A text's words in the default language, without interpolations.
fn plain_text(
    machine: &flow_compiler::machine::Machine,
    id: flow_compiler::value::TextId,
) -> Option<String> {
    use flow_compiler::machine::TextPart;
    let text = machine.text(id)?;
    let default = machine.bot.languages.first();
    let variant = text
        .variants
        .iter()
        .find(|v| v.language.as_ref() == default)
        .or_else(|| text.variants.first())?;
    Some(
        variant
            .parts
            .iter()
            .filter_map(|p| {
                if let TextPart::Str(s) = p {
                    Some(s.as_str())
                } else {
                    None
                }
            })
            .collect(),
    )
}

pub(super) async fn me(State(app): State<Arc<App>>, who: SignedIn) -> Json<Profile> {
    Json(profile(&app, &who.agent, &who.csrf))
}

pub(super) async fn sign_out(
    State(app): State<Arc<App>>,
    who: SignedIn,
) -> Result<Response, ApiError> {
    app.end_session(&secret_hash(&who.cookie)).await?;
    app.hub
        .tell_agents(AgentNews::Session(who.agent.id.clone()));
    app.audit(who.actor(), "sign_out", None, None).await;
    let cookie = cookie_for(&app, "", 0)?;
    Ok(([(header::SET_COOKIE, cookie)], NoContent).into_response())
}

/// The switch.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SetPresence {
    available: bool,
}

pub(super) async fn presence(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Body(body): Body<SetPresence>,
) -> Result<Json<SetPresence>, ApiError> {
    app.store
        .set_available(&who.agent.id, body.available)
        .await?;
    app.desk_agent(&who.agent);
    app.set_available(&who.agent.id, body.available);
    Ok(Json(body))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Listing {
    #[schemars(with = "Views")]
    view: Option<String>,
    search: Option<String>,
    limit: Option<u32>,
    cursor: Option<String>,
}

#[derive(Debug, JsonSchema)]
#[schemars(rename_all = "snake_case")]
#[expect(dead_code, reason = "describes the words of a parameter")]
enum Views {
    Mine,
    Queue,
    Team,
    Open,
    Closed,
    All,
}

/// Conversations, newest first.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Page {
    conversations: Vec<Summary>,
    /// For the next page; null at the end.
    cursor: Option<String>,
}

/// Where a cursor of a list stands: a time in milliseconds and a conversation.
fn place_of(cursor: &str) -> Result<(i64, String), ApiError> {
    let parts = cursor.split_once('_');
    parts
        .and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())))
        .filter(|(_, id)| !id.is_empty())
        .ok_or_else(|| {
            ApiError::request("the `cursor` is none of ours")
                .help("send the `cursor` of the last answer as it came")
        })
}

pub(super) async fn list(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(listing): Params<Listing>,
) -> Result<Json<Page>, ApiError> {
    let teams = || who.agent.teams.clone();
    let mine = || Scope::Teams(teams());
    let all = || if who.sees_all() { Scope::All } else { mine() };
    let (scope, open) = match listing.view.as_deref().unwrap_or("mine") {
        "mine" => (Scope::Agent(who.agent.id.clone()), Some(true)),
        "queue" => (Scope::Queue((!who.sees_all()).then(teams)), None),
        "team" => (mine(), None),
        "open" => (all(), Some(true)),
        "closed" => (all(), Some(false)),
        "all" => (all(), None),
        other => {
            return Err(ApiError::request(format!("there is no view `{other}`"))
                .help("views are mine, queue, team, open, closed, all"));
        }
    };
    let before = listing.cursor.as_deref().map(place_of).transpose()?;
    let limit = listing.limit.unwrap_or(50).clamp(1, 200);
    let search = listing
        .search
        .filter(|s| !s.trim().is_empty())
        .map(|s| s.chars().take(100).collect());
    let query = ListQuery {
        scope,
        open,
        people: !who.sees_all(),
        search,
        before,
        limit,
    };
    let found = app.store.list(query).await?;
    let full = found.len() == limit as usize;
    let cursor = found
        .last()
        .filter(|_| full)
        .map(|s| format!("{}_{}", s.last_at.map_or(0, |t| t.as_millisecond()), s.id));
    Ok(Json(Page {
        conversations: found,
        cursor,
    }))
}

/// The queue in service order.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Queue {
    queue: Vec<QueueEntry>,
}

pub(super) async fn queue(State(app): State<Arc<App>>, who: SignedIn) -> Json<Queue> {
    Json(Queue {
        queue: super::desk::queue(&app, &who).await,
    })
}

/// The card of a conversation.
pub(super) async fn card_of(app: &Arc<App>, id: &str) -> Result<Option<Card>, ApiError> {
    let (program, conversation, _) = app.snapshot(id).await?;
    let history = app.history(id).await?;
    let work = || program.engine.card(&conversation, &history, &program.hooks);
    Ok(if program.engine.machine().hooks.is_empty() {
        work()
    } else {
        tokio::task::block_in_place(work)
    })
}

/// One conversation with all that an agent needs.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct One {
    conversation: Summary,
    /// As for the customer, and notes.
    messages: Vec<Message>,
    /// What a person needs who takes over; its fields are in docs/api.md.
    #[schemars(with = "Option<serde_json::Map<String, Value>>")]
    card: Option<Card>,
    /// What is offered to this agent.
    offer: Option<Offer>,
    follow_ups: Vec<FollowUp>,
    /// What this agent may do with it now.
    may: Vec<&'static str>,
}

pub(super) async fn conversation(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
) -> Result<Json<One>, ApiError> {
    visible(&app, &who.agent, &id).await?;
    viewed(&app, &who.agent, &id).await;
    let (_, _, summary) = app.snapshot(&id).await?;
    let messages = super::customer::messages_of(&app, &id).await?;
    let follow_ups: Vec<FollowUp> = app
        .store
        .follow_ups(None, 1000)
        .await?
        .into_iter()
        .filter(|f| f.conversation == id)
        .map(follow_up)
        .collect();
    let offer = super::desk::offer(&app, &id, &who.agent.id);
    let mine = summary.agent.as_ref().is_some_and(|a| a.id == who.agent.id);
    let may: &[&str] = match summary.stage.as_str() {
        "reviewing" | "with_agent" if mine => &[
            "message", "note", "confirm", "resolve", "return", "transfer",
        ],
        "queued" | "offered" if offer.is_some() => &["accept", "decline", "note"],
        "queued" | "offered"
            if summary
                .team
                .as_ref()
                .is_some_and(|t| who.agent.teams.contains(t)) =>
        {
            &["take", "note"]
        }
        "closed" => &[],
        _ => &["note"],
    };
    Ok(Json(One {
        conversation: summary,
        messages,
        card: card_of(&app, &id).await?,
        offer,
        follow_ups,
        may: may.to_vec(),
    }))
}

/// A ticket or a callback.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FollowUp {
    /// `f_1`.
    id: String,
    conversation: String,
    /// `ticket` or `callback`.
    kind: SmolStr,
    due: Option<jiff::Timestamp>,
    /// An address or a number.
    contact: Option<SmolStr>,
    /// Whether the contact is proven to be the customer's.
    proven: bool,
    team: Option<SmolStr>,
    summary: String,
    /// When it was promised.
    at: jiff::Timestamp,
    done: bool,
}

fn follow_up(row: flow_store::FollowUpRow) -> FollowUp {
    FollowUp {
        id: format!("f_{}", row.id),
        conversation: row.conversation,
        kind: row.kind,
        due: row.due,
        contact: row.contact,
        proven: row.proven,
        team: row.team,
        summary: row.summary,
        at: row.at,
        done: row.done,
    }
}

/// Why everything happened.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Log {
    #[schemars(with = "Vec<LogRow>")]
    log: Vec<Value>,
}

/// An event of a conversation with what came of it and why.
#[derive(Debug, JsonSchema)]
#[expect(
    dead_code,
    reason = "describes what the engine recorded, which is passed on as it is"
)]
struct LogRow {
    /// From 1, without gaps.
    seq: u64,
    event: serde_json::Map<String, Value>,
    effects: Vec<serde_json::Map<String, Value>>,
    decision: serde_json::Map<String, Value>,
    /// The bot's version that decided.
    version: String,
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LogPage {
    after: u64,
    limit: Option<u32>,
}

pub(super) async fn log(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
    Params(page): Params<LogPage>,
) -> Result<Json<Log>, ApiError> {
    visible(&app, &who.agent, &id).await?;
    viewed(&app, &who.agent, &id).await;
    let rows = app
        .store
        .log(&id, page.after, page.limit.unwrap_or(200).clamp(1, 1000))
        .await?;
    let log: Result<Vec<Value>, _> = rows
        .iter()
        .map(|row| serde_json::from_str(&row.record))
        .collect();
    let log = log.map_err(flow_store::StoreError::from)?;
    Ok(Json(Log { log }))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Which {
    done: Option<bool>,
}

/// Tickets and callbacks.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct FollowUps {
    follow_ups: Vec<FollowUp>,
}

/// A ticket or callback that was closed.
#[derive(Debug, Serialize, JsonSchema)]
pub(super) struct Closed {
    id: String,
    done: bool,
    /// It was closed before.
    duplicate: bool,
}

/// Whether a follow-up is this agent's to see and to close: one of their teams, or of none; leads serve all.
fn serves(who: &SignedIn, row: &flow_store::FollowUpRow) -> bool {
    let ours = || {
        row.team
            .as_ref()
            .is_none_or(|t| who.agent.teams.contains(t))
    };
    who.sees_all() || ours()
}

pub(super) async fn follow_ups(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Params(query): Params<Which>,
) -> Result<Json<FollowUps>, ApiError> {
    let mut out = Vec::new();
    for row in app.store.follow_ups(query.done, 500).await? {
        if serves(&who, &row) {
            out.push(follow_up(row));
        }
    }
    Ok(Json(FollowUps { follow_ups: out }))
}

pub(super) async fn follow_up_done(
    State(app): State<Arc<App>>,
    who: SignedIn,
    Path(id): Path<String>,
    Body(_): Body<super::customer::OnlyId>,
) -> Result<Json<Closed>, ApiError> {
    let missing = || {
        ApiError::new(
            StatusCode::NOT_FOUND,
            "not_found",
            format!("there is no follow-up `{id}`"),
        )
        .help("GET /v1/agent/follow-ups lists those of your teams")
    };
    let number = id.strip_prefix("f_").and_then(|n| n.parse().ok());
    let number = number.ok_or_else(missing)?;
    let row = app.store.follow_up(number).await?;
    row.filter(|row| serves(&who, row)).ok_or_else(missing)?;
    let done = app
        .store
        .follow_up_done(number, &who.agent.id, app.clock.now())
        .await?;
    if done {
        app.audit(who.actor(), "follow_up_done", Some(id.clone()), None)
            .await;
        app.hub.tell_agents(AgentNews::Desk);
    }
    // Once more is no error: it is done.
    Ok(Json(Closed {
        id,
        done: true,
        duplicate: !done,
    }))
}

#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub(super) struct Window {
    hours: Option<i64>,
}

/// The numbers of some hours.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Dashboard")]
pub(super) struct Numbers {
    #[serde(flatten)]
    numbers: Dashboard,
    /// Per tier, lowest first.
    tiers: Vec<TierNumbers>,
    /// Of what handoffs require, the share that was known when an agent was connected; null where none required anything.
    context_completeness: Option<f64>,
    /// Share of conversations that were taken up again, or whose proven customer had another one in the week before.
    repeat_rate: f64,
}

#[derive(Debug, Serialize, JsonSchema)]
struct TierNumbers {
    #[schemars(extend("enum" = ["scripted", "model", "people"]))]
    kind: &'static str,
    #[serde(flatten)]
    numbers: TierCount,
    #[serde(flatten)]
    service: TierService,
}

pub(super) async fn dashboard(
    State(app): State<Arc<App>>,
    _who: SignedIn,
    Params(window): Params<Window>,
) -> Result<Json<Numbers>, ApiError> {
    let hours = window.hours.unwrap_or(24).clamp(1, 24 * 90);
    let since = app
        .clock
        .now()
        .checked_sub(SignedDuration::from_hours(hours))
        .unwrap_or(jiff::Timestamp::MIN);
    let program = app.programs.current();
    let tiers: Vec<_> = program
        .iter()
        .flat_map(|p| {
            p.engine
                .machine()
                .tiers
                .iter()
                .map(|t| (t.name.clone(), t.kind))
        })
        .collect();
    let query = DashboardQuery {
        since,
        tiers: tiers.iter().map(|(name, _)| name.clone()).collect(),
    };
    let mut numbers = app.store.dashboard(query.clone()).await?;
    let service = app.store.service(query).await?;
    let rows = std::mem::take(&mut numbers.tiers).into_iter();
    let rows = rows.zip(service.tiers).zip(&tiers);
    let rows = rows.map(|((numbers, service), (_, kind))| TierNumbers {
        kind: super::view::tier_kind(*kind),
        numbers,
        service,
    });
    Ok(Json(Numbers {
        tiers: rows.collect(),
        numbers,
        context_completeness: service.context_completeness,
        repeat_rate: service.repeat_rate,
    }))
}
