//! Progress display of a training run: a bar and curves on a terminal, lines in a
//! pipe, JSON for programs.

mod curve;
mod dashboard;

use std::cell::RefCell;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};
use nn_core::training::{BatchReport, EpochReport};
use serde_json::json;

use crate::exit::as_typed;
use crate::terminal::{self, Line};
use dashboard::Dashboard;
use nn_train::{EpochMetrics, Note, grouped};

/// The minimum time between two updates of the display.
const REDRAW: Duration = Duration::from_millis(50);

/// The progress display of a training run.
#[derive(Debug)]
pub(crate) enum Progress {
    /// Lines of finished epochs, and below them a bar and the curves.
    Live(Box<Live>),
    /// Lines of finished epochs.
    Lines,
    /// A JSON object for each finished epoch.
    Json,
}

/// A progress bar and curves on a terminal.
#[derive(Debug)]
pub(crate) struct Live {
    /// Draws the lines of the dashboard, and clears them to print others.
    bar: ProgressBar,
    dashboard: Dashboard,
    drawn: Instant,
    /// Lines of epochs that are not printed yet: clearing the dashboard for every line
    /// takes longer than an epoch of a small network.
    waiting: RefCell<Vec<String>>,
}

/// The style of a bar that shows how much of a file has been read or downloaded.
pub(crate) fn bar_style(template: &str) -> ProgressStyle {
    let style = ProgressStyle::with_template(template).expect("the template is valid");
    style.progress_chars("━╸─")
}

impl Live {
    fn new() -> Self {
        let bar = ProgressBar::no_length();
        bar.set_style(ProgressStyle::with_template("{msg}").expect("the template is valid"));
        Self {
            bar,
            dashboard: Dashboard::new(),
            drawn: Instant::now(),
            waiting: RefCell::default(),
        }
    }

    fn is_due(&self) -> bool {
        self.drawn.elapsed() >= REDRAW
    }

    fn draw(&mut self) {
        self.drawn = Instant::now();
        self.show(&[]);
        let lines = self.dashboard.lines(terminal::width());
        self.bar.set_message(lines.join("\n"));
    }

    /// Prints the waiting lines, and then `more`, above the dashboard.
    fn show(&self, more: &[String]) {
        let waiting = self.waiting.take();
        if !(waiting.is_empty() && more.is_empty()) {
            self.bar
                .suspend(|| waiting.iter().chain(more).for_each(terminal::report));
        }
    }
}

impl Progress {
    pub(crate) fn new(json: bool, plain: bool) -> Self {
        if json {
            Self::Json
        } else if plain || !terminal::can_redraw() {
            Self::Lines
        } else {
            Self::Live(Box::new(Live::new()))
        }
    }

