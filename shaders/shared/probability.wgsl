// One attention probability: exp((scale · q kᵀ - largest) - log_sum), 0 where hidden. Logits are
// summed in the order of attention_tile.wgsl, so that rows sum to 1.
//
// Needs constant HEAD_DIM, visible.wgsl, bindings `qkv` and `stats`, and `tokens`, `heads`,
// `half_window` and `scale` in `call`.

const QUARTERS: u32 = HEAD_DIM / 4u;
const_assert(HEAD_DIM % 4u == 0u);

fn probability(query: u32, key: u32, head: u32) -> f32 {
    let q_at = (query * 3u * call.heads + head) * QUARTERS;
    let k_at = ((key * 3u + 1u) * call.heads + head) * QUARTERS;
    var logit = 0.0;
    for (var quarter = 0u; quarter < QUARTERS; quarter++) {
        logit += dot(vec4<f32>(qkv[q_at + quarter]) * call.scale, vec4<f32>(qkv[k_at + quarter]));
    }
    let stat = head * call.tokens + query;
    let value = exp(logit - stats[stat] - stats[call.heads * call.tokens + stat]);
    return select(0.0, value, visible(query, key, call.half_window));
}
