//! The metrics of a network on samples.

use nn_core::metrics::{ConfusionMatrix, Evaluation, RegressionErrors, evaluate};
use nn_core::{Loss, Network, Samples};
use nn_metrics::{
    ClassMetrics, ClassPredictions, LabelMetrics, MeanEstimate, OutputErrors, ThresholdCounts,
    mean, wilson_interval,
};
use nn_settings::Result;
use nn_tensor::Threads;

use crate::constant_prediction::ConstantPrediction;
use crate::data::Data;
use crate::sample_outputs::{ClassOutputs, LabelOutputs, SampleOutputs, ValueOutputs};

/// The default probability threshold of a class or a label.
pub const DEFAULT_THRESHOLD: f64 = 0.5;

/// The metrics of a network on samples. Every sample counts once, except in the loss,
/// which is weighted with the sample weights.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub struct Metrics {
    /// Loss, accuracy and confusion matrix.
    pub evaluation: Evaluation,
    /// The baseline: the accuracy of always predicting the most frequent class of the
    /// training samples (for labels, the mean over the labels), or the root mean square
    /// error of predicting the training mean (the mean over the targets).
    pub baseline: Option<f64>,
    /// The constant prediction of the training samples, whose score is the baseline; `None` if
    /// the training samples are unknown, and the baseline is that of the evaluated samples.
    pub constant_prediction: Option<ConstantPrediction>,
    /// The baseline of each label or target; a single value for a classification.
    pub baselines: Vec<f64>,
    /// The 95 % confidence interval of the accuracy (Wilson).
    pub accuracy_interval: Option<(f64, f64)>,
    /// The metrics of a classification; the means over the labels if it is multi-label.
    pub classification: Option<ClassMetrics>,
    /// The metrics of each label of a multi-label classification.
    pub labels: Vec<LabelMetrics>,
    /// The errors of a regression in the units of the table.
    pub regression: Option<RegressionErrors>,
    /// The 95 % confidence interval of the mean absolute error of a regression.
    pub mean_absolute_interval: Option<(f64, f64)>,
    /// The 95 % confidence interval of the root mean square error of a regression with one
    /// target.
    pub root_mean_square_interval: Option<(f64, f64)>,
}

/// A network with the loss, the data set and the threads for its evaluation.
#[derive(Clone, Copy, Debug)]
pub struct Evaluator<'a> {
    /// The network to evaluate.
    pub network: &'a Network,
    /// The loss function.
    pub loss: Loss,
    /// The data set of the samples.
    pub data: &'a Data,
    /// The thread pool; no result depends on the number of threads.
    pub threads: &'a Threads,
}

