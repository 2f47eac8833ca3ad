//! The blocks of inputs that are in memory, read by position and evicted by last use.
//!
//! Blocks are read by [`File`] offset and not mapped into memory: with a memory map, a file that
//! shrinks during training would end the program with a signal instead of an error.

use std::collections::HashSet;
use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use nn_files::regular_file::read_exact_at;

use crate::block_table::BlockTable;
use crate::error::{Error, Result};
use crate::layout::RowSizes;

/// The blocks of a file, some of which are in memory.
#[derive(Debug)]
pub(crate) struct BlockCache {
    path: PathBuf,
    file: File,
    table: BlockTable,
    sizes: RowSizes,
    /// Maximum number of blocks in memory.
    capacity: AtomicUsize,
    slots: RwLock<Slots>,
    /// The blocks that a thread is reading.
    reading: Mutex<HashSet<usize>>,
    /// Notified when a thread has read a block.
    is_read: Condvar,
    /// Counts the blocks that were read, as the time of the last use of a block.
    clock: AtomicU64,
}

/// The blocks in memory.
#[derive(Debug)]
pub(crate) struct Slots {
    slots: Vec<Option<Slot>>,
    n_blocks: usize,
}

#[derive(Debug)]
struct Slot {
    inputs: Arc<Vec<u8>>,
    last_use: AtomicU64,
}

impl Slots {
    /// The inputs of a block, if they are in memory, and notes their use.
    #[inline]
    pub(crate) fn get(&self, block: usize, now: u64) -> Option<&Arc<Vec<u8>>> {
        let slot = self.slots[block].as_ref()?;
        // A store in each access would make the threads wait for one another.
        if slot.last_use.load(Ordering::Relaxed) != now {
            slot.last_use.store(now, Ordering::Relaxed);
        }
        Some(&slot.inputs)
    }

    fn insert(&mut self, block: usize, inputs: Arc<Vec<u8>>, now: u64) {
        let slot = Slot {
            inputs,
            last_use: AtomicU64::new(now),
        };
        if self.slots[block].replace(slot).is_none() {
            self.n_blocks += 1;
        }
    }

    /// Removes the block that was not used for the longest time.
    fn evict(&mut self) {
        let blocks = self.slots.iter().enumerate();
        let used = blocks.filter_map(|(block, slot)| {
            let last_use = slot.as_ref()?.last_use.load(Ordering::Relaxed);
            Some((last_use, block))
        });
        if let Some((_, block)) = used.min() {
            self.slots[block] = None;
            self.n_blocks -= 1;
        }
    }
}

impl BlockCache {
    pub(crate) fn new(
        path: PathBuf,
        file: File,
        table: BlockTable,
        sizes: RowSizes,
        capacity: usize,
    ) -> Self {
        let slots = table.blocks().iter().map(|_| None).collect();
        Self {
            path,
            file,
            table,
            sizes,
            capacity: AtomicUsize::new(capacity),
            slots: RwLock::new(Slots { slots, n_blocks: 0 }),
            reading: Mutex::default(),
            is_read: Condvar::new(),
            clock: AtomicU64::new(0),
        }
    }

    pub(crate) fn table(&self) -> &BlockTable {
        &self.table
    }

    /// Sets the maximum number of blocks in memory, for the blocks that are read from now on.
    pub(crate) fn set_capacity(&self, capacity: usize) {
        self.capacity.store(capacity, Ordering::Relaxed);
    }

    /// The blocks in memory, and the time for [`Slots::get`].
    pub(crate) fn in_memory(&self) -> (RwLockReadGuard<'_, Slots>, u64) {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        (slots, self.clock.load(Ordering::Relaxed))
    }

    pub(crate) fn has(&self, block: usize) -> bool {
        let (slots, _) = self.in_memory();
        slots.slots[block].is_some()
    }

    /// The inputs of a block, read from the file unless they are in memory or another thread is
    /// reading them.
    pub(crate) fn get(&self, block: usize) -> Result<Arc<Vec<u8>>> {
        let mut reading = self.reading();
        loop {
            let (slots, now) = self.in_memory();
            if let Some(inputs) = slots.get(block, now) {
                return Ok(inputs.clone());
            }
            drop(slots);
            if reading.insert(block) {
                break;
            }
            let woken = self.is_read.wait(reading);
            reading = woken.unwrap_or_else(PoisonError::into_inner);
        }
        drop(reading);
        let inputs = self.read_inputs(block).map(Arc::new);
        if let Ok(inputs) = &inputs {
            self.keep(block, inputs.clone());
        }
        self.reading().remove(&block);
        self.is_read.notify_all();
        inputs
    }

    fn keep(&self, block: usize, inputs: Arc<Vec<u8>>) {
        let now = self.clock.fetch_add(1, Ordering::Relaxed) + 1;
        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        while slots.n_blocks >= self.capacity.load(Ordering::Relaxed).max(1) {
            slots.evict();
        }
        slots.insert(block, inputs, now);
    }

    fn reading(&self) -> MutexGuard<'_, HashSet<usize>> {
        self.reading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads the inputs of a block from the file, and checks them.
    fn read_inputs(&self, block: usize) -> Result<Vec<u8>> {
        let place = self.table.blocks()[block];
        let n_bytes = place.n_rows * self.sizes.inputs;
        self.read_part(block, place.offset, n_bytes, place.inputs_crc32, "inputs")
    }

    /// Reads the targets and weights of a block from the file, and checks them.
    pub(crate) fn read_targets(&self, block: usize) -> Result<Vec<u8>> {
        let place = self.table.blocks()[block];
        let offset = place.offset + (place.n_rows * self.sizes.inputs) as u64;
        let n_bytes = place.n_rows * self.sizes.targets_and_weight;
        self.read_part(block, offset, n_bytes, place.targets_crc32, "targets")
    }

    fn read_part(
        &self,
        block: usize,
        offset: u64,
        n_bytes: usize,
        crc32: u32,
        what: &str,
    ) -> Result<Vec<u8>> {
        let mut bytes = vec![0; n_bytes];
        read_exact_at(&self.file, &mut bytes, offset).map_err(|source| match source.kind() {
            ErrorKind::UnexpectedEof => self.damaged(format!(
                "{what} of block {block}: the file became shorter while it was in use"
            )),
            _ => Error::Io {
                path: self.path.clone(),
                source,
            },
        })?;
        let found = crc32fast::hash(&bytes);
        if found == crc32 {
            return Ok(bytes);
        }
        Err(self.damaged(format!(
            "{what} of block {block} (at byte {offset}): expected CRC-32 {crc32:08x}, found {found:08x}"
        )))
    }

    fn damaged(&self, problem: String) -> Error {
        Error::Damaged {
            path: self.path.clone(),
            problem,
        }
    }
}
