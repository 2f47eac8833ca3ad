//! Loading a data set for settings that may get the default preset of tables.

use nn_settings::preset::MIN_SAMPLES_OF_DEFAULT;
use nn_settings::{Result, Settings};

use crate::data::Data;
use crate::table;

/// Loads the data for settings, and returns the settings with the default preset if the data are a
/// table that is large enough. The preset changes how the table is encoded.
///
/// # Errors
/// Returns the errors of `load`.
pub fn load(
    settings: Settings,
    load: impl Fn(&Settings) -> Result<Data>,
) -> Result<(Settings, Data)> {
    if let Some(preset) = table::with_default_preset(&settings) {
        let data = load(&preset)?;
        if !data.has_columns() {
            return Ok((settings, data));
        }
        if data.n_train() >= MIN_SAMPLES_OF_DEFAULT {
            return Ok((preset, data));
        }
    }
    let data = load(&settings)?;
    Ok((settings, data))
}
