//! Catalogues that the server does not serve: in a file for clients to publish, and built into the client.

use std::fs;
use std::path::Path;

use super::errand::Errand;
use super::world::Herd;
use crate::client::prepare::PrepareError;
use crate::model::client::{Client, UPDATE_EMBEDDED, is_of_kind};
use crate::model::record::Part;
use crate::model::units::Serial;

/// The catalogue that the processes of one wave are told to publish.
#[derive(Debug, Clone, Copy)]
pub struct Handed {
    part: Part,
    serial: Serial,
}

/// The bytes of the catalogue that is built into a client, where its description names a file of them.
///
/// # Errors
/// The file cannot be read. The user's mistake.
pub fn built_in(client: &Client, client_dir: &Path) -> Result<Option<Vec<u8>>, PrepareError> {
    let Some(name) = &client.files.embedded else { return Ok(None) };
    let read = fs::read(client_dir.join(name));
    read.map(Some).map_err(|error| PrepareError::NoEmbedded {
        client: client.name.clone(),
        file: name.clone(),
        problem: error.to_string(),
    })
}

impl Herd<'_> {
    /// The catalogue that a process is to publish, where that is not the server's. One in a file is made for the
    /// first process of a wave that is told it, and is the same for all others of the wave: who of them is the last to
    /// publish is nobody's choice.
    ///
    /// # Errors
    /// The file cannot be written.
    pub(super) fn hand_out(&mut self, errand: &Errand) -> Result<Option<Serial>, String> {
        let (client, _) = self.cast(errand);
        if is_of_kind(&errand.command, UPDATE_EMBEDDED) && client.files.embedded.is_some() {
            return Ok(Some(Serial::EMBEDDED));
        }
        if !client.publishes_file(&errand.command) {
            return Ok(None);
        }
        if let Some(handed) = self.handed.filter(|handed| handed.part == errand.part) {
            return Ok(Some(handed.serial));
        }
        let catalogue = self.catwalk.library().hand_out();
        let file = &self.disk.surroundings.catalogue_file;
        // The processes of earlier waves have ended, and nobody reads what they were told any more.
        fs::write(file, catalogue.body())
            .map_err(|error| format!("write {}: {error}", file.display()))?;
        self.disk.give_to_clients(file).map_err(|error| error.to_string())?;
        let serial = catalogue.serial();
        self.handed = Some(Handed { part: errand.part, serial });
        Ok(Some(serial))
    }
}
