//! The list of all checks, in the order in which they run, and the problems that each problem
//! can cause.

use super::case::Case;
use super::finding::Finding;
use super::{
    epochs, fit, guessing, initial_weights, leak, learning_rate, neurons, objective, overfitting,
    samples, shift, targets,
};

/// A check of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Check {
    ConstantTarget,
    InputScale,
    Outliers,
    Leak,
    Duplicates,
    AbsentClass,
    Loss,
    Output,
    InitialWeights,
    StrongRegularization,
    Diverged,
    RateTooHigh,
    NarrowLayer,
    DeadNeurons,
    SaturatedNeurons,
    VanishingGradients,
    Unpredictable,
    RateTooLow,
    Unfinished,
    TooFewEpochs,
    Underfitting,
    UnbalancedClasses,
    Overfitting,
    Shift,
    Guessing,
}

use Check::{
    AbsentClass, ConstantTarget, DeadNeurons, Diverged, Duplicates, Guessing, InitialWeights,
    InputScale, Leak, Loss, NarrowLayer, Outliers, Output, Overfitting, RateTooHigh, RateTooLow,
    SaturatedNeurons, Shift, StrongRegularization, TooFewEpochs, UnbalancedClasses, Underfitting,
    Unfinished, Unpredictable, VanishingGradients,
};

impl Check {
    /// All checks, causes before symptoms: first the data, then what prevents learning,
    /// then what limits it, at last what remains to be seen in the predictions.
    pub(super) const ALL: [Self; 25] = [
        ConstantTarget,
        InputScale,
        Outliers,
        Leak,
        Duplicates,
        AbsentClass,
        Loss,
        Output,
        InitialWeights,
        StrongRegularization,
        Diverged,
        RateTooHigh,
        NarrowLayer,
        DeadNeurons,
        SaturatedNeurons,
        VanishingGradients,
        Unpredictable,
        RateTooLow,
        Unfinished,
        TooFewEpochs,
        Underfitting,
        UnbalancedClasses,
        Overfitting,
        Shift,
        Guessing,
    ];

