//! The instruction sets that kernels are compiled for, and their selection at run
//! time.

use std::error::Error;
use std::fmt;
use std::sync::OnceLock;

/// A set of vector instructions that kernels are compiled for.
///
/// At run time, the widest instruction set that the processor supports is selected once. The
/// environment variable [`NN_INSTRUCTION_SET`](Self::VARIABLE) selects a different instruction
/// set: `portable`, `avx2` or `avx512`. Results of different instruction sets differ by
/// rounding errors.
///
/// A program should call [`requested`](Self::requested) at its start and exit on an
/// error: [`current`](Self::current) cannot fail, and falls back to the widest set if
/// the value of the variable is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum InstructionSet {
    /// The baseline instructions of the target (x86-64: SSE2, aarch64: NEON).
    Portable,
    /// AVX2 and FMA: 256-bit vectors with fused multiply-add.
    Avx2,
    /// AVX-512 (F, VL, DQ, BW): 512-bit vectors.
    Avx512,
}

impl InstructionSet {
    /// All instruction sets, narrowest first.
    pub const ALL: [Self; 3] = [Self::Portable, Self::Avx2, Self::Avx512];

    /// Name of the environment variable that selects an instruction set.
    pub const VARIABLE: &'static str = "NN_INSTRUCTION_SET";

    /// The instruction sets that the processor supports, narrowest first.
    pub fn available() -> impl Iterator<Item = Self> {
        Self::ALL.into_iter().filter(|set| set.is_available())
    }

    /// The instruction set selected by the environment variable [`VARIABLE`](Self::VARIABLE),
    /// or `None` if the variable is not set.
    ///
    /// # Errors
    /// Returns [`BadInstructionSet`] if the value is not the lower-case name of a set
    /// that the processor supports.
    pub fn requested() -> Result<Option<Self>, BadInstructionSet> {
        let requested = std::env::var_os(Self::VARIABLE);
        requested
            .map(|name| Self::by_name(&name.to_string_lossy()))
            .transpose()
    }

    fn by_name(name: &str) -> Result<Self, BadInstructionSet> {
        match Self::ALL.into_iter().find(|set| set.name() == name) {
            None => Err(BadInstructionSet::Unknown {
                found: name.to_owned(),
            }),
            Some(set) if !set.is_available() => Err(BadInstructionSet::Unavailable { set }),
            Some(set) => Ok(set),
        }
    }

    /// The instruction set that all functions of this crate use.
    #[inline]
    pub fn current() -> Self {
        static CURRENT: OnceLock<InstructionSet> = OnceLock::new();
        *CURRENT.get_or_init(|| {
            let requested = Self::requested().ok().flatten();
            requested
                .or(Self::available().last())
                .unwrap_or(Self::Portable)
        })
    }

    /// The name of the instruction set: `portable`, `avx2` or `avx512`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Portable => "portable",
            Self::Avx2 => "avx2",
            Self::Avx512 => "avx512",
        }
    }

    #[cfg(target_arch = "x86_64")]
    fn is_available(self) -> bool {
        match self {
            Self::Portable => true,
            Self::Avx2 => {
                std::arch::is_x86_feature_detected!("avx2")
                    && std::arch::is_x86_feature_detected!("fma")
            }
            Self::Avx512 => {
                Self::Avx2.is_available()
                    && std::arch::is_x86_feature_detected!("avx512f")
                    && std::arch::is_x86_feature_detected!("avx512vl")
                    && std::arch::is_x86_feature_detected!("avx512dq")
                    && std::arch::is_x86_feature_detected!("avx512bw")
            }
        }
    }

    #[cfg(not(target_arch = "x86_64"))]
    fn is_available(self) -> bool {
        self == Self::Portable
    }
}

/// An invalid value of the environment variable [`InstructionSet::VARIABLE`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum BadInstructionSet {
    /// The value is not the name of an instruction set.
    Unknown {
        /// Value of the variable.
        found: String,
    },
    /// The processor does not support the selected instruction set.
    Unavailable {
        /// The selected instruction set.
        set: InstructionSet,
    },
}

impl fmt::Display for BadInstructionSet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let variable = InstructionSet::VARIABLE;
        match self {
            Self::Unknown { found } => {
                let names = InstructionSet::ALL.map(InstructionSet::name).join(", ");
                let found = found.escape_debug();
                write!(f, "{variable}: expected one of {names}, found \"{found}\"")
            }
            Self::Unavailable { set } => {
                write!(f, "{variable}: this processor cannot run {}", set.name())
            }
        }
    }
}

impl Error for BadInstructionSet {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_set_is_found_by_its_name_alone() {
        for set in InstructionSet::ALL {
            let expected = if set.is_available() {
                Ok(set)
            } else {
                Err(BadInstructionSet::Unavailable { set })
            };
            assert_eq!(InstructionSet::by_name(set.name()), expected);
        }
        for name in ["", "nonsense", "AVX2", " avx2"] {
            let error = InstructionSet::by_name(name).expect_err("it is no name");
            assert_eq!(
                error.to_string(),
                format!(
                    "NN_INSTRUCTION_SET: expected one of portable, avx2, avx512, found \"{name}\""
                )
            );
        }
        let missing = BadInstructionSet::Unavailable {
            set: InstructionSet::Avx512,
        };
        assert_eq!(
            missing.to_string(),
            "NN_INSTRUCTION_SET: this processor cannot run avx512"
        );
    }
}
