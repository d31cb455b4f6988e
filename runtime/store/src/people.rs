//! People and keys.

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use smol_str::SmolStr;

/// What a person may do.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Serves the queues of their teams.
    #[default]
    Agent,
    /// Sees and takes everything.
    Lead,
    /// Also manages agents and keys.
    Admin,
}

impl Role {
    /// Its word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Agent => "agent",
            Self::Lead => "lead",
            Self::Admin => "admin",
        }
    }

    /// From its word.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Some(match word {
            "agent" => Self::Agent,
            "lead" => Self::Lead,
            "admin" => Self::Admin,
            _ => return None,
        })
    }
}

/// A person who serves conversations.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Agent {
    /// Sign-in name.
    pub id: SmolStr,
    /// What customers read.
    pub name: SmolStr,
    /// What they may do.
    pub role: Role,
    /// Their teams.
    pub teams: Vec<SmolStr>,
    /// Their skills.
    pub skills: Vec<SmolStr>,
    /// Their languages.
    pub languages: Vec<SmolStr>,
    /// Conversations at once; absent: the team's.
    pub capacity: Option<u32>,
    /// The switch.
    #[serde(skip)]
    pub available: bool,
    /// Argon2id, PHC string.
    #[serde(skip)]
    pub password: String,
}

/// A sign-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// BLAKE3 of the cookie's value.
    pub hash: Vec<u8>,
    /// Who.
    pub agent: SmolStr,
    /// Must come back in a header.
    pub csrf: String,
    /// Good until.
    pub expires: Timestamp,
}

/// A key for programs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiKey {
    /// Its public id.
    pub id: String,
    /// What it is for.
    pub name: String,
    /// BLAKE3 of the key.
    #[serde(skip)]
    pub hash: Vec<u8>,
    /// What it may do.
    pub scopes: Vec<SmolStr>,
    /// When it was made.
    pub created: Timestamp,
    /// Good until; absent: until it is revoked.
    pub expires: Option<Timestamp>,
}

/// A line for the audit log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAudit {
    /// When.
    pub at: Timestamp,
    /// Who: `agent:leo`, `key:..`, `system`.
    pub actor: String,
    /// What: `sign_in`, `reload`, `erase`, ..
    pub action: String,
    /// On what.
    pub target: Option<String>,
    /// More, without private values.
    pub detail: Option<String>,
}

/// A line of the audit log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
#[schemars(rename = "AuditLine")]
pub struct AuditRow {
    /// Its number.
    pub id: i64,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub actor: String,
    /// What.
    pub action: String,
    /// On what.
    pub target: Option<String>,
    /// More.
    pub detail: Option<String>,
    /// Stands for this line and all before it, hexadecimal; absent in lines of older versions.
    pub hash: Option<String>,
}

/// What was found when the whole audit log was gone through.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AuditProof {
    /// How many lines there are.
    pub lines: u64,
    /// The number of the last one; 0 if there is none.
    pub last: i64,
    /// The first line that is not what it was, or that follows one that is gone.
    pub broken: Option<i64>,
    /// The last hash, hexadecimal; absent while no line has one.
    pub head: Option<String>,
    /// Whether the hash that was asked for is one of the log.
    pub noted: bool,
}
