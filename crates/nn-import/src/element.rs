//! Numbers of different types as double-precision numbers.

/// The type of the elements of a tensor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Element {
    F64,
    F32,
    F16,
    Bf16,
    I64,
    U64,
    I32,
    U32,
    I16,
    U16,
    I8,
    U8,
    Bool,
}

impl Element {
    /// Number of bytes.
    pub(crate) fn size(self) -> usize {
        match self {
            Self::F64 | Self::I64 | Self::U64 => 8,
            Self::F32 | Self::I32 | Self::U32 => 4,
            Self::F16 | Self::Bf16 | Self::I16 | Self::U16 => 2,
            Self::I8 | Self::U8 | Self::Bool => 1,
        }
    }

    /// The name of a type of real numbers that is converted to `f32`.
    pub(crate) fn converted(self) -> Option<&'static str> {
        match self {
            Self::F64 => Some("float64"),
            Self::F16 => Some("float16"),
            Self::Bf16 => Some("bfloat16"),
            _ => None,
        }
    }

    /// The little-endian numbers in `bytes`; an incomplete last number is left out.
    pub(crate) fn decode(self, bytes: &[u8]) -> Vec<f64> {
        let all = bytes.chunks_exact(self.size());
        all.map(|bytes| self.number(bytes)).collect()
    }

    fn number(self, bytes: &[u8]) -> f64 {
        let bits = bytes.iter().rev();
        let bits = bits.fold(0_u64, |bits, &byte| bits << 8 | u64::from(byte));
        match self {
            Self::F64 => f64::from_bits(bits),
            Self::F32 => f32::from_bits(bits as u32).into(),
            Self::F16 => half(bits as u16),
            // The upper half of a float32.
            Self::Bf16 => f32::from_bits((bits as u32) << 16).into(),
            Self::I64 => bits.cast_signed() as f64,
            Self::I32 => (bits as u32).cast_signed().into(),
            Self::I16 => (bits as u16).cast_signed().into(),
            Self::I8 => (bits as u8).cast_signed().into(),
            Self::U64 | Self::U32 | Self::U16 | Self::U8 => bits as f64,
            Self::Bool => f64::from(u8::from(bits != 0)),
        }
    }
}

/// A half-precision number: sign, 5 bits of exponent, 10 bits of fraction (IEEE 754).
fn half(bits: u16) -> f64 {
    let (exponent, fraction) = (i32::from(bits >> 10 & 0x1f), f64::from(bits & 0x3ff));
    let magnitude = match exponent {
        0 => fraction * 2_f64.powi(-24),
        0x1f if fraction == 0.0 => f64::INFINITY,
        0x1f => f64::NAN,
        _ => (1024.0 + fraction) * 2_f64.powi(exponent - 25),
    };
    if bits >> 15 == 1 {
        -magnitude
    } else {
        magnitude
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Bits from the tables of IEEE 754 and of PyTorch (`torch.tensor(x).view(torch.int16)`).
    #[test]
    fn elements_are_decoded() {
        let decode =
            |element: Element, bits: u64| element.decode(&bits.to_le_bytes()[..element.size()])[0];
        assert_eq!(decode(Element::F16, 0x3555), 0.333_251_953_125);
        assert_eq!(decode(Element::F16, 0xc000), -2.0);
        assert_eq!(decode(Element::F16, 0x0001), 2_f64.powi(-24));
        assert_eq!(decode(Element::F16, 0x7bff), 65504.0);
        assert_eq!(decode(Element::F16, 0x7c00), f64::INFINITY);
        assert!(decode(Element::F16, 0x7e00).is_nan());
        assert_eq!(decode(Element::Bf16, 0x3eab), 0.333_984_375);
        assert_eq!(decode(Element::I8, 0xff), -1.0);
        assert_eq!(decode(Element::U8, 0xff), 255.0);
        assert_eq!(decode(Element::I64, u64::MAX), -1.0);
        assert_eq!(decode(Element::F64, 1.5_f64.to_bits()), 1.5);
    }
}
