//! The state that all requests share: networks, data sets, and the session.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use nn_core::Model;
use nn_train::Result;

use crate::access::Access;
use crate::dataset_cache::DatasetCache;
use crate::guard::Guard;
use crate::networks::Networks;
use crate::options::Options;
use crate::reply::Refusal;
use crate::session::Session;
use crate::snapshot::Snapshot;
use crate::training_request::TrainingRequest;

/// The state that all requests share.
#[derive(Debug)]
pub(crate) struct App {
    pub(crate) access: Access,
    pub(crate) guard: Guard,
    pub(crate) datasets: DatasetCache,
    pub(crate) networks: Networks,
    /// The name of the program in commands.
    pub(crate) program: String,
    session: Mutex<Option<Session>>,
    /// Locked while a session is started.
    pub(crate) starting: Mutex<()>,
    n_sessions: AtomicU64,
}

impl App {
    /// The state of a server on this port.
    pub(crate) fn new(options: &Options, networks: Networks, port: u16) -> Result<Self> {
        Ok(Self {
            access: Access::new(port)?,
            guard: Guard::new(port)?,
            datasets: DatasetCache::new(options.data_dir.clone()),
            networks,
            program: options.program.clone(),
            session: Mutex::new(None),
            starting: Mutex::new(()),
            n_sessions: AtomicU64::new(0),
        })
    }

    /// The session, if there is one.
    pub(crate) fn session(&self) -> MutexGuard<'_, Option<Session>> {
        self.session.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The number of a new session, from 1.
    pub(crate) fn next_session(&self) -> u64 {
        self.n_sessions.fetch_add(1, Ordering::Relaxed) + 1
    }

    /// The snapshot of the session, if there is one.
    pub(crate) fn snapshot(&self) -> Option<Arc<Snapshot>> {
        let session = self.session();
        session
            .as_ref()
            .map(|session| Arc::clone(&session.snapshot))
    }

    /// The network with this id, as in [`Networks::find`].
    pub(crate) fn network(&self, id: &str) -> Result<Arc<Model>, Refusal> {
        self.networks.find(id, self.snapshot().as_deref())
    }

    /// The training run that `flags` describe.
    ///
    /// # Errors
    /// Returns an error if the flags are invalid, or the training run is too large for the page.
    pub(crate) fn training_request(&self, flags: &[String]) -> Result<TrainingRequest> {
        TrainingRequest::new(flags, &self.datasets, &self.program)
    }
}
