//! Makes the types that checkpoints store of 32-bit floats, rounding to the nearest, ties to even.

use half::{bf16, f16};

use super::Dtype;

/// A type that weights can be stored in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum FloatType {
    /// 32 bits: every weight as it is.
    #[default]
    F32,
    /// 16 bits, 11 of them significant; numbers up to 65,504.
    F16,
    /// 16 bits, 8 of them significant; as large numbers as with 32 bits.
    Bf16,
}

impl FloatType {
    /// The name of its kind of numbers in `config.json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "float32",
            Self::F16 => "float16",
            Self::Bf16 => "bfloat16",
        }
    }

    /// The name of its kind of numbers in a safetensors file.
    pub fn dtype(self) -> Dtype {
        match self {
            Self::F32 => Dtype::F32,
            Self::F16 => Dtype::F16,
            Self::Bf16 => Dtype::BF16,
        }
    }

    /// Bytes of a number.
    pub fn bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::Bf16 => 2,
        }
    }

    /// The largest number.
    pub fn largest(self) -> f32 {
        match self {
            Self::F32 => f32::MAX,
            Self::F16 => f16::MAX.to_f32(),
            Self::Bf16 => bf16::MAX.to_f32(),
        }
    }

    /// The number of this type that is nearest, of two the even one, and its little-endian bytes
    /// (the first [`bytes`](Self::bytes) of four).
    fn nearest(self, number: f32) -> (f32, [u8; 4]) {
        let narrow = |value: f32, [a, b]: [u8; 2]| (value, [a, b, 0, 0]);
        match self {
            Self::F32 => (number, number.to_le_bytes()),
            Self::F16 => {
                let near = f16::from_f32(number);
                narrow(near.to_f32(), near.to_le_bytes())
            }
            Self::Bf16 => {
                let near = bf16::from_f32(number);
                narrow(near.to_f32(), near.to_le_bytes())
            }
        }
    }
}

/// What storing numbers in a narrower type did to them.
#[derive(Debug, Clone, Copy, Default, PartialEq, serde::Serialize)]
pub struct Rounding {
    /// Numbers.
    pub numbers: usize,
    /// Those that are not exactly what they were.
    pub changed: usize,
    /// Those that were not 0 and are now.
    pub vanished: usize,
    /// The largest difference.
    pub largest_change: f32,
}

impl Rounding {
    /// Appends numbers in a type; NaN and infinity stay what they are.
    ///
    /// # Errors
    /// The first number that is too large for the type.
    pub(super) fn append(
        &mut self,
        numbers: &[f32],
        to: FloatType,
        bytes: &mut Vec<u8>,
    ) -> Result<(), f32> {
        for &number in numbers {
            let (near, own) = to.nearest(number);
            if near.is_infinite() && number.is_finite() {
                return Err(number);
            }
            bytes.extend_from_slice(&own[..to.bytes()]);
            self.numbers += 1;
            if number.is_finite() && near != number {
                self.changed += 1;
                self.vanished += usize::from(near == 0.0);
                self.largest_change = self.largest_change.max((near - number).abs());
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::checkpoint::upcast::to_f32;

    fn stored(numbers: &[f32], to: FloatType) -> (Vec<f32>, Rounding) {
        let (mut rounding, mut bytes) = (Rounding::default(), Vec::new());
        rounding.append(numbers, to, &mut bytes).unwrap();
        (to_f32(to.dtype(), &bytes).unwrap(), rounding)
    }

    #[test]
    fn every_number_of_a_type_stays_what_it_is() {
        for to in [FloatType::F16, FloatType::Bf16] {
            let all: Vec<u8> = (0..=u16::MAX).flat_map(u16::to_le_bytes).collect();
            let numbers = to_f32(to.dtype(), &all).unwrap();
            let (back, rounding) = stored(&numbers, to);
            assert_eq!((rounding.changed, rounding.numbers), (0, 1 << 16));
            for (before, after) in numbers.iter().zip(back) {
                let same = before.to_bits() == after.to_bits();
                assert!(
                    same || (before.is_nan() && after.is_nan()),
                    "{before} {after}"
                );
            }
        }
    }

    #[test]
    fn between_two_numbers_it_is_the_nearer_and_of_two_the_even_one() {
        // Between neighbours with steps of 2^-10 (f16) and 2^-7 (bf16) above 1.
        for (to, step) in [
            (FloatType::F16, 2f32.powi(-10)),
            (FloatType::Bf16, 2f32.powi(-7)),
        ] {
            let at = |steps: f32| 1.0 + steps * step;
            let numbers = [at(0.5), at(1.5), at(0.51), at(0.49), -at(2.5)];
            let (got, rounding) = stored(&numbers, to);
            assert_eq!(got, [at(0.0), at(2.0), at(1.0), at(0.0), -at(2.0)]);
            assert_eq!((rounding.changed, rounding.largest_change), (5, 0.5 * step));
        }
        let numbers = [1e-30f32, -0.0, 1.0 + 2f32.powi(-23)];
        let (got, rounding) = stored(&numbers, FloatType::F16);
        assert_eq!((rounding.vanished, rounding.changed), (1, 2));
        assert!(got[1].is_sign_negative());
        let (got, rounding) = stored(&numbers, FloatType::F32);
        assert_eq!((got.as_slice(), rounding.changed), (&numbers[..], 0));
    }

    #[test]
    fn what_is_too_large_is_refused_and_what_is_no_number_stays() {
        let of = |numbers: &[f32], to| Rounding::default().append(numbers, to, &mut Vec::new());
        // 65,519 is nearer to the largest number, 65,504, than to the next step.
        assert_eq!(of(&[65_519.0, -65_504.0], FloatType::F16), Ok(()));
        assert_eq!(of(&[1.0, -65_520.0], FloatType::F16), Err(-65_520.0));
        assert_eq!(of(&[65_520.0], FloatType::Bf16), Ok(()));
        assert_eq!(of(&[f32::MAX], FloatType::Bf16), Err(f32::MAX));
        assert_eq!(of(&[f32::MAX], FloatType::F32), Ok(()));
        let (got, rounding) = stored(&[f32::INFINITY, f32::NAN], FloatType::F16);
        assert!(got[0] == f32::INFINITY && got[1].is_nan() && rounding.changed == 0);
    }
}
