//! The commands `nn data list`, `nn data info`, `nn data convert`, `nn data fetch` and
//! `nn data export`.

mod table_info;
mod rows_info;
mod convert;

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::{Path, PathBuf};

use clap::builder::{PossibleValuesParser, TypedValueParser};
use clap::{Args, Subcommand};
use indicatif::ProgressBar;
use nn_data::catalog::{self, Source};
use nn_data::download::{self, Fetched, Origin, Progress, fetch};
use nn_files::{create_dir_all, escaped_path};
use nn_image::export::Format;
use nn_tensor::Threads;
use nn_train::data::{self, GLYPHS};
use nn_train::table::{is_rows_file, is_table};
use nn_train::{Data, Error, Note, Result, Settings, SplitOptions, flags, grouped};

use crate::args::DataFolder;
use crate::exit;
use crate::progress::bar_style;
use crate::terminal;
use convert::{ConvertArguments, convert};
use rows_info::rows_info;
use table_info::{TableArguments, table_info};

#[derive(Args, Debug)]
pub(crate) struct DataArguments {
    #[command(subcommand)]
    command: DataCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum DataCommand {
    /// List the data sets and whether they are in the data folder
    List {
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Show the contents of a data set, a table or a file of rows, and how a table will be read
    Info {
        /// Name from `nn data list`, folder of IDX or image files, or file with a table or rows
        #[arg(value_name = "NAME|DIR|FILE", value_parser = flags::data_parser())]
        name: String,
        #[command(flatten)]
        table: TableArguments,
        /// Print one JSON object; for tables and files of rows only
        #[arg(long)]
        json: bool,
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Convert a data set to a file of encoded rows, for training on data larger than memory
    Convert(Box<ConvertArguments>),
    /// Write a data set of images in another format
    #[command(after_help = "Examples:\n  \
        nn data export mnist --format png\n  \
        nn data export my-photos/ --format idx -o my-idx")]
    Export {
        /// Name from `nn data list`, folder of IDX or image files, or CSV file of images
        #[arg(value_name = "NAME|DIR|FILE.csv", value_parser = flags::data_parser())]
        name: String,
        /// IDX files like MNIST's, CSV files with the columns label,pixel0,..., or one folder of PNG files per class
        #[arg(long, value_parser = format_parser())]
        format: Format,
        /// Folder to create [default: the name of the data set and the format, such as mnist-png]
        #[arg(long, short, value_name = "DIR")]
        output: Option<PathBuf>,
        #[command(flatten)]
        folder: DataFolder,
    },
    /// Download data sets into the data folder
    Fetch {
        /// Names of data sets from `nn data list`
        #[arg(value_name = "NAME", default_value = "mnist")]
        names: Vec<String>,
        /// Local folder or URL of a different mirror
        #[arg(long, value_name = "DIR|URL")]
        from: Option<OsString>,
        /// Do not use the network: only check the files, or copy them from a folder
        #[arg(long)]
        offline: bool,
        #[command(flatten)]
        folder: DataFolder,
    },
}

pub(crate) fn run(arguments: &DataArguments) -> Result<()> {
    match &arguments.command {
        DataCommand::List { folder } => {
            list(&folder.data_dir);
            Ok(())
        }
        DataCommand::Info {
            name,
            table,
            json,
            folder,
        } => {
            let path = escaped_path::path(name);
            if is_rows_file(&path) {
                return rows_info(&path, *json);
            }
            if !is_table(&path) {
                return info(name, &folder.data_dir);
            }
            table_info(&path, &table.settings(), *json)
        }
        DataCommand::Convert(arguments) => convert(arguments),
        DataCommand::Export {
            name,
            format,
            output,
            folder,
        } => export(name, *format, output.as_deref(), &folder.data_dir),
        DataCommand::Fetch {
            names,
            from,
            offline,
            folder,
        } => {
            let origin = from.as_deref().map(OsStr::new).map(Origin::parse);
            // All names are checked before the first download starts.
            let sources: Vec<_> = names
                .iter()
                .map(|name| catalog::find(name))
                .collect::<Result<_, _>>()?;
            if *offline {
                check_offline(origin.as_ref())?;
            }
            sources.iter().try_for_each(|source| {
                let fetched = match &origin {
                    None if *offline => download::verify(source, &folder.data_dir)?,
                    origin => fetch_one(source, &folder.data_dir, origin.as_ref())?,
                };
                say_fetched(source, &fetched);
                Ok(())
            })
        }
    }
}

fn list(data_dir: &Path) {
    let width = data::names().map(str::len).max().unwrap_or(0);
    for source in catalog::ALL {
        let state = if source.is_present(data_dir) {
            "present"
        } else {
            "not downloaded"
        };
        terminal::line(format!(
            "{:width$}  {state:14}  {}",
            source.name, source.description
        ));
    }
    terminal::line(format!(
        "{GLYPHS:width$}  {:14}  generated handwritten digits",
        "built in"
    ));
}

fn info(name: &str, data_dir: &Path) -> Result<()> {
    if let Ok(source) = catalog::find(name) {
        describe(source, data_dir);
        if !source.is_present(data_dir) {
            return Ok(());
        }
    }
    let options = SplitOptions::new(&Settings::default())?;
    let loaded = data::load_dataset(name, data_dir, None, &options, &Threads::all())?;
    loaded.notes.iter().for_each(exit::note);
    let dataset = loaded.dataset;
    terminal::line(format!(
        "samples   {} training, {} test, with {} values each",
        grouped(dataset.train.len()),
        grouped(dataset.test.len()),
        dataset.n_inputs()
    ));
    if let Some((height, width)) = dataset.image_size {
        terminal::line(format!("images    {height} x {width} pixels"));
    }
    let n_classes = dataset.n_classes();
    if n_classes > 0 {
        terminal::line("classes   training      test");
        let counts = [&dataset.train, &dataset.test].map(|split| split.class_counts(n_classes));
        for (class, name) in dataset.class_names.iter().enumerate() {
            terminal::line(format!(
                "  {name:<10} {:>5} {:>9}",
                counts[0][class], counts[1][class]
            ));
        }
    }
    Ok(())
}

fn format_parser() -> impl TypedValueParser<Value = Format> {
    PossibleValuesParser::new(Format::ALL.map(Format::name)).try_map(|name| name.parse::<Format>())
}

/// Writes a data set into a new folder, which gets its name when it is complete.
fn export(name: &str, format: Format, output: Option<&Path>, data_dir: &Path) -> Result<()> {
    let settings = Settings {
        data: Some(name.to_owned()),
        ..Settings::default()
    };
    let data = Data::for_training(&settings, data_dir, &Threads::all())?;
    let is_about_images = |note: &&Note| matches!(note, Note::Images(_));
    data.notes
        .iter()
        .filter(is_about_images)
        .for_each(exit::note);
    let dataset = &data.dataset;
    let folder = match output {
        Some(folder) => folder.to_owned(),
        None => PathBuf::from(format!("{}-{format}", dataset.name)),
    };
    if folder.exists() {
        return Err(Error::usage(format!(
            "{}: expected the name of a new folder, found an existing one",
            folder.display()
        ))
        .with_help("choose another folder with --output"));
    }
    let mut partial = folder.clone().into_os_string();
    partial.push(".partial");
    let partial = PathBuf::from(partial);
    let io = |path: &Path| {
        let path = path.to_owned();
        move |error: std::io::Error| Error::io(&path, &error)
    };
    if partial.exists() {
        fs::remove_dir_all(&partial).map_err(io(&partial))?;
    }
    create_dir_all(&partial).map_err(|error| Error::io(&partial, &error))?;
    nn_image::export::write(dataset, format, &partial)?;
    fs::rename(&partial, &folder).map_err(io(&folder))?;
    terminal::line(format!(
        "{} training and {} test images in {}",
        grouped(dataset.train.len()),
        grouped(dataset.test.len()),
        folder.display()
    ));
    Ok(())
}

fn describe(source: &Source, data_dir: &Path) {
    terminal::line(format!("{}: {}", source.name, source.description));
    terminal::line(format!("license   {}", source.license));
    terminal::line(format!("cite      {}", source.citation));
    for file in source.files.all() {
        terminal::line(format!(
            "file      {}  {} bytes  SHA-256 {}",
            file.name, file.size, file.sha256
        ));
    }
    for mirror in source.mirrors {
        terminal::line(format!("mirror    {mirror}"));
    }
    if source.is_present(data_dir) {
        terminal::line(format!("present   {}", source.folder(data_dir).display()));
    } else {
        terminal::line(format!(
            "missing   to download it, run `{} data fetch {}`",
            terminal::program(),
            source.name
        ));
    }
}

fn check_offline(origin: Option<&Origin>) -> Result<()> {
    match origin {
        Some(Origin::Mirror(address)) => Err(Error::usage(format!(
            "--offline cannot be used with --from URL; found --from {address}"
        ))
        .with_help("set --from to a local folder, or leave out --offline")),
        _ => Ok(()),
    }
}

fn fetch_one(source: &Source, data_dir: &Path, origin: Option<&Origin>) -> Result<Fetched> {
    let mut display = Display::new();
    let mut show = |progress: Progress<'_>| display.show(progress);
    Ok(fetch(source, data_dir, origin, &mut show)?)
}

fn say_fetched(source: &Source, fetched: &Fetched) {
    let folder = fetched.folder.display();
    terminal::line(match fetched.new_files.len() {
        0 => format!("{}: already in {folder}, checksums match", source.name),
        n => {
            let files = terminal::counted(n, "file");
            format!("{}: {files} in {folder}, checksums match", source.name)
        }
    });
}

/// Download progress: one bar per file on a terminal, one line per file in a pipe.
struct Display {
    bar: Option<ProgressBar>,
}

impl Display {
    fn new() -> Self {
        let bar = terminal::is_interactive().then(|| {
            let style = "{prefix} {bar:30} {bytes}/{total_bytes}  {bytes_per_sec}  {eta} left";
            ProgressBar::new(0).with_style(bar_style(style))
        });
        Self { bar }
    }

    fn show(&mut self, progress: Progress<'_>) {
        match progress {
            Progress::Waiting => {
                self.say("another process is fetching the same data set; waiting for it");
            }
            Progress::Started {
                file,
                from,
                bytes,
                size,
            } => {
                if let Some(bar) = &self.bar {
                    bar.reset();
                    bar.set_length(size);
                    bar.set_position(bytes);
                    bar.set_prefix(file.to_owned());
                }
                let resumed = if bytes > 0 {
                    format!(", resumed at byte {bytes}")
                } else {
                    String::new()
                };
                self.say(&format!("{file} from {from}{resumed}"));
            }
            Progress::Advanced { bytes, .. } => {
                if let Some(bar) = &self.bar {
                    bar.set_position(bytes);
                }
            }
            Progress::Retrying {
                url,
                failure,
                pause,
            } => {
                self.say(&format!(
                    "{url}: {failure}; next attempt in {:.1} s",
                    pause.as_secs_f64()
                ));
            }
            Progress::GivenUp { url, failure } => self.say(&format!("{url}: {failure}; skipped")),
            Progress::Finished { .. } => {
                if let Some(bar) = &self.bar {
                    bar.finish_and_clear();
                }
            }
        }
    }

    fn say(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.suspend(|| terminal::line(text)),
            None => terminal::line(text),
        }
    }
}
