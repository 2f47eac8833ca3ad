//! `nn data convert`: converts a data set to a file of rows.

use std::path::{Path, PathBuf};

use clap::Args;
use indicatif::ProgressBar;
use nn_files::escaped_path;
use nn_image::ImageSize;
use nn_table::{Scaling, TargetTransform};
use nn_tensor::Threads;
use nn_train::settings::default;
use nn_train::{
    Choice, Conversion, Converted, Data, DataLoader, Error, Result, Run, Settings, flags, grouped,
    memory,
};

use super::table_info::TableArguments;
use crate::args::DataFolder;
use crate::exit;
use crate::progress::bar_style;
use crate::terminal;

#[derive(Args, Debug)]
#[command(after_help = "Examples:\n  \
    nn data convert clicks.csv --target clicked\n  \
    nn train --data clicks.nnrows\n  \
    nn data convert new-clicks.csv --run clicks-1 -o new.nnrows\n  \
    nn evaluate clicks-1 --data new.nnrows")]
pub(crate) struct ConvertArguments {
    /// Name from `nn data list`, folder of IDX or image files, or file with a table
    #[arg(value_name = "NAME|DIR|FILE", value_parser = flags::data_parser())]
    name: String,
    /// File to write [default: the name of the data set with the ending .nnrows]
    #[arg(long, short, value_name = "FILE.nnrows")]
    output: Option<PathBuf>,
    /// Encode the rows for this trained run: run directory, name of a run, or model file
    #[arg(long, value_name = "RUN")]
    run: Option<PathBuf>,
    /// Folder of the runs
    #[arg(long, value_name = "DIR", default_value = "runs")]
    runs_dir: PathBuf,
    /// Fraction of the training samples used for validation
    #[arg(long, value_name = "FRACTION", conflicts_with = "run")]
    validation: Option<f64>,
    /// Fraction of the samples used for testing, if the data set has no test samples
    #[arg(long, value_name = "FRACTION", conflicts_with = "run")]
    test_split: Option<f64>,
    /// Seed of the random split
    #[arg(long, value_name = "N", conflicts_with = "run")]
    seed: Option<u64>,
    #[command(flatten)]
    table: TableArguments,
    /// Column with the sample weights
    #[arg(long, value_name = "COLUMN")]
    sample_weight: Option<String>,
    /// Column with the group of each row; rows of one group belong to the same split
    #[arg(long, value_name = "COLUMN", conflicts_with = "order_by")]
    group: Option<String>,
    /// Column with the time of each row: the latest rows are the test rows
    #[arg(long, value_name = "COLUMN")]
    order_by: Option<String>,
    /// Column with the split of each row (train, validation or test)
    #[arg(long, value_name = "COLUMN", conflicts_with = "test_split")]
    split_column: Option<String>,
    /// Scaling of numeric inputs, as for `nn train`
    #[arg(long, value_name = "NAME")]
    scaling: Option<Choice<Scaling>>,
    /// Transform of a regression target: none, log or auto
    #[arg(long, value_name = "none|log|auto")]
    target_transform: Option<Choice<TargetTransform>>,
    /// Resize the images of a folder to this height and width
    #[arg(long, value_name = "HxW")]
    image_size: Option<Choice<ImageSize>>,
    /// Read a text table that is larger than memory in blocks, and fit types and preprocessing to N random training rows
    #[arg(long, value_name = "N", value_parser = fitted_rows(), conflicts_with_all = ["run", "group", "order_by", "split_column"])]
    fit_rows: Option<u32>,
    /// Number of rows per block [default: blocks of about 1 MiB]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    block_rows: Option<u32>,
    /// Number of blocks whose rows training shuffles together [default: 64]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=65536))]
    window_blocks: Option<u32>,
    #[command(flatten)]
    folder: DataFolder,
}

fn fitted_rows() -> impl clap::builder::TypedValueParser<Value = u32> {
    clap::value_parser!(u32).range(1..)
}

