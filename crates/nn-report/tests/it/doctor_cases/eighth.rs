//! The eighth round.

use super::{Base, Case, Cure, INITIAL_WEIGHTS, NO_TABLE, REGULARIZATION, Round, case};
use crate::doctor_tables as tables;

pub(super) const ROUND: Round = Round {
    title: "eighth",
    ill: ILL,
    healthy: HEALTHY,
};
const SHELLS: Base = Base::new(
    || tables::shells(900, 3, 0.15, 801),
    "--hidden 32,16 --lr 0.01 --epochs 60",
);
const PRODUCT: Base = Base::new(
    || tables::product(900, 0.3, 802),
    "--hidden 40 --activation gelu --lr 0.01 --epochs 80",
);
const MOONS: Base = Base::new(
    || tables::moons(1000, 0.1, 803),
    "--hidden 16 --activation tanh --optimizer rmsprop --lr 0.01 --epochs 60",
);
const BLOBS: Base = Base::new(
    || tables::blobs(800, 5, 1.2, 804),
    "--hidden 20 --optimizer sgd --lr 0.1 --epochs 40",
);
const FRIEDMAN: Base = Base::new(
    || tables::friedman(2000, 2.0, 805),
    "--hidden 24 --optimizer adamw --lr 0.005 --epochs 40",
);
const TURNS: Base = Base::new(
    || tables::turns(900, 1.0, 806),
    "--hidden 64,32 --lr 0.01 --epochs 100",
);
const WAVE: Base = Base::new(
    || tables::wave(900, 0.4, 807),
    "--hidden 48 --optimizer momentum --lr 0.02 --epochs 80",
);
const ADULT: Base = Base::new(
    || tables::thinned(&tables::public("adult-train.csv"), 6000),
    "--hidden 12 --optimizer adamw --lr 0.002 --epochs 10 --dropout 0.1",
);
const DIAMONDS: Base = Base::new(
    || tables::thinned(&tables::public("diamonds.csv"), 5000),
    "--target price --hidden 24,12 --lr 0.004 --epochs 40",
);
const SEEDS: Base = Base::new(
    || tables::public("wheat-seeds.csv"),
    "--task classification --hidden 10 --activation tanh --lr 0.01 --epochs 60",
);
const GERMAN: Base = Base::new(
    || tables::public("german.csv"),
    "--task classification --hidden 10 --activation tanh --lr 0.003 --epochs 30 --patience 4 --l2 0.005",
);
const BANKNOTE: Base = Base::new(
    || tables::public("banknote.csv"),
    "--hidden 12 --optimizer nesterov --lr 0.02 --epochs 30",
);
const CALIFORNIA: Base = Base::new(
    || tables::thinned(&tables::public("california.csv"), 6000),
    "--target median_house_value --hidden 32,16 --lr 0.004 --epochs 40",
);
const PENGUINS: Base = Base::new(
    || tables::public("penguins.csv"),
    "--target species --hidden 6 --activation sigmoid --lr 0.03 --epochs 80",
);
const PHONEME: Base = Base::new(
    || tables::public("phoneme.csv"),
    "--hidden 64 --activation tanh --lr 0.006 --epochs 40",
);
const MPG: Base = Base::new(
    || tables::public("mpg.csv"),
    "--target mpg --ignore name --hidden 12 --optimizer sgd --lr 0.05 --epochs 80 --l2 0.003",
);
const ABALONE: Base = Base::new(
    || tables::public("abalone.csv"),
    "--task regression --hidden 20 --lr 0.003 --epochs 25 --l2 0.002",
);
const MNIST: Base = Base::new(
    NO_TABLE,
    "mnist --limit-train 5000 --hidden 48,32 --optimizer nesterov --lr 0.02 --epochs 12 --dropout 0.2",
);
const GLYPHS: Base = Base::new(
    NO_TABLE,
    "glyphs --limit-train 7000 --hidden 64 --lr 0.002 --epochs 12 --dropout 0.25",
);
const RARE: Base = Base::new(
    || tables::rare(1500, 20, 1.8, 808),
    "--hidden 8 --lr 0.01 --epochs 40 --class-weight balanced",
);
const TITANIC: Base = Base::new(
    || tables::public("titanic.csv"),
    "--target survived --ignore alive --hidden 16 --optimizer adamw --lr 0.003 --epochs 20 --patience 5 --dropout 0.2",
);
const ILL: &[Case] = &[
    SHELLS.ill("shells, adam with rate 0.8", "--lr 0.8", Cure::LowerRate),
    CALIFORNIA.ill(
        "california with two layers, sgd with rate 3",
        "--optimizer sgd --lr 3",
        Cure::LowerRate,
    ),
    MNIST.ill(
        "5000 digits of MNIST, nesterov with rate 0.6",
        "--lr 0.6",
        Cure::LowerRate,
    ),
    ADULT.ill(
        "adult with dropout, adamw with rate 0.3",
        "--lr 0.3",
        Cure::LowerRate,
    ),
    BLOBS.ill(
        "five clusters with sgd, sgd with rate 40",
        "--lr 40",
        Cure::LowerRate,
    ),
    SHELLS.ill(
        "shells, adam with rate 0.000003",
        "--lr 0.000003",
        Cure::HigherRate,
    ),
    CALIFORNIA.ill(
        "california with two layers, sgd with rate 0.00002",
        "--optimizer sgd --lr 0.00002",
        Cure::HigherRate,
    ),
    MNIST.ill(
        "5000 digits of MNIST, nesterov with rate 0.00002",
        "--lr 0.00002",
        Cure::HigherRate,
    ),
    ABALONE.ill(
        "abalone with l2, adam with rate 0.000004",
        "--lr 0.000004",
        Cure::HigherRate,
    ),
    TITANIC.ill(
        "titanic with dropout, adamw with rate 0.00001",
        "--lr 0.00001 --patience 0",
        Cure::HigherRate,
    ),
    PRODUCT.ill("product, zeros", "--init zeros", INITIAL_WEIGHTS),
    GLYPHS.ill("7000 glyphs, zeros", "--init zeros", INITIAL_WEIGHTS),
    BANKNOTE.ill(
        "banknotes with nesterov, equal weights",
        "--init constant:value=0.2",
        INITIAL_WEIGHTS,
    ),
    PHONEME.ill(
        "phonemes with tanh, weights of standard deviation 6",
        "--init normal:std=6",
        INITIAL_WEIGHTS,
    ),
    SHELLS.ill(
        "shells, weights up to 8",
        "--init uniform:low=-8:high=8",
        INITIAL_WEIGHTS,
    ),
    CALIFORNIA.ill(
        "california with two layers, weights of standard deviation 4",
        "--init normal:std=4",
        INITIAL_WEIGHTS,
    ),
    PENGUINS.ill(
        "penguins with sigmoid, weights up to 40",
        "--init uniform:low=-40:high=40",
        INITIAL_WEIGHTS,
    ),
    SHELLS.ill("shells, two neurons", "--hidden 2", Cure::LargerNetwork),
    FRIEDMAN.ill(
        "friedman with adamw, one neuron",
        "--hidden 1",
        Cure::LargerNetwork,
    ),
    PHONEME.ill(
        "phonemes with tanh, two neurons",
        "--hidden 2",
        Cure::LargerNetwork,
    ),
    CALIFORNIA.ill(
        "california with two layers, no hidden layer",
        "--hidden none",
        Cure::LargerNetwork,
    ),
    GLYPHS.ill(
        "7000 glyphs, two neurons",
        "--hidden 2 --dropout 0 --epochs 30",
        Cure::LargerNetwork,
    ),
    MOONS.ill(
        "1000 moons with rmsprop, three epochs",
        "--epochs 3 --lr 0.001",
        Cure::MoreEpochs,
    ),
    DIAMONDS.ill(
        "5000 diamonds, two epochs",
        "--epochs 2 --lr 0.001",
        Cure::MoreEpochs,
    ),
    BLOBS.ill(
        "five clusters with sgd, two epochs",
        "--epochs 2 --lr 0.02",
        Cure::MoreEpochs,
    ),
    GERMAN.ill(
        "german credit with tanh, two layers of 200 neurons, 150 epochs",
        "--hidden 200,200 --epochs 150 --patience 0 --l2 0",
        REGULARIZATION,
    ),
    FRIEDMAN.ill(
        "friedman with adamw, 100 rows, 300 neurons, 400 epochs",
        "--optimizer adam --limit-train 100 --hidden 300 --epochs 400 --validation 0.3",
        REGULARIZATION,
    ),
    GLYPHS.ill(
        "7000 glyphs, 200 rows, 60 epochs",
        "--limit-train 200 --hidden 200 --epochs 60 --dropout 0 --validation 0.3",
        REGULARIZATION,
    ),
    RARE.ill(
        "one fault in 20, no class weights",
        "--class-weight none",
        Cure::Setting(&["class-weight"]),
    ),
    GLYPHS.ill(
        "7000 glyphs, biases of -20",
        "--bias-init constant:value=-20",
        Cure::Setting(&["bias-init"]),
    ),
    PRODUCT.ill(
        "product, relu with biases of -12 to -6",
        "--activation relu --bias-init uniform:low=-12:high=-6",
        Cure::Setting(&["bias-init"]),
    ),
    MOONS.ill(
        "1000 moons with rmsprop, biases of 12",
        "--bias-init constant:value=12",
        Cure::Setting(&["bias-init"]),
    ),
    ADULT.ill(
        "adult with dropout, one step per epoch",
        "--batch-size full --epochs 8",
        Cure::Setting(&["batch-size", "epochs"]),
    ),
    PHONEME.ill(
        "phonemes with tanh, batches of 4000",
        "--batch-size 4000 --epochs 12",
        Cure::Setting(&["batch-size", "epochs"]),
    ),
    BLOBS.ill(
        "five clusters with sgd, momentum of 0.999",
        "--optimizer momentum:momentum=0.999 --lr 0.1",
        Cure::Setting(&["optimizer", "lr"]),
    ),
    WAVE.ill(
        "wave with momentum, momentum of 0.998",
        "--optimizer momentum:momentum=0.998 --lr 0.05",
        Cure::Setting(&["optimizer", "lr"]),
    ),
    CALIFORNIA.ill(
        "california with two layers, weight decay of 4",
        "--optimizer adamw --weight-decay 4",
        Cure::Setting(&["weight-decay", "optimizer"]),
    ),
    PENGUINS.ill(
        "penguins with sigmoid, l2 of 0.2",
        "--l2 0.2",
        Cure::Setting(&["l2"]),
    ),
    SHELLS.ill("shells, l1 of 0.05", "--l1 0.05", Cure::Setting(&["l1"])),
    PRODUCT.ill(
        "product, dropout of 0.95",
        "--dropout 0.95",
        Cure::Setting(&["dropout"]),
    ),
    BANKNOTE.ill(
        "banknotes with nesterov, mse",
        "--loss mse --output-activation sigmoid",
        Cure::Setting(&["loss"]),
    ),
    SEEDS.ill(
        "wheat seeds with tanh, mae",
        "--loss mae --output-activation softmax",
        Cure::Setting(&["loss"]),
    ),
    PRODUCT.ill(
        "product, relu outputs",
        "--output-activation relu",
        Cure::Flags("--output-activation identity"),
    ),
    MPG.ill(
        "miles per gallon with sgd, sigmoid outputs",
        "--output-activation sigmoid",
        Cure::Flags("--output-activation identity"),
    ),
    MNIST.ill(
        "5000 digits of MNIST, eight layers of sigmoid",
        "--hidden 24,24,24,24,24,24,24,24 --activation sigmoid --dropout 0",
        Cure::Setting(&["activation", "batch-norm", "layer-norm"]),
    ),
    case(
        "dim images with sgd",
        NO_TABLE,
        "dim-images --hidden 16 --optimizer sgd --lr 0.1 --epochs 20",
        Cure::Setting(&["batch-norm"]),
    ),
    case(
        "titanic with all columns",
        || tables::public("titanic.csv"),
        "--target survived --hidden 16 --optimizer adamw --lr 0.003 --epochs 20 --patience 5",
        Cure::Flags("--ignore alive"),
    ),
    case(
        "product with a receipt",
        || tables::with_copy_of_number(&tables::product(700, 2.0, 809), 0.01, 5),
        "--hidden 16 --lr 0.005 --epochs 50",
        Cure::Flags("--ignore receipt"),
    ),
    case(
        "overlapping shells with a code",
        || tables::with_code_of_class(&tables::shells(700, 4, 0.6, 810), 400, 6),
        "--hidden 24 --lr 0.005 --epochs 50",
        Cure::Flags("--ignore code"),
    ),
    case(
        "banknotes, shuffled",
        || tables::shuffled(&tables::public("banknote.csv"), 7),
        "--hidden 12 --lr 0.003 --epochs 20",
        Cure::Advice("target"),
    ),
    case(
        "product, shuffled",
        || tables::shuffled(&tables::product(800, 0.3, 811), 8),
        "--hidden 12 --lr 0.005 --epochs 40",
        Cure::Advice("target"),
    ),
    case(
        "shells, 400 of 500 rows twice",
        || tables::with_copies(&tables::shells(500, 3, 0.4, 812), 400),
        "--hidden 24 --lr 0.01 --epochs 50",
        Cure::Advice("duplicate"),
    ),
];
const HEALTHY: &[Case] = &[
    SHELLS.healthy("shells"),
    PRODUCT.healthy("product"),
    MOONS.healthy("1000 moons with rmsprop"),
    BLOBS.healthy("five clusters with sgd"),
    FRIEDMAN.healthy("friedman with adamw"),
    TURNS.healthy("two spirals"),
    WAVE.healthy("wave with momentum"),
    ADULT.healthy("adult with dropout"),
    DIAMONDS.healthy("5000 diamonds"),
    SEEDS.healthy("wheat seeds with tanh"),
    GERMAN.healthy("german credit with tanh"),
    BANKNOTE.healthy("banknotes with nesterov"),
    CALIFORNIA.healthy("california with two layers"),
    PENGUINS.healthy("penguins with sigmoid"),
    PHONEME.healthy("phonemes with tanh"),
    MPG.healthy("miles per gallon with sgd"),
    ABALONE.healthy("abalone with l2"),
    MNIST.healthy("5000 digits of MNIST"),
    GLYPHS.healthy("7000 glyphs"),
    RARE.healthy("one fault in 20"),
    TITANIC.healthy("titanic with dropout"),
    case(
        "four shells with label smoothing",
        || tables::shells(900, 4, 0.2, 813),
        "--hidden 32,32 --lr 0.01 --epochs 60 --label-smoothing 0.25",
        Cure::Nothing,
    ),
    case(
        "topics with rmsprop",
        tables::topics,
        "--target sport,music,art --hidden 20 --optimizer rmsprop --lr 0.005 --epochs 40",
        Cure::Nothing,
    ),
];