    /// The problem that the check finds, as a heading.
    pub(super) fn name(self) -> &'static str {
        match self {
            ConstantTarget => "constant target",
            AbsentClass => "class without training samples",
            NarrowLayer => "hidden layer too narrow",
            Shift => "test samples differ from the training samples",
            InputScale => "inputs not scaled",
            Outliers => "outliers in an input",
            Leak => "target leakage",
            Duplicates => "test rows duplicate training rows",
            Loss => "loss does not fit the task",
            Output => "output does not fit the targets",
            InitialWeights => "unsuitable initial weights",
            StrongRegularization => "regularization too strong",
            Diverged => "diverged",
            RateTooHigh => "learning rate too high",
            DeadNeurons => "dead neurons",
            SaturatedNeurons => "saturated neurons",
            VanishingGradients => "vanishing gradients",
            RateTooLow => "learning rate too low",
            Unfinished => "unfinished",
            TooFewEpochs => "stopped too soon",
            Underfitting => "underfitting",
            Unpredictable => "target not predictable from the inputs",
            Overfitting => "overfitting",
            UnbalancedClasses => "unbalanced classes",
            Guessing => "no better than the baseline",
        }
    }

    pub(super) fn find(self, case: &Case<'_>) -> Finding {
        match self {
            ConstantTarget => targets::constant(case),
            AbsentClass => targets::absent_class(case),
            NarrowLayer => fit::narrow_layer(case),
            Shift => shift::shift(case),
            InputScale => samples::scale(case),
            Outliers => samples::outliers(case),
            Leak => leak::leak(case),
            Duplicates => samples::duplicates(case),
            Loss => objective::loss(case),
            Output => objective::output(case),
            InitialWeights => initial_weights::initial_weights(case),
            StrongRegularization => fit::strong_regularization(case),
            Diverged => learning_rate::diverged(case),
            RateTooHigh => learning_rate::too_high(case),
            DeadNeurons => neurons::dead(case),
            SaturatedNeurons => neurons::saturated(case),
            VanishingGradients => neurons::vanishing(case),
            RateTooLow => learning_rate::too_low(case),
            Unfinished => epochs::unfinished(case),
            TooFewEpochs => epochs::too_few(case),
            Underfitting => fit::underfitting(case),
            Unpredictable => guessing::unpredictable(case),
            Overfitting => overfitting::overfitting(case),
            UnbalancedClasses => samples::balance(case),
            Guessing => guessing::guessing(case),
        }
    }

    /// The problems that this problem can cause. If a cause and its consequence are both found,
    /// changes are proposed for the cause only: fixing the cause may also remove the
    /// consequence.
    pub(super) fn explains(self) -> &'static [Self] {
        match self {
            // Nothing can be learned from such targets.
            ConstantTarget => &[
                AbsentClass,
                Loss,
                Output,
                InitialWeights,
                StrongRegularization,
                Diverged,
                RateTooHigh,
                NarrowLayer,
                DeadNeurons,
                SaturatedNeurons,
                VanishingGradients,
                Unpredictable,
                RateTooLow,
                TooFewEpochs,
                Underfitting,
                Shift,
                UnbalancedClasses,
                Overfitting,
                Guessing,
            ],
            InputScale | InitialWeights | StrongRegularization => &[
                Diverged,
                RateTooHigh,
                NarrowLayer,
                DeadNeurons,
                SaturatedNeurons,
                VanishingGradients,
                Unpredictable,
                RateTooLow,
                TooFewEpochs,
                Underfitting,
                UnbalancedClasses,
                Overfitting,
                Guessing,
            ],
            // One extreme value makes all others in its column nearly equal.
            Outliers => &[
                InitialWeights,
                StrongRegularization,
                Diverged,
                RateTooHigh,
                NarrowLayer,
                SaturatedNeurons,
                Unpredictable,
                RateTooLow,
                TooFewEpochs,
                Underfitting,
                UnbalancedClasses,
                Guessing,
            ],
            // These make a run look better than it is.
            Leak | Duplicates => &[],
            AbsentClass => &[Overfitting, Shift, Guessing],
            Loss | Output => &[
                NarrowLayer,
                Unpredictable,
                RateTooLow,
                TooFewEpochs,
                Underfitting,
                UnbalancedClasses,
                Overfitting,
                Guessing,
            ],
            Diverged | RateTooHigh => &[
                RateTooHigh,
                NarrowLayer,
                DeadNeurons,
                SaturatedNeurons,
                VanishingGradients,
                Unpredictable,
                RateTooLow,
                TooFewEpochs,
                Underfitting,
                UnbalancedClasses,
                Overfitting,
                Guessing,
            ],
            // A network that learns too little is not to be regularized or made smaller.
            NarrowLayer => &[
                DeadNeurons,
                SaturatedNeurons,
                VanishingGradients,
                RateTooLow,
                TooFewEpochs,
                Underfitting,
                UnbalancedClasses,
                Overfitting,
                Guessing,
            ],
            DeadNeurons | SaturatedNeurons | VanishingGradients => &[
                VanishingGradients,
                Unpredictable,
                RateTooLow,
                TooFewEpochs,
                Underfitting,
                UnbalancedClasses,
                Guessing,
            ],
            // The simple predictors do not depend on the settings of the network.
            Unpredictable => &[
                TooFewEpochs,
                Underfitting,
                Shift,
                UnbalancedClasses,
                Overfitting,
                Guessing,
            ],
            // A rare class needs its weight with any rate, number of epochs and network.
            RateTooLow => &[TooFewEpochs, Underfitting, Overfitting, Guessing],
            Unfinished => &[TooFewEpochs, Underfitting, Guessing],
            TooFewEpochs => &[Underfitting, Guessing],
            Underfitting => &[Overfitting, Guessing],
            UnbalancedClasses | Overfitting | Shift => &[Guessing],
            Guessing => &[],
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn all_checks_are_in_the_order_of_the_diagnosis() {
        let names: HashSet<_> = Check::ALL.iter().map(|check| check.name()).collect();
        assert_eq!(names.len(), Check::ALL.len());
        // The last variant of the enumeration is the last of as many checks.
        assert_eq!(Guessing as usize + 1, Check::ALL.len());
        for (place, check) in Check::ALL.iter().enumerate() {
            assert_eq!(*check as usize, place, "{check:?}");
        }
    }

    /// The advice against overfitting would contradict a larger network or larger steps.
    #[test]
    fn problems_of_a_network_that_learns_too_little_explain_overfitting() {
        for cause in [NarrowLayer, Underfitting, RateTooLow, Loss, Output] {
            assert!(cause.explains().contains(&Overfitting), "{cause:?}");
        }
    }

    #[test]
    fn the_settings_of_a_network_do_not_make_the_target_unpredictable() {
        for cause in [
            RateTooLow,
            TooFewEpochs,
            Unfinished,
            Underfitting,
            NarrowLayer,
        ] {
            assert!(!cause.explains().contains(&Unpredictable), "{cause:?}");
        }
    }

    /// Except itself: a list is shared by problems that explain the same.
    #[test]
    fn a_problem_explains_only_later_ones() {
        for check in Check::ALL {
            for symptom in check.explains() {
                assert!(*symptom as usize >= check as usize, "{check:?} {symptom:?}");
            }
        }
    }
}
