//! The last lines of the terminal during training: a bar and the curves so far, in two
//! columns if the terminal is wide enough.

use nn_core::training::{BatchReport, EpochReport};
use nn_plot::number::number;

use super::curve::{Curve, Scale};
use crate::terminal;
use nn_train::grouped;

/// Limits of the width of a curve.
const MAX_CURVE: usize = 30;
const MIN_CURVE: usize = 8;

/// Widths of the name and of the value of a curve.
const NAME: usize = 11;
const VALUE: usize = 9;

/// Minimum width for two curves per line.
const TWO_COLUMNS: usize = 2 * (NAME + MIN_CURVE + VALUE) + GAP;
const GAP: usize = 3;

/// Limits of the width of the bar.
const MAX_BAR: usize = 60;
const MIN_BAR: usize = 8;

/// The displayed state of a training run.
#[derive(Clone, Debug)]
pub(super) struct Dashboard {
    /// Current epoch, from 1, and number of epochs.
    epoch: usize,
    n_epochs: usize,
    /// Time in epochs.
    time: f64,
    seconds_left: f64,
    samples_per_second: f64,
    loss: Curve,
    accuracy: Curve,
    validation_loss: Curve,
    validation_accuracy: Curve,
}

impl Dashboard {
    pub(super) fn new() -> Self {
        Self {
            epoch: 1,
            n_epochs: 1,
            time: 0.0,
            seconds_left: 0.0,
            samples_per_second: 0.0,
            loss: Curve::new(Scale::Logarithmic),
            accuracy: Curve::new(Scale::Linear),
            validation_loss: Curve::new(Scale::Logarithmic),
            validation_accuracy: Curve::new(Scale::Linear),
        }
    }

    /// Records a batch. `seconds` is the time since the start of the epoch.
    pub(super) fn batch(&mut self, report: &BatchReport, n_epochs: usize, seconds: f64) {
        let done = report.batch as f64 / report.n_batches as f64;
        let before = (report.epoch - 1) as f64;
        if before + done < self.time && report.epoch == 1 {
            // A new training run starts.
            *self = Self::new();
        }
        self.epoch = report.epoch;
        self.n_epochs = n_epochs;
        self.time = before + done;
        self.seconds_left = seconds / done.max(1e-9) * (n_epochs as f64 - self.time);
        self.samples_per_second = (report.batch * report.n_samples) as f64 / seconds.max(1e-9);
        self.loss.add(self.time, report.epoch_loss);
        self.accuracy
            .add(self.time, report.epoch_accuracy.unwrap_or(f64::NAN));
    }

    /// Records an epoch.
    pub(super) fn epoch(&mut self, report: &EpochReport, n_epochs: usize) {
        let validation = report.validation.as_ref();
        let validation_accuracy = validation.and_then(|it| it.accuracy);
        self.n_epochs = n_epochs;
        self.record(
            report.epoch,
            [Some(report.train_loss), report.train_accuracy],
            [validation.map(|it| it.loss), validation_accuracy],
        );
    }

    /// Records training and validation loss and accuracy of an epoch.
    pub(super) fn record(
        &mut self,
        epoch: usize,
        train: [Option<f64>; 2],
        validation: [Option<f64>; 2],
    ) {
        self.epoch = epoch;
        self.time = epoch as f64;
        // Just before the end of the epoch, which is the start of the next epoch.
        let time = self.time - 1e-6;
        let curves = [
            (&mut self.loss, train[0]),
            (&mut self.accuracy, train[1]),
            (&mut self.validation_loss, validation[0]),
            (&mut self.validation_accuracy, validation[1]),
        ];
        for (curve, value) in curves {
            curve.add(time, value.unwrap_or(f64::NAN));
        }
    }

    /// The bar and the curves over all epochs, in lines of at most `width` columns.
    pub(super) fn lines(&self, width: usize) -> Vec<String> {
        let mut lines = vec![self.bar_line(width)];
        lines.extend(self.curve_lines(width, self.n_epochs as f64));
        lines
    }

    /// The curves so far, which stay on the screen; empty before the end of the first
    /// epoch.
    pub(super) fn curves(&self, width: usize) -> Vec<String> {
        if self.time < 1.0 {
            return Vec::new();
        }
        self.curve_lines(width, self.time)
    }

    fn bar_line(&self, width: usize) -> String {
        let digits = self.n_epochs.to_string().len();
        let epoch = format!("epoch {:>digits$}/{}", self.epoch, self.n_epochs);
        let left = format!("{} left", duration(self.seconds_left));
        let rate = grouped(self.samples_per_second as usize);
        let done = (self.time / self.n_epochs as f64).clamp(0.0, 1.0);
        let texts = [
            format!("{:>3.0} %  {left:<9}  {rate} samples/s", 100.0 * done),
            format!("{:>3.0} %  {left}", 100.0 * done),
            left,
        ];
        let room = |text: &String| {
            let texts = epoch.len() + text.chars().count() + 4;
            width.checked_sub(texts).filter(|&room| room >= MIN_BAR)
        };
        let fitting = texts.iter().find_map(|text| Some((text, room(text)?)));
        match fitting {
            Some((text, room)) => {
                let bar = bar(done, room.min(MAX_BAR));
                format!("{epoch}  {bar}  {text}")
            }
            None => epoch.chars().take(width).collect(),
        }
    }

