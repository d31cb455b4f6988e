//! Who listens: the streams of customers and agents. Nothing is kept here; a stream that was too slow reads the log instead.

use crate::channels::{Pump, whatsapp};
use crate::turns::messages::Message;
use flow_store::Summary;
use serde_json::Value;
use smol_str::SmolStr;
use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use tokio::sync::{broadcast, watch};

/// News of one conversation for its customer.
#[derive(Debug, Clone)]
pub enum Heard {
    /// A turn.
    Turn {
        /// Its number.
        seq: u64,
        /// What can be read of it.
        messages: Arc<Vec<Message>>,
        /// The view afterwards.
        view: Arc<Value>,
    },
    /// The agent types.
    Typing(bool),
}

/// News for agents.
#[derive(Debug, Clone)]
pub enum AgentNews {
    /// A turn of a conversation.
    Turn {
        /// Its place in the log of all conversations.
        position: i64,
        /// Its number.
        seq: u64,
        /// The event's word.
        event: &'static str,
        /// The conversation afterwards.
        summary: Arc<Summary>,
        /// What can be read of it.
        messages: Arc<Vec<Message>>,
    },
    /// The desk changed.
    Desk,
    /// An agent is asked.
    Offer {
        /// Whom.
        agent: String,
        /// The conversation.
        conversation: String,
    },
    /// An offer ended.
    OfferEnded {
        /// Whose.
        agent: String,
        /// The conversation.
        conversation: String,
        /// Which.
        reservation: u64,
        /// How.
        reason: String,
    },
    /// Something to show.
    Alert {
        /// The conversation.
        summary: Arc<Summary>,
        /// What.
        text: String,
    },
    /// The customer types.
    Typing {
        /// The conversation.
        conversation: String,
        /// Whether.
        typing: bool,
    },
    /// The program changed, or an edit was refused.
    Program,
    /// An agent signed out, was changed or removed: whether their streams may go on is to be looked at.
    Session(SmolStr),
}

/// The hub.
#[derive(Debug)]
pub struct Hub {
    customers: Mutex<HashMap<String, broadcast::Sender<Heard>>>,
    agents: broadcast::Sender<AgentNews>,
    /// Changes with every turn of any conversation: the log went on.
    log: watch::Sender<()>,
    /// What has to go on to a messaging service.
    pub(crate) pump: Pump,
}

impl Default for Hub {
    fn default() -> Self {
        Self {
            customers: Mutex::default(),
            agents: broadcast::channel(4096).0,
            log: watch::channel(()).0,
            pump: Pump::default(),
        }
    }
}

impl Hub {
    /// Listens to a conversation.
    pub fn listen(&self, conversation: &str) -> broadcast::Receiver<Heard> {
        let mut map = self
            .customers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        map.entry(conversation.to_owned())
            .or_insert_with(|| broadcast::channel(64).0)
            .subscribe()
    }

    /// Tells those who listen to a conversation.
    pub fn tell(&self, conversation: &str, news: Heard) {
        if let Heard::Turn { view, .. } = &news {
            if view.get("channel").and_then(Value::as_str) == Some(whatsapp::CHANNEL) {
                self.pump.turned(conversation);
            }
            self.log.send_replace(());
        }
        let mut map = self
            .customers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if let Some(sender) = map.get(conversation)
            && sender.send(news).is_err()
        {
            map.remove(conversation);
        }
    }

    /// Forgets conversations to which nobody listens.
    pub fn sweep(&self) {
        let mut map = self
            .customers
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        map.retain(|_, sender| sender.receiver_count() > 0);
    }

    /// Is told whenever the log of all conversations went on.
    pub fn listen_to_log(&self) -> watch::Receiver<()> {
        self.log.subscribe()
    }

    /// Listens as an agent.
    pub fn listen_as_agent(&self) -> broadcast::Receiver<AgentNews> {
        self.agents.subscribe()
    }

    /// Tells the agents.
    pub fn tell_agents(&self, news: AgentNews) {
        // Nobody signed in is no failure.
        let _ = self.agents.send(news);
    }
}
