//! The ninth round.

use super::{Base, Case, Cure, INITIAL_WEIGHTS, NO_TABLE, REGULARIZATION, Round, case};
use crate::doctor_tables as tables;

pub(super) const ROUND: Round = Round {
    title: "ninth",
    ill: ILL,
    healthy: HEALTHY,
};
const SHELLS: Base = Base::new(
    || tables::shells(1000, 2, 0.2, 901),
    "--hidden 24 --activation elu --lr 0.01 --epochs 60",
);
const PRODUCT: Base = Base::new(
    || tables::product(1000, 0.5, 902),
    "--hidden 32 --lr 0.008 --epochs 60",
);
const MOONS: Base = Base::new(
    || tables::moons(800, 0.2, 903),
    "--hidden 20 --optimizer nesterov --lr 0.05 --epochs 60",
);
const BLOBS: Base = Base::new(
    || tables::blobs(1000, 7, 0.9, 904),
    "--hidden 24 --activation tanh --optimizer adamw --lr 0.01 --epochs 30",
);
const FRIEDMAN: Base = Base::new(
    || tables::friedman(2500, 1.0, 905),
    "--hidden 32 --activation selu --lr 0.004 --epochs 40",
);
const WAVE: Base = Base::new(
    || tables::wave(1000, 0.25, 906),
    "--hidden 40 --activation tanh --optimizer rmsprop --lr 0.005 --epochs 80",
);
const ADULT: Base = Base::new(
    || tables::thinned(&tables::public("adult-test.csv"), 5000),
    "--hidden 10 --activation tanh --lr 0.003 --epochs 8",
);
const DIAMONDS: Base = Base::new(
    || tables::thinned(&tables::public("diamonds.csv"), 4500),
    "--target price --hidden 40 --activation gelu --lr 0.003 --epochs 30",
);
const SEEDS: Base = Base::new(
    || tables::public("wheat-seeds.csv"),
    "--task classification --hidden 8 --optimizer momentum --lr 0.03 --epochs 100",
);
const BANKNOTE: Base = Base::new(
    || tables::public("banknote.csv"),
    "--hidden 10 --activation elu --lr 0.01 --epochs 30",
);
const CALIFORNIA: Base = Base::new(
    || tables::thinned(&tables::public("california.csv"), 5000),
    "--target median_house_value --ignore ocean_proximity --hidden 48 --lr 0.003 --epochs 40",
);
const PENGUINS: Base = Base::new(
    || tables::public("penguins.csv"),
    "--target species --hidden 12 --optimizer adamw --lr 0.01 --epochs 50",
);
const PHONEME: Base = Base::new(
    || tables::public("phoneme.csv"),
    "--hidden 40 --activation elu --lr 0.006 --epochs 30",
);
const MPG: Base = Base::new(
    || tables::public("mpg.csv"),
    "--target mpg --ignore name,origin --hidden 10 --activation tanh --lr 0.01 --epochs 60 --l2 0.002",
);
const ABALONE: Base = Base::new(
    || tables::public("abalone.csv"),
    "--task regression --hidden 16 --activation elu --optimizer momentum --lr 0.01 --epochs 30",
);
const MNIST: Base = Base::new(
    NO_TABLE,
    "mnist --limit-train 3500 --hidden 64 --activation leaky-relu --epochs 12 --dropout 0.2",
);
const RARE: Base = Base::new(
    || tables::rare(1400, 18, 1.6, 907),
    "--hidden 6 --activation tanh --lr 0.01 --epochs 40 --class-weight balanced",
);
const TITANIC: Base = Base::new(
    || tables::public("titanic.csv"),
    "--target survived --ignore alive,who --hidden 10 --lr 0.004 --epochs 20 --patience 5 --l2 0.002",
);
const ILL: &[Case] = &[
    SHELLS.ill(
        "two shells, adam with rate 1.5",
        "--lr 1.5",
        Cure::LowerRate,
    ),
    ABALONE.ill(
        "abalone with momentum, momentum with rate 3",
        "--lr 3",
        Cure::LowerRate,
    ),
    MNIST.ill(
        "3500 digits of MNIST, adam with rate 0.5",
        "--lr 0.5",
        Cure::LowerRate,
    ),
    BLOBS.ill(
        "seven clusters, rmsprop with rate 0.8",
        "--optimizer rmsprop --lr 0.8",
        Cure::LowerRate,
    ),
    MPG.ill(
        "miles per gallon with tanh, sgd with rate 8",
        "--optimizer sgd --lr 8",
        Cure::LowerRate,
    ),
    PHONEME.ill(
        "phonemes with elu, adam with rate 0.000004",
        "--lr 0.000004",
        Cure::HigherRate,
    ),
    ABALONE.ill(
        "abalone with momentum, momentum with rate 0.00001",
        "--lr 0.00001",
        Cure::HigherRate,
    ),
    PENGUINS.ill(
        "penguins with adamw, adamw with rate 0.00002",
        "--lr 0.00002",
        Cure::HigherRate,
    ),
    MNIST.ill(
        "3500 digits of MNIST, sgd with rate 0.0002",
        "--optimizer sgd --lr 0.0002",
        Cure::HigherRate,
    ),
    FRIEDMAN.ill(
        "friedman with selu, sgd with rate 0.00005",
        "--optimizer sgd --lr 0.00005",
        Cure::HigherRate,
    ),
    MOONS.ill(
        "moons with nesterov, zeros",
        "--init zeros",
        INITIAL_WEIGHTS,
    ),
    DIAMONDS.ill("4500 diamonds, zeros", "--init zeros", INITIAL_WEIGHTS),
    BLOBS.ill(
        "seven clusters, weights of standard deviation 12",
        "--init normal:std=12",
        INITIAL_WEIGHTS,
    ),
    FRIEDMAN.ill(
        "friedman with selu, weights up to 6",
        "--init uniform:low=-6:high=6",
        INITIAL_WEIGHTS,
    ),
    PENGUINS.ill(
        "penguins with adamw, sigmoid with weights of standard deviation 50",
        "--activation sigmoid --init normal:std=50",
        INITIAL_WEIGHTS,
    ),
    SHELLS.ill("two shells, two neurons", "--hidden 2", Cure::LargerNetwork),
    WAVE.ill(
        "wave with rmsprop, one neuron",
        "--hidden 1",
        Cure::LargerNetwork,
    ),
    MNIST.ill(
        "3500 digits of MNIST, two neurons",
        "--hidden 2 --dropout 0 --epochs 25",
        Cure::LargerNetwork,
    ),
    PRODUCT.ill(
        "product with relu, no hidden layer",
        "--hidden none",
        Cure::LargerNetwork,
    ),
    BANKNOTE.ill(
        "banknotes with elu, two epochs",
        "--epochs 2 --lr 0.002",
        Cure::MoreEpochs,
    ),
    WAVE.ill(
        "wave with rmsprop, four epochs",
        "--epochs 4 --lr 0.002",
        Cure::MoreEpochs,
    ),
    PENGUINS.ill(
        "penguins with adamw, three epochs",
        "--epochs 3 --lr 0.002",
        Cure::MoreEpochs,
    ),
    TITANIC.ill(
        "titanic with l2, two layers of 200 neurons, 200 epochs",
        "--hidden 200,200 --lr 0.003 --epochs 200 --patience 0 --l2 0",
        REGULARIZATION,
    ),
    WAVE.ill(
        "wave with rmsprop, 80 rows, 300 neurons, 500 epochs",
        "--activation relu --limit-train 80 --hidden 300 --epochs 500 --validation 0.3",
        REGULARIZATION,
    ),
    MNIST.ill(
        "3500 digits of MNIST, 200 rows, 60 epochs",
        "--limit-train 200 --hidden 300 --epochs 60 --dropout 0 --validation 0.3",
        REGULARIZATION,
    ),
    RARE.ill(
        "one fault in 18, no class weights",
        "--class-weight none",
        Cure::Setting(&["class-weight"]),
    ),
    PRODUCT.ill(
        "product with relu, biases of -25",
        "--bias-init constant:value=-25",
        Cure::Setting(&["bias-init"]),
    ),
    RARE.ill(
        "one fault in 18, biases of 20",
        "--bias-init constant:value=20",
        Cure::Setting(&["bias-init"]),
    ),
    CALIFORNIA.ill(
        "california without the coast, one step per epoch",
        "--batch-size full --epochs 15",
        Cure::Setting(&["batch-size", "epochs"]),
    ),
    BLOBS.ill(
        "seven clusters, batches of 700",
        "--batch-size 700 --lr 0.003 --epochs 8",
        Cure::Setting(&["batch-size", "epochs"]),
    ),
    MOONS.ill(
        "moons with nesterov, momentum of 0.9995",
        "--optimizer nesterov:momentum=0.9995 --lr 0.5",
        Cure::Setting(&["optimizer", "lr"]),
    ),
    PHONEME.ill(
        "phonemes with elu, weight decay of 6",
        "--optimizer adamw --weight-decay 6",
        Cure::Setting(&["weight-decay", "optimizer"]),
    ),
    DIAMONDS.ill(
        "4500 diamonds, l2 of 0.5",
        "--l2 0.5",
        Cure::Setting(&["l2"]),
    ),
    MOONS.ill(
        "moons with nesterov, dropout of 0.95",
        "--dropout 0.95",
        Cure::Setting(&["dropout"]),
    ),
    ADULT.ill(
        "adult of the test file, mse",
        "--loss mse --output-activation sigmoid",
        Cure::Setting(&["loss"]),
    ),
    DIAMONDS.ill(
        "4500 diamonds, softplus outputs",
        "--output-activation softplus",
        Cure::Flags("--output-activation identity"),
    ),
    SEEDS.ill(
        "wheat seeds with momentum, seven layers of sigmoid",
        "--hidden 10,10,10,10,10,10,10 --activation sigmoid --lr 0.01",
        Cure::Setting(&["activation", "batch-norm", "layer-norm"]),
    ),
    CALIFORNIA.ill(
        "california without the coast, a rate that falls to a fifth in each epoch",
        "--lr 0.001 --schedule step:every=1:factor=0.2",
        Cure::Setting(&["schedule", "lr"]),
    ),
    case(
        "friedman with a receipt",
        || tables::with_copy_of_number(&tables::friedman(700, 4.0, 908), 0.02, 9),
        "--hidden 12 --lr 0.005 --epochs 40",
        Cure::Flags("--ignore receipt"),
    ),
    case(
        "overlapping moons with a code",
        || tables::with_code_of_class(&tables::moons(600, 0.5, 911), 300, 10),
        "--hidden 24 --lr 0.005 --epochs 30",
        Cure::Flags("--ignore code"),
    ),
    case(
        "shells, shuffled",
        || tables::shuffled(&tables::shells(700, 3, 0.1, 909), 11),
        "--hidden 24 --lr 0.005 --epochs 30",
        Cure::Advice("target"),
    ),
    case(
        "phonemes, shuffled",
        || tables::shuffled(&tables::public("phoneme.csv"), 12),
        "--hidden 16 --lr 0.003 --epochs 15",
        Cure::Advice("target"),
    ),
    case(
        "product, 450 of 600 rows twice",
        || tables::with_copies(&tables::product(600, 1.0, 910), 450),
        "--hidden 16 --lr 0.005 --epochs 40",
        Cure::Advice("duplicate"),
    ),
];
const HEALTHY: &[Case] = &[
    SHELLS.healthy("two shells"),
    PRODUCT.healthy("product with relu"),
    MOONS.healthy("moons with nesterov"),
    BLOBS.healthy("seven clusters"),
    FRIEDMAN.healthy("friedman with selu"),
    WAVE.healthy("wave with rmsprop"),
    ADULT.healthy("adult of the test file"),
    DIAMONDS.healthy("4500 diamonds"),
    SEEDS.healthy("wheat seeds with momentum"),
    BANKNOTE.healthy("banknotes with elu"),
    CALIFORNIA.healthy("california without the coast"),
    PENGUINS.healthy("penguins with adamw"),
    PHONEME.healthy("phonemes with elu"),
    MPG.healthy("miles per gallon with tanh"),
    ABALONE.healthy("abalone with momentum"),
    MNIST.healthy("3500 digits of MNIST"),
    RARE.healthy("one fault in 18"),
    TITANIC.healthy("titanic with l2"),
    case(
        "moons with label smoothing",
        || tables::moons(800, 0.15, 912),
        "--hidden 32 --lr 0.01 --epochs 60 --label-smoothing 0.3",
        Cure::Nothing,
    ),
    case(
        "categories with tanh",
        tables::categories,
        "--hidden 24 --activation tanh --lr 0.008 --epochs 50",
        Cure::Nothing,
    ),
];
