//! The texts of a bot, packed: a reload writes them between the turns of customers, who wait for the same disk.

use crate::StoreError;
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use flow_compiler::sources::Project;
use std::io::{BufReader, BufWriter, Read, Write};

/// A project as JSON within a zlib stream (RFC 1950): a tenth to a fifth of its size. To pack a bot of 10,000 lines takes some
/// milliseconds, so not on a thread that others wait for.
#[derive(Clone, PartialEq, Eq)]
pub struct PackedProject(Vec<u8>);

impl std::fmt::Debug for PackedProject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "PackedProject({} bytes)", self.0.len())
    }
}

impl PackedProject {
    /// Packs.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it cannot be written as JSON, which no project does.
    pub fn new(project: &Project) -> Result<Self, StoreError> {
        let mut out = BufWriter::new(ZlibEncoder::new(Vec::new(), Compression::fast()));
        serde_json::to_writer(&mut out, project)?;
        out.flush().map_err(broken)?;
        let stream = out.into_inner().map_err(|e| broken(e.into_error()))?;
        Ok(Self(stream.finish().map_err(broken)?))
    }

    /// As it was stored: packed, or as plain JSON, which the first versions stored.
    pub(crate) const fn stored(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// Unpacks.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] if it is not what was packed.
    pub fn unpack(&self) -> Result<Project, StoreError> {
        // JSON of a project is an object; no zlib stream begins with a brace.
        if self.0.first() == Some(&b'{') {
            return Ok(serde_json::from_slice(&self.0)?);
        }
        let mut json = Vec::new();
        BufReader::new(ZlibDecoder::new(self.0.as_slice()))
            .read_to_end(&mut json)
            .map_err(broken)?;
        Ok(serde_json::from_slice(&json)?)
    }
}

fn broken(error: std::io::Error) -> StoreError {
    serde_json::Error::io(error).into()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn project() -> Project {
        Project {
            flow_files: vec![("bot.flow".into(), "say \"Hello\"\n".repeat(500).into())],
            ..Project::default()
        }
    }

    #[test]
    fn a_project_comes_back_and_is_small_meanwhile() {
        let packed = PackedProject::new(&project()).unwrap();
        assert!(packed.bytes().len() < 1_000, "{packed:?}");
        assert_eq!(packed.unpack().unwrap(), project());
    }

    #[test]
    fn plain_json_of_an_older_version_is_read() {
        let plain = serde_json::to_vec(&project()).unwrap();
        assert_eq!(PackedProject::stored(plain).unpack().unwrap(), project());
    }

    #[test]
    fn what_was_cut_off_is_an_error() {
        let bytes = PackedProject::new(&project()).unwrap().0;
        let half = bytes.len() / 2;
        let cut = PackedProject::stored(bytes.into_iter().take(half).collect());
        assert!(cut.unpack().is_err());
    }
}