    /// Reads a data set, with a bar while it reads a large table.
    pub(crate) fn while_reading<T>(&self, read: impl FnOnce(nn_table::Progress<'_>) -> T) -> T {
        let Self::Live(_) = self else {
            return read(nn_table::Progress::NONE);
        };
        let style = bar_style("reading {bar:30} {bytes}/{total_bytes}  {eta} left");
        let bar = ProgressBar::no_length().with_style(style);
        let show = |n_bytes, size| {
            bar.set_length(size);
            bar.set_position(n_bytes);
        };
        let result = read(nn_table::Progress(&show));
        bar.finish_and_clear();
        result
    }

    /// Prints a line for people; prints nothing with `--json`.
    pub(crate) fn say(&self, text: &str) {
        match self {
            Self::Live(live) => {
                let lines = wrapped(&text.safe(), terminal::width());
                live.show(&lines);
            }
            Self::Lines => terminal::report(text),
            Self::Json => {}
        }
    }

    /// Prints the notes about the data, with the command that downloads MNIST.
    pub(crate) fn notes(&self, notes: &[Note]) {
        for note in notes {
            let hint = match note {
                Note::BuiltInDigits if terminal::is_run_by_cargo() => {
                    "; to download MNIST, run `cargo xtask fetch-data`"
                }
                Note::BuiltInDigits => "; to download MNIST, run `nn data fetch`",
                _ => "",
            };
            self.note(&format!("{note}{hint}"));
        }
    }

    /// Prints a note.
    pub(crate) fn note(&self, text: &str) {
        let text = &as_typed(text);
        match self {
            Self::Json => terminal::report(json!({ "event": "note", "text": text })),
            _ => self.say(&format!("note: {text}")),
        }
    }

    /// Prints a warning; the training run continues.
    pub(crate) fn warn(&self, text: &str) {
        match self {
            Self::Json => terminal::report(json!({ "event": "warning", "text": text })),
            _ => self.say(&format!("warning   {text}")),
        }
    }

    /// Updates the display after a batch. `seconds` is the time since the start of the
    /// epoch.
    pub(crate) fn batch(&mut self, report: &BatchReport, n_epochs: usize, seconds: f64) {
        if let Self::Live(live) = self
            && live.is_due()
        {
            live.dashboard.batch(report, n_epochs, seconds);
            live.draw();
        }
    }

    /// Adds the finished epochs of a resumed run to the curves.
    pub(crate) fn recall(&mut self, finished: &[EpochMetrics]) {
        if let Self::Live(live) = self {
            for epoch in finished {
                live.dashboard.record(
                    epoch.epoch,
                    [Some(epoch.train_loss), epoch.train_accuracy],
                    [epoch.validation_loss, epoch.validation_accuracy],
                );
            }
        }
    }

    /// Updates the display after an epoch.
    pub(crate) fn epoch(
        &mut self,
        report: &EpochReport,
        metrics: &EpochMetrics,
        n_epochs: usize,
        n_samples: usize,
    ) {
        let seconds = metrics.train_seconds;
        let line = |width| epoch_line(report, n_epochs, n_samples, seconds, width);
        let is_shown = is_shown(report.epoch, n_epochs) || report.is_stopping;
        match self {
            Self::Json => terminal::report(epoch_json(metrics)),
            Self::Lines if is_shown => terminal::report(line(usize::MAX)),
            Self::Lines => {}
            Self::Live(live) => {
                if is_shown {
                    live.waiting.get_mut().push(line(terminal::width()));
                }
                live.dashboard.epoch(report, n_epochs);
                if live.is_due() {
                    live.draw();
                }
            }
        }
    }

    /// Removes the bar and leaves the curves.
    pub(crate) fn finish(&self) {
        if let Self::Live(live) = self {
            live.show(&[]);
            live.bar.finish_and_clear();
            let curves = live.dashboard.curves(terminal::width());
            if !curves.is_empty() {
                terminal::report("");
            }
            curves.iter().for_each(terminal::report);
        }
    }
}

/// Returns `true` for the epochs whose lines are printed: all of them, or about 50 if there are
/// more than 100.
fn is_shown(epoch: usize, n_epochs: usize) -> bool {
    let every = match n_epochs {
        ..=100 => 1,
        _ => n_epochs.div_ceil(50),
    };
    epoch == 1 || epoch == n_epochs || epoch.is_multiple_of(every)
}

/// Width of the label of a line for people, and indentation of its continuation lines.
const INDENT: usize = 10;

/// Wraps a line for people between words into lines of at most `width` columns.
fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_inclusive(' ') {
        let line = lines.last().map_or(0, |line| line.chars().count());
        let is_full = line + word.trim_end().chars().count() > width;
        if is_full && line > INDENT {
            lines.push(" ".repeat(INDENT));
        }
        if let Some(line) = lines.last_mut() {
            line.push_str(word);
        }
    }
    lines
        .iter()
        .map(|line| line.trim_end().to_owned())
        .collect()
}

/// Formats an epoch as a line of at most `width` columns, or as the shortest possible line.
fn epoch_line(
    report: &EpochReport,
    n_epochs: usize,
    n_samples: usize,
    seconds: f64,
    width: usize,
) -> String {
    let digits = n_epochs.to_string().len();
    let epoch = format!("{:>digits$}/{n_epochs}", report.epoch);
    let validation = report.validation.as_ref();
    let text = |name: &str, [loss, accuracy]: [&str; 2]| {
        let numbers = match name {
            "" => [Some(report.train_loss), report.train_accuracy],
            _ => [
                validation.map(|it| it.loss),
                validation.and_then(|it| it.accuracy),
            ],
        };
        let loss = numbers[0].map(|value| format!("{name}{loss}{value:.4}"));
        let share = numbers[1].map(|_| format!("  {accuracy}{}", terminal::percent(numbers[1])));
        loss.unwrap_or_default() + &share.unwrap_or_default()
    };
    let names = ["loss ", "accuracy "];
    let explained = validation
        .and_then(|it| it.regression.as_ref()?.r_squared)
        .map_or_else(String::new, |r| format!("  R² {r:.4}"));
    let train = text("", names);
    let held_back = match validation {
        Some(_) => format!("   {}{explained}", text("validation ", names)),
        None => String::new(),
    };
    let time = terminal::seconds(seconds);
    let rate = grouped((n_samples as f64 / seconds.max(1e-9)) as usize);
    let names = ["loss ", ""];
    let brief = [text("", names), text("validation ", names)].join("   ");
    let short = [text("", ["", ""]), text("validation ", ["", ""])].join("  ");
    let lines = [
        format!("epoch {epoch}  {train}{held_back}   {time}  {rate} samples/s"),
        format!("epoch {epoch}  {train}{held_back}   {time}"),
        format!("epoch {epoch}  {train}{held_back}"),
        format!("epoch {epoch}  {}   {time}", brief.trim_end()),
        format!("epoch {epoch}  {}", brief.trim_end()),
        format!("{epoch}  {}", short.trim_end()),
        format!("{epoch}  {}", short.trim_end().replace("validation ", "")),
    ];
    let [.., shortest] = &lines;
    let fits = |line: &&String| line.chars().count() <= width;
    lines.iter().find(fits).unwrap_or(shortest).clone()
}

