//! Files that are written and read again.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::thread;

use nn_files::disk::fault::{self, Fault};
use nn_rows::{
    Error, Inputs, Layout, LoadedTargets, Row, RowInputs, RowsFile, RowsWriter, Target, Targets,
};
use nn_samples::RowSource;

/// An empty folder.
fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("nn-rows-{name}-{}", std::process::id()));
    let _ = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).unwrap();
    folder
}

/// Blocks of 4 rows and windows of 2 blocks.
fn layout() -> Layout {
    Layout {
        has_weights: true,
        block_rows: 4,
        window_blocks: 2,
        ..Layout::new(3, Inputs::Values, Targets::Classes(5))
    }
}

fn inputs_of(row: u32) -> [f32; 3] {
    [row as f32, -(row as f32) / 3.0, 1.0 / (1.0 + row as f32)]
}

/// Writes 100 rows: every fifth row is a validation row, and every seventh of the others a
/// test row. Returns the source rows in the order of the file.
fn write(path: &std::path::Path) -> Result<Vec<u32>, Error> {
    let mut writer = RowsWriter::create(path, layout())?;
    let split = |row: u32| match row {
        _ if row.is_multiple_of(5) => 1,
        _ if row.is_multiple_of(7) => 2,
        _ => 0,
    };
    for row in 0..100 {
        let row_to_write = Row {
            inputs: RowInputs::Values(&inputs_of(row)),
            target: Target::Class(row % 5),
            weight: Some(row as f32 / 2.0),
        };
        writer.push(split(row), row_to_write)?;
    }
    writer.finish("digits".into())?;
    let mut rows: Vec<u32> = (0..100).collect();
    rows.sort_by_key(|&row| split(row));
    Ok(rows)
}

