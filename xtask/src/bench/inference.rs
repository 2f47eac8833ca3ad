//! Inference with a 784-128-10 network: `nn`, PyTorch and ONNX Runtime with the same
//! weights.

use std::path::Path;

use super::environment;
use super::json::Json;
use super::ours::Nn;
use super::peers::{REQUIREMENTS, TORCH_REQUIREMENTS};
use super::program::Program;
use super::statistics::median;
use super::table::{Table, percent, ratio, three_digits};
use crate::error::{Error, Result};

const TRAINING: &str = "train --data mnist --hidden 128 --activation relu --batch-size 32 \
    --optimizer sgd --lr 0.1 --validation 0 --epochs 3";

/// The fields of a program's output, in microseconds per image, and their column titles.
const TIMES: [(&str, &str); 3] = [
    ("single", "one image, one thread"),
    ("batch", "1024 images, one thread"),
    ("batch_all_threads", "1024 images, all threads"),
];

/// A program that is measured.
struct Runner {
    title: &'static str,
    program: Result<Program>,
    measured: Vec<Json>,
    failure: Option<Error>,
}

/// Measures the programs in turn for `rounds` rounds and returns a table. Without peers,
/// only `nn` is measured.
pub(super) fn section(nn: &Nn, data: &Path, rounds: usize, with_peers: bool) -> Result<String> {
    let run = nn.run_folder("inference")?;
    let training: Vec<String> = TRAINING.split(' ').map(String::from).collect();
    nn.program.output(&nn.with_run(&training, &run))?;
    let model = run.join("model.safetensors").to_string_lossy().into_owned();
    let mut runners = vec![ours(data)?];
    if with_peers {
        runners.push(Runner::new(
            "ONNX Runtime",
            script(REQUIREMENTS, "predict_onnxruntime.py"),
        ));
        runners.push(Runner::new(
            "PyTorch",
            script(TORCH_REQUIREMENTS, "predict_torch.py"),
        ));
    }
    let folder = data.join("mnist").to_string_lossy().into_owned();
    for round in 0..rounds {
        for (index, runner) in runners.iter_mut().enumerate() {
            eprintln!("inference {}, round {}", runner.title, round + 1);
            let mut arguments = vec![model.clone()];
            if index > 0 {
                arguments.extend(["--data".to_owned(), folder.clone()]);
            }
            runner.measure(&arguments);
        }
    }
    table(&runners)
}

fn ours(data: &Path) -> Result<Runner> {
    let program = Program::cargo("-p nn-core --example inference_time", "inference_time")?;
    let program = program.environment("NN_DATA_DIR", data.to_string_lossy());
    Ok(Runner::new("**nn**", Ok(program)))
}

fn script(requirements: &str, name: &str) -> Result<Program> {
    environment::python(REQUIREMENTS)?;
    let python = environment::python(requirements)?;
    Ok(python.argument(environment::peers_folder().join(name)))
}

impl Runner {
    fn new(title: &'static str, program: Result<Program>) -> Self {
        Self {
            title,
            program,
            measured: Vec::new(),
            failure: None,
        }
    }

    fn measure(&mut self, arguments: &[String]) {
        if let (Ok(program), None) = (&self.program, &self.failure) {
            let output = program.output(arguments);
            match output.and_then(|output| Json::new(&program.name(), &output)) {
                Ok(json) => self.measured.push(json),
                Err(error) => self.failure = Some(error),
            }
        }
    }

    /// The median over the rounds.
    fn number(&self, name: &str) -> Result<f64> {
        let numbers: Result<Vec<f64>> =
            self.measured.iter().map(|json| json.number(name)).collect();
        Ok(median(&numbers?))
    }
}

fn table(runners: &[Runner]) -> Result<String> {
    let titles = TIMES.iter().flat_map(|(_, title)| [*title, "peer / nn"]);
    let mut table = Table::new(
        ["program"]
            .into_iter()
            .chain(titles)
            .chain(["test accuracy"]),
    );
    for runner in runners {
        let problem = runner.program.as_ref().err().or(runner.failure.as_ref());
        if let Some(error) = problem {
            table.row([runner.title.to_owned(), error.to_string().replace('|', "/")]);
            continue;
        }
        let mut cells = vec![runner.title.to_owned()];
        for (name, _) in TIMES {
            let time = runner.number(name)?;
            cells.push(format!("{} µs", three_digits(time)));
            cells.push(ratio(time / runners[0].number(name)?));
        }
        cells.push(percent(runner.number("accuracy")?));
        table.row(cells);
    }
    Ok(format!(
        "Time per image of a 784-128-10 network. All programs use the weights of one `nn {TRAINING}`.\n\n{}\n",
        table.markdown()
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_a_line() {
        let mut ours = Runner::new("nn", Ok(Program::new("nn")));
        let output =
            "{\"single\": 10.0, \"batch\": 4.0, \"batch_all_threads\": 2.0, \"accuracy\": 0.9}";
        ours.measured
            .push(Json::new("nn", output).expect("an object"));
        let other = Runner::new("ort", Err(Error::Nothing("no ort")));
        let text = table(&[ours, other]).expect("numbers are there");
        assert!(
            text.contains("10.0 µs | ") && text.contains("| ort     | "),
            "{text}"
        );
        assert!(text.contains("no ort"));
    }
}
