//! The seventh round.

use super::{Base, Case, Cure, INITIAL_WEIGHTS, NO_TABLE, REGULARIZATION, Round, case};
use crate::doctor_tables as tables;

pub(super) const ROUND: Round = Round {
    title: "seventh",
    ill: ILL,
    healthy: HEALTHY,
};
const MOONS: Base = Base::new(
    || tables::moons(400, 0.25, 701),
    "--hidden 24,24 --optimizer adamw --lr 0.01 --epochs 100 --patience 20",
);
const BLOBS: Base = Base::new(
    || tables::blobs(900, 9, 1.0, 702),
    "--hidden 32 --activation leaky-relu --lr 0.005 --epochs 40",
);
const FRIEDMAN: Base = Base::new(
    || tables::friedman(1500, 0.5, 703),
    "--hidden 48 --activation gelu --lr 0.005 --epochs 50",
);
const TURNS: Base = Base::new(
    || tables::turns(1000, 1.5, 704),
    "--hidden 64,64 --activation tanh --lr 0.01 --epochs 300",
);
const WAVE: Base = Base::new(
    || tables::wave(700, 0.3, 705),
    "--hidden 32 --optimizer nesterov --lr 0.02 --epochs 80",
);
const ADULT: Base = Base::new(
    || tables::thinned(&tables::public("adult-train.csv"), 4000),
    "--hidden 16 --lr 0.002 --epochs 12 --patience 4",
);
const DIAMONDS: Base = Base::new(
    || tables::thinned(&tables::public("diamonds.csv"), 3000),
    "--target price --hidden 32 --lr 0.005 --epochs 50",
);
const SEEDS: Base = Base::new(
    || tables::public("wheat-seeds.csv"),
    "--task classification --hidden 12 --activation sigmoid --lr 0.03 --epochs 120",
);
const GERMAN: Base = Base::new(
    || tables::public("german.csv"),
    "--task classification --hidden 6 --lr 0.004 --epochs 40 --patience 5 --l2 0.003",
);
const BANKNOTE: Base = Base::new(
    || tables::public("banknote.csv"),
    "--hidden 8 --activation tanh --optimizer sgd --lr 0.2 --epochs 40",
);
const CALIFORNIA: Base = Base::new(
    || tables::thinned(&tables::public("california.csv"), 5000),
    "--target median_house_value --hidden 64 --optimizer rmsprop --lr 0.002 --epochs 30",
);
const PENGUINS: Base = Base::new(
    || tables::public("penguins.csv"),
    "--target species --ignore island --hidden 8 --optimizer nesterov --lr 0.02 --epochs 80",
);
const PHONEME: Base = Base::new(
    || tables::public("phoneme.csv"),
    "--hidden 48,24 --batch-norm true --lr 0.004 --epochs 25",
);
const MPG: Base = Base::new(
    || tables::public("mpg.csv"),
    "--target mpg --ignore name --hidden 24 --activation elu --lr 0.01 --epochs 60 --l2 0.003",
);
const ABALONE: Base = Base::new(
    || tables::public("abalone.csv"),
    "--task regression --hidden 12 --activation tanh --optimizer adamw --lr 0.004 --epochs 30",
);
const MNIST: Base = Base::new(
    NO_TABLE,
    "mnist --limit-train 6000 --hidden 96 --epochs 10 --dropout 0.25",
);
const GLYPHS: Base = Base::new(
    NO_TABLE,
    "glyphs --limit-train 6000 --hidden 48 --optimizer momentum --lr 0.05 --epochs 15 --dropout 0.2",
);
const RARE: Base = Base::new(
    || tables::rare(1200, 15, 2.5, 706),
    "--hidden 8 --lr 0.01 --epochs 40 --class-weight balanced",
);
const TITANIC: Base = Base::new(
    || tables::public("titanic.csv"),
    "--target survived --ignore alive,deck --hidden 12 --activation tanh --lr 0.004 --epochs 25 --patience 6",
);
const ILL: &[Case] = &[
    ADULT.ill(
        "adult, adam with rate 1",
        "--lr 1 --patience 0",
        Cure::LowerRate,
    ),
    FRIEDMAN.ill(
        "friedman with little noise, adamw with rate 0.5",
        "--optimizer adamw --lr 0.5",
        Cure::LowerRate,
    ),
    GLYPHS.ill(
        "glyphs with momentum, momentum with rate 2",
        "--lr 2",
        Cure::LowerRate,
    ),
    BLOBS.ill(
        "nine clusters, sgd with rate 20",
        "--optimizer sgd --lr 20",
        Cure::LowerRate,
    ),
    TITANIC.ill(
        "titanic with tanh, rmsprop with rate 1",
        "--optimizer rmsprop --lr 1 --patience 0",
        Cure::LowerRate,
    ),
    DIAMONDS.ill(
        "diamonds, adam with rate 0.00002",
        "--lr 0.00002",
        Cure::HigherRate,
    ),
    PHONEME.ill(
        "phonemes with batch normalization, sgd with rate 0.0001",
        "--batch-norm false --optimizer sgd --lr 0.0001",
        Cure::HigherRate,
    ),
    GERMAN.ill(
        "german credit with l2, adam with rate 0.000005",
        "--lr 0.000005",
        Cure::HigherRate,
    ),
    WAVE.ill(
        "noisy wave, nesterov with rate 0.00002",
        "--lr 0.00002",
        Cure::HigherRate,
    ),
    GLYPHS.ill(
        "glyphs with momentum, adam with rate 0.000003",
        "--optimizer adam --lr 0.000003",
        Cure::HigherRate,
    ),
    ABALONE.ill("abalone with adamw, zeros", "--init zeros", INITIAL_WEIGHTS),
    TURNS.ill(
        "one and a half turns of two spirals, equal weights",
        "--init constant:value=0.3",
        INITIAL_WEIGHTS,
    ),
    PHONEME.ill(
        "phonemes with batch normalization, tanh with weights of standard deviation 8",
        "--activation tanh --batch-norm false --init normal:std=8",
        INITIAL_WEIGHTS,
    ),
    DIAMONDS.ill(
        "diamonds, weights of standard deviation 5",
        "--init normal:std=5",
        INITIAL_WEIGHTS,
    ),
    GLYPHS.ill(
        "glyphs with momentum, sigmoid with weights up to 10",
        "--activation sigmoid --init uniform:low=-10:high=10",
        INITIAL_WEIGHTS,
    ),
    MOONS.ill(
        "moons with noise, no hidden layer",
        "--hidden none --optimizer adam --lr 0.02 --patience 0",
        Cure::LargerNetwork,
    ),
    WAVE.ill("noisy wave, two neurons", "--hidden 2", Cure::LargerNetwork),
    BLOBS.ill(
        "nine clusters, one neuron",
        "--hidden 1 --epochs 80",
        Cure::LargerNetwork,
    ),
    MNIST.ill(
        "6000 digits of MNIST, three neurons",
        "--hidden 3 --dropout 0 --epochs 25",
        Cure::LargerNetwork,
    ),
    TURNS.ill(
        "one and a half turns of two spirals, six epochs",
        "--epochs 6",
        Cure::MoreEpochs,
    ),
    SEEDS.ill(
        "wheat seeds with sigmoid, five epochs",
        "--epochs 5",
        Cure::MoreEpochs,
    ),
    FRIEDMAN.ill(
        "friedman with little noise, three epochs",
        "--epochs 3 --lr 0.002",
        Cure::MoreEpochs,
    ),
    ADULT.ill(
        "adult, 150 rows, 128 neurons, 150 epochs",
        "--limit-train 150 --hidden 128,128 --epochs 150 --patience 0 --validation 0.3",
        REGULARIZATION,
    ),
    TITANIC.ill(
        "titanic with tanh, 256 neurons and 200 epochs",
        "--hidden 256,256 --activation relu --epochs 200 --patience 0 --validation 0.2",
        REGULARIZATION,
    ),
    MPG.ill(
        "miles per gallon with elu, 100 rows, 200 neurons, 400 epochs",
        "--limit-train 100 --hidden 200,200 --activation relu --epochs 400 --l2 0 --validation 0.3",
        REGULARIZATION,
    ),
    BANKNOTE.ill(
        "banknotes with sgd, relu with biases of -8",
        "--activation relu --bias-init constant:value=-8",
        Cure::Setting(&["bias-init"]),
    ),
    ABALONE.ill(
        "abalone with adamw, biases of 15",
        "--bias-init constant:value=15",
        Cure::Setting(&["bias-init"]),
    ),
    DIAMONDS.ill(
        "diamonds, one step per epoch",
        "--batch-size full --epochs 25 --lr 0.002",
        Cure::Setting(&["batch-size", "epochs"]),
    ),
    MNIST.ill(
        "6000 digits of MNIST, batches of 4000",
        "--batch-size 4000 --epochs 6",
        Cure::Setting(&["batch-size", "epochs"]),
    ),
    WAVE.ill(
        "noisy wave, momentum of 0.999",
        "--optimizer nesterov:momentum=0.999",
        Cure::Setting(&["optimizer", "lr"]),
    ),
    FRIEDMAN.ill(
        "friedman with little noise, l2 of 0.3",
        "--l2 0.3",
        Cure::Setting(&["l2"]),
    ),
    MNIST.ill(
        "6000 digits of MNIST, weight decay of 8",
        "--optimizer adamw --weight-decay 8",
        Cure::Setting(&["weight-decay", "optimizer"]),
    ),
    GERMAN.ill(
        "german credit with l2, mse",
        "--loss mse --output-activation sigmoid",
        Cure::Setting(&["loss"]),
    ),
    GLYPHS.ill(
        "glyphs with momentum, mae",
        "--loss mae --output-activation sigmoid",
        Cure::Setting(&["loss"]),
    ),
    CALIFORNIA.ill(
        "california with rmsprop, sigmoid outputs",
        "--output-activation sigmoid",
        Cure::Flags("--output-activation identity"),
    ),
    BANKNOTE.ill(
        "banknotes with sgd, eight layers of sigmoid",
        "--hidden 12,12,12,12,12,12,12,12 --activation sigmoid",
        Cure::Setting(&["activation", "batch-norm", "layer-norm"]),
    ),
    case(
        "titanic with the column alive",
        || tables::public("titanic.csv"),
        "--target survived --ignore deck --hidden 12 --lr 0.004 --epochs 25 --patience 6",
        Cure::Flags("--ignore deck,alive"),
    ),
    case(
        "noisy wave with a receipt",
        || tables::with_copy_of_number(&tables::wave(600, 0.8, 707), 0.01, 2),
        "--hidden 24 --lr 0.005 --epochs 60",
        Cure::Flags("--ignore receipt"),
    ),
    case(
        "overlapping clusters with a code",
        || tables::with_code_of_class(&tables::blobs(600, 4, 3.0, 708), 500, 2),
        "--hidden 16 --lr 0.005 --epochs 40",
        Cure::Flags("--ignore code"),
    ),
    case(
        "abalone, shuffled",
        || tables::shuffled(&tables::public("abalone.csv"), 3),
        "--task regression --hidden 12 --lr 0.004 --epochs 20",
        Cure::Advice("target"),
    ),
    case(
        "moons, shuffled",
        || tables::shuffled(&tables::moons(600, 0.1, 709), 4),
        "--hidden 32 --lr 0.005 --epochs 50",
        Cure::Advice("target"),
    ),
    case(
        "friedman, 400 of 500 rows twice",
        || tables::with_copies(&tables::friedman(500, 2.0, 710), 400),
        "--hidden 16 --lr 0.005 --epochs 40 --l2 0.01",
        Cure::Advice("duplicate"),
    ),
];
const HEALTHY: &[Case] = &[
    MOONS.healthy("moons with noise"),
    BLOBS.healthy("nine clusters"),
    FRIEDMAN.healthy("friedman with little noise"),
    TURNS.healthy("one and a half turns of two spirals"),
    WAVE.healthy("noisy wave"),
    ADULT.healthy("adult"),
    DIAMONDS.healthy("diamonds"),
    SEEDS.healthy("wheat seeds with sigmoid"),
    GERMAN.healthy("german credit with l2"),
    BANKNOTE.healthy("banknotes with sgd"),
    CALIFORNIA.healthy("california with rmsprop"),
    PENGUINS.healthy("penguins with nesterov"),
    PHONEME.healthy("phonemes with batch normalization"),
    MPG.healthy("miles per gallon with elu"),
    ABALONE.healthy("abalone with adamw"),
    MNIST.healthy("6000 digits of MNIST"),
    GLYPHS.healthy("glyphs with momentum"),
    RARE.healthy("one fault in 15"),
    TITANIC.healthy("titanic with tanh"),
    case(
        "four clusters with label smoothing",
        || tables::blobs(700, 4, 0.9, 711),
        "--hidden 24 --lr 0.01 --epochs 60 --label-smoothing 0.2",
        Cure::Nothing,
    ),
    case(
        "friedman with much noise",
        || tables::friedman(1200, 5.0, 712),
        "--hidden 6 --lr 0.005 --epochs 30 --optimizer adamw",
        Cure::Nothing,
    ),
    case(
        "topics with selu",
        tables::topics,
        "--target sport,music,art --hidden 24 --activation selu --lr 0.004 --epochs 50",
        Cure::Nothing,
    ),
];
