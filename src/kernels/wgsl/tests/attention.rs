//! Attention, its gradient and its probabilities, in every form.

use super::*;

#[test]
#[ignore = "needs a software adapter"]
fn attention_agrees_with_the_loops() {
    for call in calls() {
        let tokens = call.sequences.tokens();
        let values = qkv(tokens, call.heads);
        let shape = [tokens, 3 * call.heads.width()];
        let want = reference::attention(&doubles(&values), &call);
        let plain: AttentionParts<Flex> =
            plain_attention::forward::<Flex>(primitive(&values, shape), &call);
        let plain = [
            error(&floats(plain.out), &want.out),
            error(&lse(&floats(plain.stats)), &want.lse),
        ];
        for form in FORMS {
            let input = tensor(&values, shape, Elem::F32);
            let parts: AttentionParts<CubeBackend> =
                in_form(&input, &call, form).forward(input, &call);
            let got = [
                error(&read(parts.out), &want.out),
                error(&lse(&read(parts.stats)), &want.lse),
            ];
            for (index, want) in [&want.out, &want.lse].into_iter().enumerate() {
                assert!(
                    got[index] <= 2.0 * plain[index] + floor(want),
                    "{} of {form:?}: {:e}, default body {:e}; {}",
                    ["out", "lse"][index],
                    got[index],
                    plain[index],
                    describe(&call)
                );
            }
        }
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn the_gradient_of_attention_agrees_with_the_loops() {
    for call in calls() {
        let tokens = call.sequences.tokens();
        let width = call.heads.width();
        let values = qkv(tokens, call.heads);
        let d_out = Numbers(7).take(tokens * width);
        let want = reference::attention_backward(&doubles(&values), &doubles(&d_out), &call);
        let input = || primitive(&values, [tokens, 3 * width]);
        let parts: AttentionParts<Flex> = plain_attention::forward::<Flex>(input(), &call);
        let plain = attention_backward::backward::<Flex>(
            input(),
            parts.out,
            parts.stats,
            primitive(&d_out, [tokens, width]),
            &call,
        );
        let plain = error(&floats(plain), &want);
        for form in Tiling::ALL.map(|tiling| (tiling, false)) {
            let input = || tensor(&values, [tokens, 3 * width], Elem::F32);
            let attention = in_form(&input(), &call, form);
            let parts: AttentionParts<CubeBackend> = attention.forward(input(), &call);
            let d_out = tensor(&d_out, [tokens, width], Elem::F32);
            let got = attention.backward([input(), parts.out, parts.stats, d_out], &call);
            let got = error(&read(got), &want);
            assert!(
                got <= 3.0 * plain + floor(&want),
                "{form:?}: {got:e}, default body {plain:e}; {}",
                describe(&call)
            );
        }
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn a_layer_has_its_gradient() {
    gradients::assert_a_layer_has_its_gradient(&SOFTWARE);
}

/// Where an invocation may not visit all columns of a row, those that are left follow.
#[test]
#[ignore = "needs a software adapter"]
fn columns_in_several_dispatches_agree_with_the_loops() {
    let heads = HeadShape {
        heads: 2,
        head_dim: 24,
    };
    let (tokens, width) = (371, heads.width());
    for half_window in [None, Some(90)] {
        let call = AttentionCall::new(heads, Sequences::from_lengths(&[300, 1, 70]), half_window);
        let values = qkv(tokens, heads);
        let d_out = Numbers(7).take(tokens * width);
        let want = reference::attention(&doubles(&values), &call);
        let want_grad = reference::attention_backward(&doubles(&values), &doubles(&d_out), &call);
        for form in FORMS {
            let input = || tensor(&values, [tokens, 3 * width], Elem::F32);
            let attention = in_form(&input(), &call, form).in_rounds(1);
            let parts: AttentionParts<CubeBackend> = attention.forward(input(), &call);
            let out = error(&read(parts.out.clone()), &want.out);
            let lse_off = error(&lse(&read(parts.stats.clone())), &want.lse);
            let d_out = tensor(&d_out, [tokens, width], Elem::F32);
            let grad = attention.backward([input(), parts.out, parts.stats, d_out], &call);
            let grad = error(&read(grad), &want_grad);
            assert!(
                out <= 1e-6 + floor(&want.out)
                    && lse_off <= 2.0 * floor(&want.lse)
                    && grad <= 1e-5 + floor(&want_grad),
                "{form:?} {half_window:?}: {out:e}, lse {lse_off:e}, gradient {grad:e}"
            );
        }
    }
}

/// Rows in which one key has all the weight, and rows in which all have the same.
#[test]
#[ignore = "needs a software adapter"]
fn peaky_and_flat_rows_agree_with_the_loops() {
    let heads = HeadShape {
        heads: 2,
        head_dim: 16,
    };
    let lengths = [70, 1, 37];
    let (tokens, width) = (108, heads.width());
    for half_window in [None, Some(0), Some(9)] {
        let call = AttentionCall::new(heads, Sequences::from_lengths(&lengths), half_window);
        for (what, scale) in [("flat", 0.0), ("peaky", 8.0)] {
            let mut values = qkv(tokens, heads);
            for row in values.chunks_exact_mut(3 * width) {
                // q and k; v stays.
                row[..2 * width].iter_mut().for_each(|x| *x *= scale);
            }
            let d_out = Numbers(7).take(tokens * width);
            let want = reference::attention(&doubles(&values), &call);
            let want_grad =
                reference::attention_backward(&doubles(&values), &doubles(&d_out), &call);
            // A unit in the last place of the largest logit is what weights are uncertain by.
            let largest = want.lse.iter().fold(1.0, |a: f64, b| a.max(b.abs()));
            let unit = f64::powi(2.0, largest.log2().floor() as i32 - 23);
            let size = |values: &[f64]| values.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
            let allowed = |want: &[f64]| 2.0 * unit * size(want) + floor(want);
            for form in FORMS {
                let input = || tensor(&values, [tokens, 3 * width], Elem::F32);
                let attention = in_form(&input(), &call, form);
                let parts: AttentionParts<CubeBackend> = attention.forward(input(), &call);
                let out = error(&read(parts.out.clone()), &want.out);
                let d_out = tensor(&d_out, [tokens, width], Elem::F32);
                let grad = attention.backward([input(), parts.out, parts.stats, d_out], &call);
                let grad = error(&read(grad), &want_grad);
                assert!(
                    out <= allowed(&want.out) && grad <= allowed(&want_grad),
                    "{what} {form:?}: {out:e} of {:e}, gradient {grad:e} of {:e}; logits to {largest}",
                    allowed(&want.out),
                    allowed(&want_grad)
                );
            }
        }
    }
}

/// 16-bit storage costs the rounding of what is stored, and no more.
#[test]
#[ignore = "needs a software adapter"]
fn half_precision_is_rounded_once() {
    for half_window in [None, Some(7)] {
        let heads = HeadShape {
            heads: 2,
            head_dim: 32,
        };
        let call = AttentionCall::new(heads, Sequences::from_lengths(&[70, 33]), half_window);
        let (tokens, width) = (103, heads.width());
        let values = halves(&qkv(tokens, heads));
        let d_out = halves(&Numbers(7).take(tokens * width));
        let want = reference::attention(&doubles(&values), &call);
        let want_grad = reference::attention_backward(&doubles(&values), &doubles(&d_out), &call);
        let input = || tensor(&values, [tokens, 3 * width], Elem::F16);
        let attention = Attention::for_tensor(&input(), &call).unwrap();
        let parts: AttentionParts<CubeBackend> = attention.forward(input(), &call);
        let out = read(parts.out.clone());
        let largest = |values: &[f64]| values.iter().fold(0.0, |a: f64, b| a.max(b.abs()));
        // Half a unit in the last place of 11 bits.
        let rounding = |values: &[f64]| largest(values) * f64::powi(2.0, -11);
        assert!(error(&out, &want.out) <= 1.01 * rounding(&want.out));
        assert!(error(&lse(&read(parts.stats.clone())), &want.lse) <= 2.0 * floor(&want.lse));
        let d_out = tensor(&d_out, [tokens, width], Elem::F16);
        let grad = attention.backward([input(), parts.out, parts.stats, d_out], &call);
        // delta comes from the rounded output, so errors of its size are multiplied by k.
        let got = error(&read(grad), &want_grad);
        assert!(got <= 8.0 * rounding(&want_grad), "{got:e}");
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn tiles_of_probabilities_agree_with_the_loops() {
    for (heads, head_dim, half_window) in [(1, 16, None), (3, 32, Some(0)), (2, 64, Some(7))] {
        let shape = HeadShape { heads, head_dim };
        let call = AttentionCall::new(shape, Sequences::from_lengths(&[1, 300, 40]), half_window);
        let tokens = call.sequences.tokens();
        let values = qkv(tokens, shape);
        let input = || tensor(&values, [tokens, 3 * shape.width()], Elem::F32);
        let attention = Attention::for_tensor(&input(), &call).unwrap();
        let parts: AttentionParts<CubeBackend> = attention.forward(input(), &call);
        let stats = parts.stats;
        let doubles = doubles(&values);
        let tiles: [[Range<usize>; 2]; 5] = [
            [0..1, 0..1],
            [57..58, 1..301],
            [1..301, 57..58],
            [100..260, 90..97],
            [301..341, 301..341],
        ];
        for [queries, keys] in tiles {
            let want: Vec<f64> = (0..heads)
                .flat_map(|head| queries.clone().map(move |query| (head, query)))
                .flat_map(|(head, query)| {
                    probability_row(&doubles, &call, head, query)[keys.clone()].to_vec()
                })
                .collect();
            let got = read(attention.probabilities(
                [input(), stats.clone()],
                &call,
                queries.clone(),
                keys.clone(),
            ));
            let difference = error(&got, &want);
            assert!(difference < 3e-6, "{queries:?} {keys:?}: {difference:e}");
            if keys.len() == 300 {
                for row in got.chunks_exact(300) {
                    let sum: f64 = row.iter().map(|&p| f64::from(p)).sum();
                    assert!((sum - 1.0).abs() < 2e-6, "{sum}");
                }
            }
        }
    }
}

#[test]
#[ignore = "needs a software adapter"]
fn mixed_tiles_of_probabilities_agree_with_the_loops() {
    mixed::assert_near(&ADAPTER.on);
}
