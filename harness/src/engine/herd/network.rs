//! The faults of the network: against one answer, against one client, or against all.

use super::act::Cause;
use super::world::Herd;
use crate::catwalk::observe::Directive;
use crate::model::fault::Fault;
use crate::model::scenario::Target;
use crate::model::units::ClientId;

impl Herd<'_> {
    /// Puts a fault on the answer that waits for a directive, or lets it stand. Returns what the server
    /// is to do with that answer; `targets` is whom the fault hits, empty for everyone.
    pub(super) async fn fault(
        &mut self,
        fault: Fault,
        target: Option<Target>,
        cause: Cause,
        targets: &mut Vec<ClientId>,
    ) -> Result<Directive, String> {
        if cause.response && target.is_none() && !fault.is_at_door() {
            targets.extend(cause.client);
            return Ok(Directive::Fault(fault));
        }
        if target != Some(Target::Everyone) {
            *targets = self.targets(target, cause)?;
        }
        if targets.is_empty() && matches!(target, Some(Target::Fetcher | Target::Waiter)) {
            return Err("there is no such process".to_owned());
        }
        let everyone = targets.is_empty().then_some(None);
        for whom in targets.iter().copied().map(Some).chain(everyone) {
            // The server knows a session by the reading that it was started for.
            let whom = whom.map(|client| self.process_of(client));
            self.catwalk.impose(whom, fault).await.map_err(|error| error.to_string())?;
        }
        Ok(Directive::Proceed)
    }
}
