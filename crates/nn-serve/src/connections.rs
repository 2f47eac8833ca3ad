//! The open connections: at most [`MAX`], event streams included.
//!
//! When all connections are in use, a new connection evicts the one that has waited longest
//! for a complete request. Slow clients therefore do not exhaust the connections
//! (slowloris), and idle connections of a browser do no harm. If every connection is
//! busy with a request, the new connection is refused.
//!
//! An event stream keeps its connection busy until the stream ends, so at most
//! [`MAX_STREAMS`] of the connections may be streams, and a new stream evicts the oldest.
//! The other connections remain available for short requests.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Notify;

/// Largest number of connections.
const MAX: usize = 32;

/// Largest number of event streams: one per visible page is enough.
const MAX_STREAMS: usize = MAX / 2;

/// The open connections, oldest first; a stream counts from its start.
#[derive(Debug, Default)]
pub(crate) struct Connections {
    open: Mutex<Vec<Arc<Connection>>>,
    count: AtomicU64,
}

/// The state of one connection.
#[derive(Debug)]
pub(crate) struct Connection {
    number: u64,
    is_busy: AtomicBool,
    is_stream: AtomicBool,
    eviction: Notify,
}

impl Connections {
    /// Registers a new connection, evicting another one if necessary; `None` if all are
    /// busy.
    pub(crate) fn open(&self) -> Option<Arc<Connection>> {
        let mut open = self.lock();
        if open.len() == MAX {
            let waiting = open.iter().position(|connection| !connection.is_busy())?;
            open.remove(waiting).eviction.notify_one();
        }
        let connection = Arc::new(Connection {
            number: self.count.fetch_add(1, Ordering::Relaxed),
            is_busy: AtomicBool::new(false),
            is_stream: AtomicBool::new(false),
            eviction: Notify::new(),
        });
        open.push(Arc::clone(&connection));
        Some(connection)
    }

    /// Makes a connection an event stream, evicting the oldest stream if necessary.
    pub(crate) fn begin_stream(&self, connection: &Connection) {
        let mut open = self.lock();
        let is_other_stream = |other: &Connection| {
            other.is_stream.load(Ordering::Relaxed) && other.number != connection.number
        };
        if open.iter().filter(|other| is_other_stream(other)).count() >= MAX_STREAMS
            && let Some(oldest) = open.iter().position(|other| is_other_stream(other))
        {
            open.remove(oldest).eviction.notify_one();
        }
        // A page may ask for its stream on a connection that it opened long ago.
        let own = open
            .iter()
            .position(|other| other.number == connection.number);
        if let Some(own) = own {
            open[own..].rotate_left(1);
        }
        connection.is_stream.store(true, Ordering::Relaxed);
        connection.set_busy(true);
    }

    /// Removes a connection that has ended.
    pub(crate) fn close(&self, connection: &Connection) {
        self.lock()
            .retain(|other| other.number != connection.number);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Connection>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Connection {
    /// Whether a request is being answered.
    fn is_busy(&self) -> bool {
        self.is_busy.load(Ordering::Relaxed)
    }

    /// Sets whether a request is being answered.
    pub(crate) fn set_busy(&self, is_busy: bool) {
        self.is_busy.store(is_busy, Ordering::Relaxed);
    }

    /// Ends the event stream; the connection may be used again.
    pub(crate) fn end_stream(&self) {
        self.is_stream.store(false, Ordering::Relaxed);
        self.set_busy(false);
    }

    /// Waits until the connection is evicted.
    pub(crate) async fn evicted(&self) {
        self.eviction.notified().await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> (Connections, Vec<Arc<Connection>>) {
        let connections = Connections::default();
        let opened = (0..MAX).filter_map(|_| connections.open()).collect();
        (connections, opened)
    }

    fn numbers(connections: &Connections) -> Vec<u64> {
        let open = connections.lock();
        open.iter().map(|connection| connection.number).collect()
    }

    #[test]
    fn the_connection_that_has_waited_longest_is_evicted() {
        let (connections, opened) = full();
        assert_eq!(opened.len(), MAX);
        opened[0].set_busy(true);
        assert!(connections.open().is_some(), "opened[1] is evicted");
        let numbers = numbers(&connections);
        assert!(numbers.contains(&0) && !numbers.contains(&1));
        assert_eq!(numbers.len(), MAX);
    }

    #[test]
    fn no_busy_connection_is_evicted() {
        let (connections, opened) = full();
        opened
            .iter()
            .for_each(|connection| connection.set_busy(true));
        assert!(connections.open().is_none());
        connections.close(&opened[7]);
        let left = numbers(&connections);
        assert!(left.len() == MAX - 1 && !left.contains(&7));
        assert!(connections.open().is_some());
    }

    #[test]
    fn a_new_stream_evicts_the_oldest_one() {
        let (connections, opened) = full();
        for connection in &opened {
            connections.begin_stream(connection);
        }
        let newest: Vec<u64> = (MAX_STREAMS as u64..MAX as u64).collect();
        assert_eq!(numbers(&connections), newest);
        // A stream that has ended is not counted.
        opened[MAX - 1].end_stream();
        let next = connections.open().expect("half of the places are free");
        connections.begin_stream(&next);
        assert_eq!(numbers(&connections).len(), MAX_STREAMS + 1);
        // The same connection may begin another stream.
        connections.begin_stream(&next);
        assert_eq!(numbers(&connections).len(), MAX_STREAMS + 1);
    }

    #[test]
    fn the_age_of_a_stream_counts_not_that_of_its_connection() {
        let connections = Connections::default();
        let page = connections.open().expect("all places are free");
        for _ in 0..MAX_STREAMS - 1 {
            let other = connections.open().expect("some places are free");
            connections.begin_stream(&other);
        }
        connections.begin_stream(&page);
        let next = connections.open().expect("half of the places are free");
        connections.begin_stream(&next);
        let numbers = numbers(&connections);
        assert!(numbers.contains(&page.number) && !numbers.contains(&1));
    }
}