impl ConvertArguments {
    fn settings(&self) -> Settings {
        Settings {
            data: Some(self.name.clone()),
            validation: self.validation.or(Some(default::VALIDATION)),
            test_split: self.test_split.or(Some(default::TEST_SPLIT)),
            seed: self.seed,
            sample_weight: self.sample_weight.clone(),
            group: self.group.clone(),
            order_by: self.order_by.clone(),
            split_column: self.split_column.clone(),
            scaling: self.scaling.clone(),
            target_transform: self.target_transform.clone(),
            image_size: self.image_size.clone(),
            ..self.table.settings()
        }
    }

    /// The file to write, which must be new.
    fn output(&self) -> Result<PathBuf> {
        let path = match &self.output {
            Some(path) => path.clone(),
            None => {
                let source = escaped_path::path(&self.name);
                let stem = source.file_stem().unwrap_or(source.as_os_str());
                Path::new(stem).with_extension("nnrows")
            }
        };
        if !path.exists() {
            return Ok(path);
        }
        Err(Error::usage(format!(
            "{}: expected the name of a new file, found an existing one",
            path.display()
        ))
        .with_help("choose another file with --output"))
    }
}

pub(super) fn convert(arguments: &ConvertArguments) -> Result<()> {
    let path = arguments.output()?;
    let settings = arguments.settings();
    let conversion = Conversion {
        settings: &settings,
        block_rows: arguments.block_rows,
        window_blocks: arguments.window_blocks,
    };
    let converted = match arguments.fit_rows {
        Some(n_fitted) => stream(arguments, &conversion, n_fitted, &path)?,
        None => convert_in_memory(arguments, &conversion, &path)?,
    };
    print_converted(&converted, &path);
    Ok(())
}

/// Converts a text table in two passes over the file.
fn stream(
    arguments: &ConvertArguments,
    conversion: &Conversion<'_>,
    n_fitted: u32,
    path: &Path,
) -> Result<Converted> {
    let bar = bar("converting {bar:30} {bytes}/{total_bytes} in two passes  {eta} left");
    let show = |n_bytes, size| {
        bar.set_length(size);
        bar.set_position(n_bytes);
    };
    let progress = nn_table::Progress(&show);
    let converted = conversion.stream_table(&arguments.name, n_fitted as usize, path, progress);
    bar.finish_and_clear();
    let (converted, notes) = converted?;
    notes.iter().for_each(exit::note);
    Ok(converted)
}

fn convert_in_memory(
    arguments: &ConvertArguments,
    conversion: &Conversion<'_>,
    path: &Path,
) -> Result<Converted> {
    let data = load(arguments, conversion.settings)?;
    data.notes.iter().for_each(exit::note);
    let bar = bar("writing {bar:30} {human_pos}/{human_len} rows  {eta} left");
    let converted = conversion.write(&data, path, |n, all| {
        bar.set_length(all);
        bar.set_position(n);
    });
    bar.finish_and_clear();
    converted
}

/// Loads the data with its splits, or encodes all rows as the test rows of a run.
fn load(arguments: &ConvertArguments, settings: &Settings) -> Result<Data> {
    let (data_dir, threads) = (&arguments.folder.data_dir, Threads::all());
    if let Some(run) = &arguments.run {
        let run = Run::find(run, &arguments.runs_dir, false)?.with_data_dir(data_dir);
        return run.data_of(Some(&arguments.name));
    }
    let bar = bar("reading {bar:30} {bytes}/{total_bytes}  {eta} left");
    let show = |n_bytes, size| {
        bar.set_length(size);
        bar.set_position(n_bytes);
    };
    let data = DataLoader::new(data_dir, &threads)
        .with_progress(nn_table::Progress(&show))
        .load(settings);
    bar.finish_and_clear();
    data
}

/// A progress bar, which is shown on a terminal only.
fn bar(style: &str) -> ProgressBar {
    match terminal::is_interactive() {
        true => ProgressBar::no_length().with_style(bar_style(style)),
        false => ProgressBar::hidden(),
    }
}

fn print_converted(converted: &Converted, path: &Path) {
    let [train, validation, test] = converted.n_rows.map(|n| grouped(n as usize));
    terminal::line(format!(
        "{train} training, {validation} validation and {test} test rows in {} ({})",
        path.display(),
        memory::amount(converted.bytes)
    ));
}
