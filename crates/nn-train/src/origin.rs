//! What the results of several workers depend on, besides their settings.

use std::path::Path;

use nn_files::regular_file;
use nn_settings::{Error, ErrorKind, Result};
use nn_tensor::InstructionSet;
use serde::{Deserialize, Serialize};

use crate::data::Data;
use crate::instruction_set;
use crate::run_dir::publish;

/// Name of the file in the folder of the claims.
const ORIGIN: &str = "origin.json";

/// The program, the data and the instruction set of a worker. Workers that share a list of work
/// must agree on them, because the results would depend on who does which part.
///
/// ```
/// use nn_train::{Data, DataRequest, Origin};
/// # use nn_train::{Settings, Threads};
///
/// # let folder = std::env::temp_dir().join(format!("nn-origin-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let settings = Settings { limit_train: Some(20), ..Settings::default() };
/// # let settings = Settings { data: Some("glyphs".to_owned()), ..settings };
/// let data = Data::for_training(&settings, "datasets".as_ref(), &Threads::new(1))?;
/// let origin = Origin::of(&data);
/// origin.agree_in(&folder)?; // the first worker
/// origin.agree_in(&folder)?; // a worker with the same data
/// assert_eq!(Origin::read(&folder)?, origin);
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), nn_train::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Origin {
    /// Version of the program.
    pub version: String,
    /// Name of the data set.
    pub dataset: String,
    /// SHA-256 of the data.
    pub data_sha256: String,
    /// SHA-256 of the weights that training starts from, if there are any.
    pub from_sha256: Option<String>,
    /// The instruction set, on which the last bits of the weights depend.
    pub instruction_set: String,
}

impl Origin {
    /// The origin of results of this process with these data.
    pub fn of(data: &Data) -> Self {
        let source = data.source.as_ref();
        Self {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            dataset: data.dataset.name.clone(),
            data_sha256: data.sha256(),
            from_sha256: source.map(|source| source.sha256().to_owned()),
            instruction_set: instruction_set::name().to_owned(),
        }
    }

    /// Reads the origin that the first worker has written to `folder`.
    ///
    /// # Errors
    /// Returns an error if the file is missing or damaged.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join(ORIGIN);
        let text = regular_file::read_text(&path)?;
        serde_json::from_str(&text).map_err(|error| {
            Error::new(ErrorKind::Data, format!("{}: {error}", path.display()))
                .with_help("restore the file, or start again under a different name")
        })
    }

    /// Writes this origin to `folder` if this is the first worker, and checks that it is that of
    /// the first worker.
    ///
    /// # Errors
    /// Returns [`ErrorKind::Usage`] with the first difference, and an error if the file cannot be
    /// written or read.
    #[expect(
        clippy::missing_panics_doc,
        reason = "an origin can always be written as JSON"
    )]
    pub fn agree_in(&self, folder: &Path) -> Result<()> {
        let json = serde_json::to_value(self).expect("an origin is plain JSON");
        publish(folder, ORIGIN, format!("{json:#}\n").as_bytes())?;
        let first = Self::read(folder)?;
        let different = first
            .texts()
            .into_iter()
            .zip(self.texts())
            .find(|(first, own)| first != own);
        let Some(((what, first), (_, own))) = different else {
            return Ok(());
        };
        let help = match what {
            "instruction set" => format!(
                "set {}={first} for all workers, or start again under a different name with an \
                 instruction set that all machines have",
                InstructionSet::VARIABLE
            ),
            _ => "use the same program and the same data on all machines, or choose another `name`"
                .to_owned(),
        };
        Err(Error::usage(format!(
            "{}: the first worker has {what} {first}; this worker has {own}",
            folder.parent().unwrap_or(folder).display()
        ))
        .with_help(help))
    }

    /// The parts that workers must agree on, with their names.
    fn texts(&self) -> [(&'static str, String); 4] {
        let from = self.from_sha256.as_deref().unwrap_or("none");
        [
            ("version", self.version.clone()),
            ("data with SHA-256", self.data_sha256.clone()),
            ("initial weights with SHA-256", from.to_owned()),
            ("instruction set", self.instruction_set.clone()),
        ]
    }
}
