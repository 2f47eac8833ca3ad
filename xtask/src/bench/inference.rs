//! Inference with two trained networks: `nn`, PyTorch and ONNX Runtime with the same weights.

use std::path::Path;

use super::environment;
use super::json::Json;
use super::ours::Nn;
use super::peers::{REQUIREMENTS, TORCH_REQUIREMENTS};
use super::program::Program;
use super::statistics::median;
use super::table::{Table, ratio, thousands, three_digits};
use super::workloads::{self, Workload};
use crate::error::{Error, Result};

/// The workloads that train the networks, and the batch sizes. Single rows are measured,
/// too.
const NETWORKS: [(&str, &[usize]); 2] = [("mini32", &[1024]), ("tab64", &[64, 8192])];

/// Number of epochs of a training run.
const EPOCHS: usize = 3;

/// A program that is measured.
struct Runner {
    title: &'static str,
    program: Result<Program>,
    measured: Vec<Json>,
    failure: Option<Error>,
}

/// Measures the programs in turn for `rounds` rounds and returns one table per network.
/// Without peers, only `nn` is measured.
pub(super) fn section(nn: &Nn, data: &Path, rounds: usize, with_peers: bool) -> Result<String> {
    let mut text = String::new();
    for (name, sizes) in NETWORKS {
        let workload = workloads::find(name).ok_or(Error::Nothing(
            "a workload of the part inference is missing",
        ))?;
        text.push_str(&of_network(nn, data, workload, sizes, rounds, with_peers)?);
    }
    Ok(text)
}

fn of_network(
    nn: &Nn,
    data: &Path,
    workload: &Workload,
    sizes: &[usize],
    rounds: usize,
    with_peers: bool,
) -> Result<String> {
    workloads::write_tables(&[workload])?;
    let run = nn.run_folder("inference")?;
    let training = workload.nn_arguments(EPOCHS, 0);
    nn.program.output(&nn.with_run(&training, &run))?;
    let model = run.join("model.safetensors");
    let arguments = arguments(&model, &workload.data_path(data), sizes);
    let mut runners = vec![Runner::new("**nn**", Ok(ours()?))];
    if with_peers {
        let onnx_runtime = script(REQUIREMENTS, "predict_onnxruntime.py");
        runners.push(Runner::new("ONNX Runtime", onnx_runtime));
        let torch = script(TORCH_REQUIREMENTS, "predict_torch.py");
        runners.push(Runner::new("PyTorch", torch));
    }
    for round in 0..rounds {
        for runner in &mut runners {
            eprintln!("inference {}, round {}", runner.title, round + 1);
            runner.measure(&arguments);
        }
    }
    Ok(format!(
        "Time per row of a {} network. All programs use the weights of one training run of `nn`: \
         {EPOCHS} epochs of {}, seed 0.\n\n{}\n",
        workload.network(),
        workload.name,
        table(&runners, workload, sizes)?
    ))
}

/// The arguments of all programs.
fn arguments(model: &Path, data: &Path, sizes: &[usize]) -> Vec<String> {
    let sizes: Vec<String> = sizes.iter().map(usize::to_string).collect();
    let [model, data] = [model, data].map(|path| path.to_string_lossy().into_owned());
    let [data_flag, sizes_flag] = ["--data", "--batches"].map(String::from);
    vec![model, data_flag, data, sizes_flag, sizes.join(",")]
}

fn ours() -> Result<Program> {
    Program::cargo("-p nn-core --example inference_time", "inference_time")
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

    /// The medians over the rounds, in microseconds per row: single rows, then the batches
    /// on one thread, then the batches on all threads.
    fn times(&self) -> Result<Vec<f64>> {
        let rounds: Result<Vec<Vec<f64>>> = self.measured.iter().map(times_of).collect();
        let rounds = rounds?;
        let n_times = rounds.first().map_or(0, Vec::len);
        let median_of =
            |index: usize| median(&rounds.iter().map(|times| times[index]).collect::<Vec<_>>());
        Ok((0..n_times).map(median_of).collect())
    }

    /// The median over the rounds.
    fn number(&self, name: &str) -> Result<f64> {
        let numbers: Result<Vec<f64>> =
            self.measured.iter().map(|json| json.number(name)).collect();
        Ok(median(&numbers?))
    }
}

fn times_of(json: &Json) -> Result<Vec<f64>> {
    let mut times = vec![json.number("single")?];
    times.extend(json.numbers("batches")?);
    times.extend(json.numbers("batches_all_threads")?);
    Ok(times)
}

fn table(runners: &[Runner], workload: &Workload, sizes: &[usize]) -> Result<String> {
    let metric = workload.metric();
    let batches = ["one thread", "all threads"]
        .into_iter()
        .flat_map(|threads| sizes.iter().map(move |&size| batch_title(size, threads)));
    let titles = std::iter::once("1 row, one thread".to_owned()).chain(batches);
    let titles = titles.flat_map(|title| [title, "peer / nn".to_owned()]);
    let mut table = Table::new(
        std::iter::once("program".to_owned())
            .chain(titles)
            .chain([format!("test {}", metric.name())]),
    );
    let ours = runners[0].times()?;
    for runner in runners {
        let problem = runner.program.as_ref().err().or(runner.failure.as_ref());
        if let Some(error) = problem {
            table.row([runner.title.to_owned(), error.to_string().replace('|', "/")]);
            continue;
        }
        let mut cells = vec![runner.title.to_owned()];
        for (time, ours) in runner.times()?.iter().zip(&ours) {
            cells.push(format!("{} µs", three_digits(*time)));
            cells.push(ratio(time / ours));
        }
        cells.push(metric.text(runner.number(metric.name())?));
        table.row(cells);
    }
    Ok(table.markdown())
}

fn batch_title(size: usize, threads: &str) -> String {
    format!("{} rows, {threads}", thousands(size as f64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_that_is_not_there_is_a_line() {
        let mut ours = Runner::new("nn", Ok(Program::new("nn")));
        let output = "{\"single\": 10.0, \"batches\": [4.0, 3.0], \
            \"batches_all_threads\": [2.0, 1.5], \"loss\": 0.125}";
        ours.measured
            .push(Json::new("nn", output).expect("an object"));
        let mut twice = Runner::new("twice", Ok(Program::new("twice")));
        let output = output.replace("[2.0, 1.5]", "[2.0, 3.0]");
        twice
            .measured
            .push(Json::new("twice", &output).expect("an object"));
        let other = Runner::new("ort", Err(Error::Nothing("no ort")));
        let workload = workloads::find("tab64").expect("there");
        let text = table(&[ours, twice, other], workload, &[64, 8192]).expect("numbers are there");
        assert!(
            text.contains("10.0 µs | ") && text.contains("| ort     | "),
            "{text}"
        );
        assert!(text.contains("| 8 192 rows, all threads | peer / nn | test loss |"));
        assert!(text.contains("|                 3.00 µs |    2.00 x |    0.1250 |"));
        assert!(text.contains("no ort"));
    }
}
