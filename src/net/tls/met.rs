//! What a handshake meets on its way. One configuration serves all connections, so that sessions are resumed; what its
//! verifier is told of one of them comes back from here, also where the handshake fails.

use std::cell::RefCell;
use std::sync::Arc;

use crate::capture::{Certificate, CertificateRequest, Verified};

/// What was met.
#[derive(Default)]
pub(in crate::net) struct Met {
    /// The certificates that the server showed.
    pub(super) chain: Arc<[Certificate]>,
    pub(super) verified: Verified,
    /// Whether the server asked for a certificate.
    pub(super) asked: CertificateRequest,
    /// Which connection it is, where its secrets are written down, until that was said.
    pub(super) leg: Option<String>,
}

tokio::task_local! {
    static MET: RefCell<Met>;
}

/// Does `handshake`, and gives beside its outcome what it met. `leg` says which connection it is.
pub(in crate::net) async fn observed<T>(leg: Option<String>, handshake: impl Future<Output = T>) -> (T, Met) {
    let observed = async {
        let outcome = handshake.await;
        (outcome, MET.with(RefCell::take))
    };
    MET.scope(RefCell::new(Met { leg, ..Met::default() }), observed).await
}

/// Notes something about the handshake that is being done.
pub(super) fn note(what: impl FnOnce(&mut Met)) {
    // What is verified outside of a handshake is nobody's to hear of.
    let _ = MET.try_with(|met| what(&mut met.borrow_mut()));
}