fn epoch_json(metrics: &EpochMetrics) -> serde_json::Value {
    let mut object = serde_json::to_value(metrics).expect("metrics are plain JSON");
    object["event"] = "epoch".into();
    object
}

#[cfg(test)]
mod tests {
    use nn_core::metrics::Evaluation;

    use super::*;

    #[test]
    fn about_50_of_many_epochs_are_shown() {
        let shown = |n_epochs| -> Vec<usize> {
            let epochs = 1..=n_epochs;
            epochs.filter(|&epoch| is_shown(epoch, n_epochs)).collect()
        };
        assert_eq!(shown(100).len(), 100);
        assert_eq!(shown(500).len(), 51);
        assert_eq!(shown(500)[..3], [1, 10, 20]);
        assert_eq!(shown(101).last(), Some(&101));
        assert_eq!(shown(1), [1]);
    }

    fn report(validation: Option<Evaluation>) -> EpochReport {
        let mut report = EpochReport::default();
        (report.epoch, report.step, report.learning_rate) = (3, 30, 0.1);
        (report.train_loss, report.train_accuracy) = (0.25, Some(0.875));
        (report.validation, report.is_best) = (validation, true);
        report
    }

    fn evaluation() -> Evaluation {
        let mut evaluation = Evaluation::default();
        (evaluation.n_samples, evaluation.loss) = (100, 0.5);
        evaluation.accuracy = Some(0.75);
        evaluation
    }

    #[test]
    fn an_epoch_fits_its_terminal() {
        let report = report(Some(evaluation()));
        let line = |width| epoch_line(&report, 10, 1000, 2.0, width);
        let expected = [
            (
                usize::MAX,
                "epoch  3/10  loss 0.2500  accuracy 87.50 %   \
                 validation loss 0.5000  accuracy 75.00 %   2.00 s  500 samples/s",
            ),
            (
                79,
                "epoch  3/10  loss 0.2500  87.50 %   validation loss 0.5000  75.00 %   2.00 s",
            ),
            (60, " 3/10  0.2500  87.50 %  validation 0.5000  75.00 %"),
            (39, " 3/10  0.2500  87.50 %  0.5000  75.00 %"),
        ];
        for (width, expected) in expected {
            assert_eq!(line(width), expected);
        }
        let shortest = line(39).chars().count();
        for width in shortest..120 {
            assert!(line(width).chars().count() <= width, "{width}");
        }
    }

    #[test]
    fn an_epoch_without_validation() {
        let line = epoch_line(&report(None), 3, 1000, 2.0, usize::MAX);
        let expected = "epoch 3/3  loss 0.2500  accuracy 87.50 %   2.00 s  500 samples/s";
        assert_eq!(line, expected);
        let line = epoch_line(&report(None), 3, 1000, 2.0, 1);
        assert_eq!(line, "3/3  0.2500  87.50 %");
    }

    #[test]
    fn lines_are_cut_between_words() {
        let text = "data      mnist: 54 000 training samples";
        assert_eq!(wrapped(text, 80), [text]);
        let expected = [
            "data      mnist: 54",
            "          000 training",
            "          samples",
        ];
        assert_eq!(wrapped(text, 22), expected);
        assert_eq!(
            wrapped("anything at all", 0)
                .join(" ")
                .matches("all")
                .count(),
            1
        );
        assert_eq!(wrapped("", 10), [""]);
    }
}