impl Evaluator<'_> {
    /// Computes the metrics on samples. `thresholds` has one element for two classes, or one per
    /// label. By default, the most probable class and every label with a probability above 0.5 are
    /// predicted.
    ///
    /// # Errors
    /// Returns an error if the samples do not fit the network or cannot be read.
    pub fn metrics(&self, samples: &Samples<'_>, thresholds: Option<&[f64]>) -> Result<Metrics> {
        let evaluation = evaluate(self.network, samples, self.loss, self.threads)?;
        if evaluation.first_nonfinite.is_some() {
            return Ok(Metrics {
                evaluation,
                ..Metrics::default()
            });
        }
        let outputs = self.outputs(samples)?;
        let constant_prediction = ConstantPrediction::of_training(self.data)?;
        let baselines = match &constant_prediction {
            Some(of_training) => of_training.scores(&outputs),
            None => ConstantPrediction::fit(self.data, samples).scores(&outputs),
        };
        let mut metrics = Metrics {
            constant_prediction,
            baseline: mean(baselines.iter().copied()),
            baselines,
            regression: self.errors(&evaluation, &outputs),
            evaluation,
            ..Metrics::default()
        };
        match outputs {
            SampleOutputs::Classes(outputs) => metrics.add_classes(outputs, thresholds),
            SampleOutputs::Labels(outputs) => metrics.add_labels(&outputs, thresholds),
            SampleOutputs::Values(outputs) => metrics.add_error_intervals(&outputs),
        }
        let n_samples = metrics.evaluation.n_samples;
        let accuracy = metrics.evaluation.accuracy;
        metrics.accuracy_interval = accuracy.map(|it| wilson_interval(it, n_samples));
        Ok(metrics)
    }

    /// The errors of a regression in the units of the table; `None` for other tasks.
    fn errors(&self, evaluation: &Evaluation, outputs: &SampleOutputs) -> Option<RegressionErrors> {
        match outputs {
            SampleOutputs::Values(values) if !self.data.predictions_are_affine() => {
                let errors = |target| {
                    let predicted = values.predicted.column(target).copied();
                    OutputErrors::of_pairs(predicted.zip(values.actual.column(target).copied()))
                };
                let targets = 0..values.actual.n_columns();
                Some(RegressionErrors::new(targets.map(errors).collect()))
            }
            _ => self.data.errors_of(evaluation),
        }
    }

    /// The outputs of the network for samples, together with the targets.
    ///
    /// # Errors
    /// Returns an error if the samples do not fit the network or cannot be read.
    pub fn outputs(&self, samples: &Samples<'_>) -> Result<SampleOutputs> {
        SampleOutputs::new(self.network, self.loss, self.data, samples, self.threads)
    }

    /// The thresholds with the highest balanced accuracy on samples: one for two classes,
    /// or one per label. `None` if there are no samples, or if the outputs are not
    /// probabilities of two classes or of labels. A label that is true in all samples or
    /// in none has the threshold 0.5.
    ///
    /// # Errors
    /// Returns an error if the samples do not fit the network or cannot be read.
    pub fn best_thresholds(&self, samples: &Samples<'_>) -> Result<Option<Vec<f64>>> {
        if samples.is_empty() {
            return Ok(None);
        }
        let best = |scores: &[f64], is_true: &[bool]| {
            let counts = ThresholdCounts::new(scores, is_true, None);
            counts.best_threshold().unwrap_or(DEFAULT_THRESHOLD)
        };
        Ok(match self.outputs(samples)? {
            SampleOutputs::Classes(outputs)
                if outputs.are_probabilities && outputs.scores.n_columns() == 2 =>
            {
                let scores: Vec<f64> = outputs.scores.column(1).copied().collect();
                let is_second: Vec<bool> = outputs.classes.iter().map(|&it| it == 1).collect();
                Some(vec![best(&scores, &is_second)])
            }
            SampleOutputs::Labels(outputs) if outputs.are_probabilities => {
                let labels = 0..outputs.scores.n_columns();
                let of_label = |label| {
                    let (scores, is_true) = outputs.label(label);
                    best(&scores, &is_true)
                };
                Some(labels.map(of_label).collect())
            }
            _ => None,
        })
    }
}

impl Metrics {
    fn add_classes(&mut self, outputs: ClassOutputs, thresholds: Option<&[f64]>) {
        let outputs = match thresholds {
            Some(&[threshold]) => {
                let outputs = outputs.with_threshold(threshold);
                let mut confusion = ConfusionMatrix::new(outputs.scores.n_columns());
                for (&class, &predicted) in outputs.classes.iter().zip(&outputs.predicted) {
                    confusion.add(class as usize, predicted as usize);
                }
                self.evaluation.accuracy = Some(confusion.accuracy());
                self.evaluation.confusion = Some(confusion);
                outputs
            }
            _ => outputs,
        };
        self.classification = Some(ClassMetrics::new(ClassPredictions {
            scores: &outputs.scores,
            are_probabilities: outputs.are_probabilities,
            predicted: &outputs.predicted,
            classes: &outputs.classes,
            weights: None,
        }));
    }

    /// Adds the intervals of the mean of the absolute and of the squared errors.
    fn add_error_intervals(&mut self, outputs: &ValueOutputs) {
        let interval =
            |values: &[f64]| Some(MeanEstimate::of_independent(values)?.interval_of_positive());
        let errors = outputs.absolute_errors();
        self.mean_absolute_interval = interval(&errors);
        if outputs.actual.n_columns() == 1 {
            let squares: Vec<f64> = errors.iter().map(|error| error * error).collect();
            let root = |(low, high): (f64, f64)| (low.sqrt(), high.sqrt());
            self.root_mean_square_interval = interval(&squares).map(root);
        }
    }

    fn add_labels(&mut self, outputs: &LabelOutputs, thresholds: Option<&[f64]>) {
        let threshold_of = |label: usize| thresholds.and_then(|all| all.get(label).copied());
        let metrics = |label: usize| {
            let (scores, is_true) = outputs.label(label);
            let threshold = threshold_of(label).unwrap_or(DEFAULT_THRESHOLD);
            LabelMetrics::new(
                &scores,
                outputs.are_probabilities,
                &is_true,
                threshold,
                None,
            )
        };
        self.labels = (0..outputs.scores.n_columns()).map(metrics).collect();
        if thresholds.is_some() {
            self.evaluation.accuracy = mean(self.labels.iter().filter_map(|it| it.accuracy));
        }
        self.classification = Some(ClassMetrics::of_labels(&self.labels));
    }
}
