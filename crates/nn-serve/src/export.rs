//! `POST /api/export`: a network as a file in another format, as `nn export` writes it.

use hyper::StatusCode;
use hyper::header::{CONTENT_DISPOSITION, HeaderValue};
use nn_core::Model;
use nn_export::{ExportedModel, InputForm};
use nn_train::{Error, ErrorKind, grouped};
use serde::Deserialize;

use crate::app::App;
use crate::json_body;
use crate::reply::{Refusal, Reply};

/// Number of random rows on which the file is compared with the network.
const N_CHECKED: usize = 32;

/// Largest number of parameters of a network in source code, which has about ten bytes per
/// parameter.
const MAX_SOURCE_PARAMETERS: usize = 2_000_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ExportRequest {
    network: String,
    format: Format,
}

#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Format {
    Onnx,
    C,
    Safetensors,
}

impl Format {
    /// Ending of the file name.
    fn ending(self) -> &'static str {
        match self {
            Self::Onnx => "onnx",
            Self::C => "c",
            Self::Safetensors => "safetensors",
        }
    }
}

/// Responds with the file; the header `Content-Disposition` has its name.
pub(crate) fn export(app: &App, body: &[u8]) -> Result<Reply, Refusal> {
    let request: ExportRequest = json_body::parse(body)?;
    let model = app.network(&request.network)?;
    let name = file_name(&request.network, app.networks.opened().map(|it| it.name()));
    let bytes = bytes_of(&model, request.format)?;
    let disposition = format!(
        "attachment; filename=\"{name}.{}\"",
        request.format.ending()
    );
    let disposition = HeaderValue::from_str(&disposition).expect("the name is plain text");
    let reply = Reply::file("application/octet-stream", bytes);
    Ok(reply.with_header(CONTENT_DISPOSITION, disposition))
}

/// The file name without its ending: the name of the run, or `network`.
fn file_name(id: &str, opened: Option<&str>) -> String {
    let name = match id.split_once(':') {
        Some(("run", name)) => name,
        _ if id == "opened" => opened.unwrap_or_default(),
        _ => "",
    };
    let name = name.trim_end_matches(".safetensors");
    let last = name.rsplit(['/', '\\']).find(|part| !part.is_empty());
    let is_plain = |c: &char| c.is_ascii_alphanumeric() || "-_.+=".contains(*c);
    let plain: String = last.unwrap_or_default().chars().filter(is_plain).collect();
    match plain.trim_start_matches('.') {
        "" => "network".to_owned(),
        plain => plain.to_owned(),
    }
}

fn bytes_of(model: &Model, format: Format) -> Result<Vec<u8>, Refusal> {
    let n_parameters = model.network.parameters().len();
    if format == Format::C && n_parameters > MAX_SOURCE_PARAMETERS {
        return Err(Reply::refuse(
            StatusCode::UNPROCESSABLE_ENTITY,
            &format!(
                "the page writes source code of networks of at most {} parameters, but this \
                 network has {}",
                grouped(MAX_SOURCE_PARAMETERS),
                grouped(n_parameters)
            ),
            "save the run, and use `nn export` in a terminal",
        ));
    }
    if format == Format::Safetensors {
        return Ok(model.to_bytes()?);
    }
    let bytes = || -> nn_export::Result<Vec<u8>> {
        let exported = ExportedModel::new(model)?;
        let rows = exported.random_values(N_CHECKED, 0);
        exported.check(&rows)?;
        match format {
            Format::C => Ok(exported.to_c(&rows)?.into_bytes()),
            _ => exported.to_onnx(InputForm::Values),
        }
    };
    bytes().map_err(|error| {
        let help = error.help();
        let error = Error::new(ErrorKind::Data, error);
        match help {
            Some(help) => error.with_help(help).into(),
            None => error.into(),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_after_runs() {
        assert_eq!(file_name("run:mnist-1", None), "mnist-1");
        assert_eq!(file_name("training", Some("runs/a")), "network");
        assert_eq!(file_name("training:1", None), "network");
        assert_eq!(file_name("opened", Some("runs/a/")), "a");
        assert_eq!(
            file_name("opened", Some("old model.safetensors")),
            "oldmodel"
        );
        assert_eq!(file_name("opened", Some("..\"\r\n")), "network");
    }
}
