//! The sixth round.

use super::{Base, Case, Cure, INITIAL_WEIGHTS, NO_TABLE, REGULARIZATION, Round, case};
use crate::doctor_tables as tables;

const MOONS: Base = Base::new(
    || tables::moons(500, 0.15, 61),
    "--hidden 32 --lr 0.01 --epochs 60",
);
const BLOBS: Base = Base::new(
    || tables::blobs(600, 6, 0.8, 62),
    "--hidden 16 --activation tanh --lr 0.01 --epochs 40",
);
const FRIEDMAN: Base = Base::new(
    || tables::friedman(1000, 1.0, 63),
    "--hidden 32 --lr 0.005 --epochs 60 --l2 0.001",
);
const TURNS: Base = Base::new(
    || tables::turns(800, 1.0, 64),
    "--hidden 64,64 --lr 0.005 --epochs 80",
);
const WAVE: Base = Base::new(
    || tables::wave(800, 0.2, 65),
    "--hidden 64 --activation tanh --lr 0.01 --epochs 100",
);
const TITANIC: Base = Base::new(
    || tables::public("titanic.csv"),
    "--target survived --ignore alive --hidden 8 --lr 0.003 --epochs 30 --patience 6",
);
const PENGUINS: Base = Base::new(
    || tables::public("penguins.csv"),
    "--target species --hidden 16 --lr 0.01 --epochs 40",
);
const MPG: Base = Base::new(
    || tables::public("mpg.csv"),
    "--target mpg --ignore name --hidden 16 --lr 0.01 --epochs 60 --l2 0.001",
);
const BANKNOTE: Base = Base::new(
    || tables::public("banknote.csv"),
    "--hidden 16 --lr 0.01 --epochs 40",
);
const PHONEME: Base = Base::new(
    || tables::public("phoneme.csv"),
    "--hidden 32 --lr 0.005 --epochs 30",
);
const MNIST: Base = Base::new(
    NO_TABLE,
    "mnist --limit-train 4000 --hidden 64 --epochs 10 --dropout 0.2",
);
const CALIFORNIA: Base = Base::new(
    || tables::first_rows(&tables::public("california.csv"), 4000),
    "--target median_house_value --hidden 32 --lr 0.003 --epochs 40",
);
const SEEDS: Base = Base::new(
    || tables::public("wheat-seeds.csv"),
    "--task classification --hidden 16 --lr 0.01 --epochs 60",
);
const ABALONE: Base = Base::new(
    || tables::public("abalone.csv"),
    "--task regression --hidden 16 --lr 0.003 --epochs 30",
);
const GERMAN: Base = Base::new(
    || tables::public("german.csv"),
    "--task classification --hidden 8 --lr 0.003 --epochs 40 --dropout 0.2 --patience 5",
);
const RARE: Base = Base::new(
    || tables::rare(1000, 12, 2.0, 66),
    "--hidden 8 --lr 0.01 --epochs 40 --class-weight balanced",
);
pub(super) const ROUND: Round = Round {
    title: "sixth",
    ill: ILL,
    healthy: HEALTHY,
};
const ILL: &[Case] = &[
    MOONS.ill(
        "moons, sgd with rate 50",
        "--optimizer sgd --lr 50",
        Cure::LowerRate,
    ),
    PENGUINS.ill("penguins, adam with rate 2", "--lr 2", Cure::LowerRate),
    CALIFORNIA.ill(
        "california, rmsprop with rate 0.3",
        "--optimizer rmsprop --lr 0.3",
        Cure::LowerRate,
    ),
    MNIST.ill(
        "digits of MNIST, nesterov with rate 1",
        "--optimizer nesterov --lr 1",
        Cure::LowerRate,
    ),
    BANKNOTE.ill(
        "banknotes, adam with rate 0.00001",
        "--lr 0.00001",
        Cure::HigherRate,
    ),
    ABALONE.ill(
        "abalone, sgd with rate 0.0001",
        "--optimizer sgd --lr 0.0001",
        Cure::HigherRate,
    ),
    TURNS.ill(
        "one turn of two spirals, momentum with rate 0.0001",
        "--optimizer momentum --lr 0.0001",
        Cure::HigherRate,
    ),
    MNIST.ill(
        "digits of MNIST, sgd with rate 0.0003",
        "--optimizer sgd --lr 0.0003",
        Cure::HigherRate,
    ),
    SEEDS.ill("wheat seeds, zeros", "--init zeros", INITIAL_WEIGHTS),
    MPG.ill(
        "miles per gallon, zeros with sigmoid",
        "--activation sigmoid --init zeros",
        INITIAL_WEIGHTS,
    ),
    BLOBS.ill(
        "six clusters, weights of standard deviation 15",
        "--init normal:std=15",
        INITIAL_WEIGHTS,
    ),
    MNIST.ill(
        "digits of MNIST, weights up to 2",
        "--init uniform:low=-2:high=2",
        INITIAL_WEIGHTS,
    ),
    WAVE.ill(
        "wave, weights of standard deviation 10",
        "--init normal:std=10",
        INITIAL_WEIGHTS,
    ),
    TURNS.ill(
        "one turn of two spirals, three neurons",
        "--hidden 3",
        Cure::LargerNetwork,
    ),
    PHONEME.ill("phonemes, one neuron", "--hidden 1", Cure::LargerNetwork),
    FRIEDMAN.ill("friedman, one neuron", "--hidden 1", Cure::LargerNetwork),
    BANKNOTE.ill(
        "banknotes, two epochs",
        "--epochs 2 --lr 0.003",
        Cure::MoreEpochs,
    ),
    CALIFORNIA.ill(
        "california, three epochs",
        "--epochs 3 --lr 0.001",
        Cure::MoreEpochs,
    ),
    MOONS.ill(
        "moons, eight epochs",
        "--epochs 8 --lr 0.003",
        Cure::MoreEpochs,
    ),
    GERMAN.ill(
        "german credit, 256 neurons and 100 epochs",
        "--hidden 256 --epochs 100 --dropout 0 --patience 0",
        REGULARIZATION,
    ),
    FRIEDMAN.ill(
        "friedman, 256 neurons, 80 rows",
        "--hidden 256,256 --limit-train 80 --epochs 300 --l2 0 --validation 0.3",
        REGULARIZATION,
    ),
    MNIST.ill(
        "digits of MNIST, 100 rows",
        "--limit-train 150 --hidden 256 --epochs 60 --dropout 0 --validation 0.3",
        REGULARIZATION,
    ),
    TITANIC.ill(
        "titanic, alive is an input",
        "--ignore deck",
        Cure::Flags("--ignore deck,alive"),
    ),
    RARE.ill(
        "a rare fault, no class weights",
        "--class-weight none",
        Cure::Setting(&["class-weight"]),
    ),
    MNIST.ill(
        "digits of MNIST, biases of -30",
        "--bias-init constant:value=-30",
        Cure::Setting(&["bias-init"]),
    ),
    PENGUINS.ill(
        "penguins, sigmoid with biases of 40",
        "--activation sigmoid --bias-init constant:value=40",
        Cure::Setting(&["bias-init"]),
    ),
    PHONEME.ill(
        "phonemes, one step per epoch",
        "--batch-size full",
        Cure::Setting(&["batch-size", "epochs"]),
    ),
    BLOBS.ill(
        "six clusters, batches of 400",
        "--batch-size 400 --optimizer sgd --lr 0.1 --epochs 10",
        Cure::Setting(&["batch-size", "epochs", "lr"]),
    ),
    WAVE.ill(
        "wave, momentum of 0.999",
        "--optimizer momentum:momentum=0.999 --lr 0.1",
        Cure::Setting(&["optimizer", "lr"]),
    ),
    TURNS.ill(
        "one turn of two spirals, l2 of 0.1",
        "--l2 0.1",
        Cure::Setting(&["l2"]),
    ),
    PHONEME.ill(
        "phonemes, weight decay of 5",
        "--optimizer adamw --weight-decay 5",
        Cure::Setting(&["weight-decay", "optimizer"]),
    ),
    MOONS.ill(
        "moons, dropout of 0.95",
        "--dropout 0.95",
        Cure::Setting(&["dropout"]),
    ),
    PENGUINS.ill(
        "penguins, mse",
        "--loss mse --output-activation softmax",
        Cure::Setting(&["loss"]),
    ),
    ABALONE.ill(
        "abalone, softplus outputs",
        "--output-activation softplus",
        Cure::Flags("--output-activation identity"),
    ),
    MPG.ill(
        "miles per gallon, tanh outputs",
        "--output-activation tanh",
        Cure::Flags("--output-activation identity"),
    ),
    PHONEME.ill(
        "phonemes, gradients of norm 0.0001",
        "--optimizer sgd --lr 0.1 --clip-norm 0.0001",
        Cure::Setting(&["clip-norm", "lr"]),
    ),
    SEEDS.ill(
        "wheat seeds, a rate that falls to a tenth in each epoch",
        "--schedule step:every=1:factor=0.1",
        Cure::Setting(&["schedule", "lr"]),
    ),
    MNIST.ill(
        "digits of MNIST, seven layers of sigmoid",
        "--hidden 32,32,32,32,32,32,32 --activation sigmoid --dropout 0",
        Cure::Setting(&["activation", "batch-norm", "layer-norm"]),
    ),
    case(
        "friedman, a receipt",
        || tables::with_copy_of_number(&tables::friedman(600, 3.0, 67), 0.02, 1),
        "--hidden 16 --lr 0.005 --epochs 60",
        Cure::Flags("--ignore receipt"),
    ),
    case(
        "noisy moons, a code",
        || tables::with_code_of_class(&tables::moons(500, 0.4, 68), 300, 1),
        "--hidden 16 --lr 0.01 --epochs 60",
        Cure::Flags("--ignore code"),
    ),
    case(
        "clusters, shuffled",
        || tables::shuffled(&tables::blobs(600, 4, 0.8, 69), 1),
        "--hidden 16 --lr 0.01 --epochs 40",
        Cure::Advice("target"),
    ),
    case(
        "wave, shuffled",
        || tables::shuffled(&tables::wave(600, 0.2, 70), 1),
        "--hidden 16 --lr 0.01 --epochs 40",
        Cure::Advice("target"),
    ),
    case(
        "moons, three quarters of the rows twice",
        || tables::with_copies(&tables::moons(400, 0.4, 71), 300),
        "--hidden 16 --lr 0.01 --epochs 40",
        Cure::Advice("duplicate"),
    ),
];
const HEALTHY: &[Case] = &[
    MOONS.healthy("moons"),
    BLOBS.healthy("six clusters"),
    FRIEDMAN.healthy("friedman"),
    TURNS.healthy("one turn of two spirals"),
    WAVE.healthy("wave"),
    TITANIC.healthy("titanic"),
    PENGUINS.healthy("penguins"),
    MPG.healthy("miles per gallon"),
    BANKNOTE.healthy("banknotes"),
    PHONEME.healthy("phonemes"),
    MNIST.healthy("digits of MNIST"),
    CALIFORNIA.healthy("california"),
    SEEDS.healthy("wheat seeds"),
    ABALONE.healthy("abalone"),
    GERMAN.healthy("german credit"),
    RARE.healthy("a rare fault"),
    case(
        "clusters with label smoothing",
        || tables::blobs(600, 3, 0.8, 72),
        "--hidden 16 --lr 0.01 --epochs 60 --label-smoothing 0.3",
        Cure::Nothing,
    ),
    case(
        "noisy labels with rmsprop",
        tables::noisy_labels,
        "--hidden 4 --lr 0.01 --epochs 30 --optimizer rmsprop",
        Cure::Nothing,
    ),
    case(
        "digits of MNIST, momentum and label smoothing",
        NO_TABLE,
        "mnist --limit-train 4000 --hidden 64 --epochs 12 --optimizer momentum --lr 0.05 --label-smoothing 0.1 --dropout 0.2",
        Cure::Nothing,
    ),
    case(
        "friedman, much noise",
        || tables::friedman(1500, 4.0, 73),
        "--hidden 8 --lr 0.003 --epochs 30",
        Cure::Nothing,
    ),
];