    fn curve_lines(&self, width: usize, end: f64) -> Vec<String> {
        let columns = if width < TWO_COLUMNS { 1 } else { 2 };
        let room = (width + GAP) / columns - GAP;
        let Some(blocks) = room.checked_sub(NAME + VALUE) else {
            return Vec::new();
        };
        let cells = |name: &str, [first, second]: [&Curve; 2], text: fn(f64) -> String| {
            let cell = |name: &str, curve: &Curve| {
                let value = curve.last()?;
                let blocks = curve.blocks(blocks.min(MAX_CURVE), end);
                Some(format!("{name:<NAME$}{blocks}{:>VALUE$}", text(value)))
            };
            let pair = [cell(name, first), cell("validation", second)];
            pair.into_iter().flatten().collect::<Vec<_>>()
        };
        let losses = cells("loss", [&self.loss, &self.validation_loss], loss);
        let accuracies = [&self.accuracy, &self.validation_accuracy];
        let accuracies = cells("accuracy", accuracies, |accuracy| {
            terminal::percent(Some(accuracy))
        });
        let rows = [losses, accuracies];
        let rows = rows.iter().flat_map(|row| row.chunks(columns));
        rows.map(|cells| cells.join(&" ".repeat(GAP))).collect()
    }
}

/// A progress bar: `━━━━╸───` for a little more than half.
fn bar(done: f64, width: usize) -> String {
    let halves = (done * 2.0 * width as f64).round() as usize;
    let full = "━".repeat(halves / 2);
    let half = if halves.is_multiple_of(2) { "" } else { "╸" };
    format!("{full}{half}{}", "─".repeat(width - halves.div_ceil(2)))
}

/// A loss with four decimals, as in the lines of the epochs, if it fits.
fn loss(value: f64) -> String {
    if value.abs() < 1000.0 {
        format!("{value:.4}")
    } else {
        number(value)
    }
}

/// A duration: `7 s`, `3 min`, `2.5 h`.
fn duration(seconds: f64) -> String {
    if seconds < 100.0 {
        format!("{seconds:.0} s")
    } else if seconds < 6000.0 {
        format!("{:.0} min", seconds / 60.0)
    } else {
        format!("{:.1} h", seconds / 3600.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report(epoch: usize, batch: usize, loss: f64) -> BatchReport {
        let mut report = BatchReport::default();
        (report.epoch, report.batch, report.n_batches) = (epoch, batch, 4);
        (report.n_samples, report.learning_rate) = (100, 0.1);
        (report.loss, report.epoch_loss) = (loss, loss);
        report.epoch_accuracy = Some(1.0 - loss / 10.0);
        report
    }

    /// Five of ten epochs, and one batch.
    fn halfway() -> Dashboard {
        let mut dashboard = Dashboard::new();
        for epoch in 1..=5 {
            let loss = 1.0 / epoch as f64;
            dashboard.batch(&report(epoch, 2, loss), 10, 0.5);
            let accuracy = Some(1.0 - loss / 10.0);
            dashboard.record(epoch, [Some(loss), accuracy], [Some(2.0 * loss), accuracy]);
        }
        dashboard.batch(&report(6, 1, 0.18), 10, 0.25);
        dashboard
    }

    #[test]
    fn nothing_is_wider_than_the_terminal() {
        let mut huge = halfway();
        huge.record(6, [Some(1.2345e300), Some(1.0)], [Some(-1e12), None]);
        huge.n_epochs = 1_000_000;
        huge.seconds_left = f64::INFINITY;
        for dashboard in [&halfway(), &huge, &Dashboard::new()] {
            for width in 0..200 {
                for line in dashboard
                    .lines(width)
                    .iter()
                    .chain(&dashboard.curves(width))
                {
                    let found = line.chars().count();
                    assert!(found <= width, "{found} > {width}: {line}");
                }
            }
        }
    }

    #[test]
    fn wide_and_narrow() {
        let dashboard = halfway();
        assert_eq!(
            dashboard.lines(80),
            [
                "epoch  6/10  ━━━━━━━━━━━━━━━━━━────────────────   52 %  5 s left   400 samples/s",
                "loss       ██▅▅▄▄▂▂▁▁           0.1800   validation ██▅▅▃▃▂▂▁            0.4000",
                "accuracy   ▁▁▅▅▇▇▇▇██          98.20 %   validation ▁▁▅▅▇▇███           98.00 %",
            ]
        );
        assert_eq!(
            dashboard.lines(40),
            [
                "epoch  6/10  ━━━━━╸────   52 %  5 s left",
                "loss       ██▅▅▄▄▂▂▁▁▁            0.1800",
                "validation ██▅▅▃▃▂▂▁▁             0.4000",
                "accuracy   ▁▁▅▅▇▇▇▇███           98.20 %",
                "validation ▁▁▅▅▇▇████            98.00 %",
            ]
        );
        assert_eq!(dashboard.lines(12), ["epoch  6/10"]);
    }

    #[test]
    fn curves_stay_when_the_bar_goes() {
        let mut dashboard = Dashboard::new();
        dashboard.batch(&report(1, 3, 2.0), 10, 1.0);
        assert!(dashboard.curves(80).is_empty(), "no epoch is finished");
        dashboard.record(1, [Some(2.0), None], [None, None]);
        dashboard.record(2, [Some(1.0), None], [None, None]);
        let curves = dashboard.curves(80);
        assert_eq!(curves.len(), 2, "{curves:?}");
        assert!(
            curves[0].contains("██") && curves[0].ends_with("1.0000"),
            "{curves:?}"
        );
    }

    #[test]
    fn bars() {
        assert_eq!(bar(0.0, 4), "────");
        assert_eq!(bar(0.4, 4), "━╸──");
        assert_eq!(bar(1.0, 4), "━━━━");
    }
}