#[test]
fn rows_come_back_by_split_for_any_memory() {
    let folder = folder("split");
    let path = folder.join("a.nnrows");
    let rows = write(&path).unwrap();
    // 20 multiples of 5; 14 multiples of 7 from 7 to 98, without 35 and 70.
    for memory in [0, 300, u64::MAX] {
        let file = RowsFile::open(&path, memory).unwrap();
        assert_eq!(
            [0, 1, 2].map(|split| file.range(split)),
            [0..68, 68..88, 88..100]
        );
        assert_eq!(file.header().description, "digits");
        let (targets, weights) = file.read_targets().unwrap();
        let classes = rows.iter().map(|row| (row % 5) as u8).collect();
        assert_eq!(targets, LoadedTargets::ByteClasses(classes));
        let expected = rows.iter().map(|&row| row as f32 / 2.0).collect();
        assert_eq!(weights, Some(expected));
        let positions: Vec<u32> = (0..100).map(|i| i * 37 % 100).collect();
        let mut inputs = vec![0.0; 300];
        file.read(&positions, &mut inputs).unwrap();
        for (&position, inputs) in positions.iter().zip(inputs.chunks(3)) {
            assert_eq!(inputs, inputs_of(rows[position as usize]));
        }
        file.read(&[100], &mut inputs[..3]).unwrap_err();
    }
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn bytes_values_and_many_classes() {
    let folder = folder("types");
    let path = folder.join("a.nnrows");
    let layout = Layout::new(2, Inputs::Bytes { scale: 0.25 }, Targets::Classes(1000));
    let mut writer = RowsWriter::create(&path, layout).unwrap();
    let row = Row {
        inputs: RowInputs::Bytes(&[4, 255]),
        target: Target::Class(999),
        weight: None,
    };
    writer.push(2, row).unwrap();
    writer.finish(().into()).unwrap();
    let file = RowsFile::open(&path, 0).unwrap();
    let mut inputs = [0.0; 2];
    file.read(&[0], &mut inputs).unwrap();
    assert_eq!(inputs, [1.0, 63.75]);
    assert_eq!(
        file.read_targets().unwrap(),
        (LoadedTargets::Classes(vec![999]), None)
    );

    let layout = Layout::new(1, Inputs::Values, Targets::Values(2));
    let mut writer = RowsWriter::create(&path, layout).unwrap();
    let values = Target::Values(&[0.5, -1.0]);
    writer.push(0, Row::values(&[7.0], values)).unwrap();
    writer.finish(().into()).unwrap();
    let file = RowsFile::open(&path, 0).unwrap();
    let expected = LoadedTargets::Values(vec![0.5, -1.0]);
    assert_eq!(file.read_targets().unwrap(), (expected, None));
    fs::remove_dir_all(folder).unwrap();
}

/// Several threads read while the background thread reads the same blocks.
#[test]
fn threads_read_the_same_values() {
    let folder = folder("threads");
    let path = folder.join("a.nnrows");
    let rows = write(&path).unwrap();
    let file = RowsFile::open(&path, 0).unwrap();
    thread::scope(|scope| {
        for first in 0..4 {
            let (file, rows) = (&file, &rows);
            scope.spawn(move || {
                let mut inputs = [0.0; 3];
                for step in 0..5000_u32 {
                    let position = (step * 31 + first * 25) % 100;
                    file.prefetch(&[(position + 50) % 100]);
                    file.read(&[position], &mut inputs).unwrap();
                    assert_eq!(inputs, inputs_of(rows[position as usize]));
                }
            });
        }
    });
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn a_file_that_shrinks_is_an_error() {
    let folder = folder("shrink");
    let path = folder.join("a.nnrows");
    write(&path).unwrap();
    let file = RowsFile::open(&path, 0).unwrap();
    let mut row = [0.0; 3];
    file.read(&[0], &mut row).unwrap();
    let writable = OpenOptions::new().write(true).open(&path).unwrap();
    writable.set_len(200).unwrap();
    file.read(&[1], &mut row).unwrap();
    let error = file.read(&[99], &mut row).unwrap_err();
    assert!(
        error.to_string().contains("became shorter while"),
        "{error}"
    );
    assert_eq!(error.kind(), nn_error::ErrorKind::Data);
    fs::remove_dir_all(folder).unwrap();
}

#[test]
fn foreign_and_newer_files_are_named() {
    let folder = folder("foreign");
    let path = folder.join("a.nnrows");
    for text in ["", "NN", "a,b\n1,2\n"] {
        fs::write(&path, text).unwrap();
        let error = RowsFile::open(&path, 0).unwrap_err();
        assert!(matches!(error, Error::Foreign { .. }), "{error}");
    }
    write(&path).unwrap();
    let mut bytes = fs::read(&path).unwrap();
    let version = bytes.len() - 12;
    bytes[version] = 2;
    fs::write(&path, bytes).unwrap();
    let error = RowsFile::open(&path, 0).unwrap_err();
    let text = "file version 2; expected version 1 or lower";
    assert!(error.to_string().ends_with(text), "{error}");
    assert!(RowsFile::open(&folder, 0).is_err());
    fs::remove_dir_all(folder).unwrap();
}

/// Whatever operation fails, a file of the same name stays as it was, and no other file is left.
#[test]
fn a_full_disk_leaves_the_old_file() {
    const NO_SPACE: i32 = 28;
    let folder = folder("full");
    let path = folder.join("a.nnrows");
    let mut after = 0;
    loop {
        fs::write(&path, "old").unwrap();
        let fault = Fault {
            after,
            forever: false,
            error: NO_SPACE,
        };
        let (written, is_met) = fault::with(fault, || write(&path));
        if !is_met {
            written.unwrap();
            break;
        }
        let names: Vec<_> = fs::read_dir(&folder).unwrap().collect();
        assert_eq!(names.len(), 1, "{names:?}");
        if written.is_err() && fs::read(&path).unwrap() != b"old" {
            // The folder could not be synced after the file got its name.
            RowsFile::open(&path, 0).unwrap();
        }
        after += 1;
    }
    assert!(after > 10, "{after} operations");
    fs::remove_dir_all(folder).unwrap();
}
