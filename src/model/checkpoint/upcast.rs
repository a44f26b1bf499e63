//! Makes 32-bit floats of the types that checkpoints store; exact, since all are narrower.

use ::safetensors::Dtype;
use half::{bf16, f16};

// Files are little-endian, and so is the PyTorch reader's output on a little-endian machine.
const _: () = assert!(
    cfg!(target_endian = "little"),
    "only little-endian machines are supported"
);

/// The types that [`to_f32`] takes, for messages.
pub(super) const SUPPORTED: &str = "F32, F16 and BF16";

/// Whether [`to_f32`] takes the type.
pub(super) fn is_supported(dtype: Dtype) -> bool {
    matches!(dtype, Dtype::F32 | Dtype::F16 | Dtype::BF16)
}

/// The little-endian numbers in `bytes`; `None` for a type that is not supported.
pub(super) fn to_f32(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    match dtype {
        Dtype::F32 => Some(decode(bytes, f32::from_le_bytes)),
        Dtype::F16 => Some(decode(bytes, |number| f16::from_le_bytes(number).to_f32())),
        Dtype::BF16 => Some(decode(bytes, |number| bf16::from_le_bytes(number).to_f32())),
        _ => None,
    }
}

fn decode<const N: usize>(bytes: &[u8], number: impl Fn([u8; N]) -> f32) -> Vec<f32> {
    bytes
        .as_chunks()
        .0
        .iter()
        .map(|&chunk| number(chunk))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The value of a 16-bit float by the definition of the format.
    fn defined(bits: u16, exponent_bits: u32) -> f64 {
        let fraction_bits = 15 - exponent_bits;
        let bias = (1 << (exponent_bits - 1)) - 1;
        let sign = if bits >> 15 == 1 { -1.0 } else { 1.0 };
        let exponent = i32::from((bits & 0x7fff) >> fraction_bits);
        let fraction = f64::from(bits & ((1 << fraction_bits) - 1));
        let unit = 2_f64.powi(-(fraction_bits as i32));
        sign * match exponent {
            0 => fraction * unit * 2_f64.powi(1 - bias),
            top if top == (1 << exponent_bits) - 1 => match fraction {
                0.0 => f64::INFINITY,
                _ => f64::NAN,
            },
            _ => (1.0 + fraction * unit) * 2_f64.powi(exponent - bias),
        }
    }

    #[test]
    fn every_16_bit_number_keeps_its_value_and_its_sign() {
        for (dtype, exponent_bits) in [(Dtype::F16, 5), (Dtype::BF16, 8)] {
            let bytes: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
            let numbers = to_f32(dtype, &bytes).unwrap();
            assert_eq!(numbers.len(), 1 << 16);
            for (bits, number) in (0..=u16::MAX).zip(numbers) {
                let want = defined(bits, exponent_bits);
                let same = match want.is_nan() {
                    true => number.is_nan(),
                    false => (want as f32).to_bits() == number.to_bits(),
                };
                assert!(same, "{dtype} {bits:#06x}: {number} instead of {want}");
            }
        }
    }

    #[test]
    fn wider_types_and_integers_are_refused() {
        for dtype in [Dtype::F64, Dtype::I64, Dtype::U8, Dtype::BOOL] {
            assert!(!is_supported(dtype));
            assert_eq!(to_f32(dtype, &[0; 16]), None);
        }
    }
}
