//! Helpers for tests: temporary folders, gzip, small IDX files.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use flate2::Compression;
use flate2::write::GzEncoder;
use nn_data::idx::{Idx, IdxData};

/// A temporary folder, removed when it is dropped.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("nn-data-test-{}-{number}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).expect("the temporary folder is writable");
        Self(folder)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn file(&self, name: &str, bytes: &[u8]) -> PathBuf {
        let path = self.0.join(name);
        write(&path, bytes);
        path
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        fs::remove_dir_all(&self.0).ok();
    }
}

pub(crate) fn write(path: &Path, bytes: &[u8]) {
    let folder = path.parent().expect("a file is in a folder");
    fs::create_dir_all(folder).expect("the temporary folder is writable");
    fs::write(path, bytes).expect("the temporary folder is writable");
}

pub(crate) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).expect("memory can be written");
    encoder.finish().expect("memory can be written")
}

pub(crate) fn bytes(idx: &Idx) -> Vec<u8> {
    let mut bytes = Vec::new();
    idx.write(&mut bytes).expect("memory can be written");
    bytes
}

/// `n` images of 2 x 3 pixels, all different.
pub(crate) fn images(n: usize) -> Vec<u8> {
    bytes(&Idx {
        dims: vec![n, 2, 3],
        data: IdxData::U8((0..n * 6).map(|i| (i % 251) as u8).collect()),
    })
}

pub(crate) fn labels(labels: &[u8]) -> Vec<u8> {
    bytes(&Idx {
        dims: vec![labels.len()],
        data: IdxData::U8(labels.to_vec()),
    })
}
