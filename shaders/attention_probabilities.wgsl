// Attention probabilities of a tile, for the views: exp((scale · q kᵀ - largest) - log_sum), 0
// where hidden. Logits are summed in the order of attention_tile.wgsl, so that rows sum to 1.
//
// Grid: x = keys of the tile, THREADS at a time, y = its queries, z = heads.
// One invocation owns one key of one query and head.
//
// qkv            [tokens, 3, heads, HEAD_DIM / 4], in
// stats          [2, heads, tokens], in
// probabilities  [heads, queries, keys]

struct Call {
    tokens: u32,
    heads: u32,
    half_window: u32,
    scale: f32,
    // Rows of the packed batch, all of one sequence; ends excluded.
    query_begin: u32,
    query_end: u32,
    key_begin: u32,
    key_end: u32,
}

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> stats: array<f32>;
@group(0) @binding(2) var<storage, read_write> probabilities: array<f32>;
@group(0) @binding(3) var<storage, read> call: Call;

const QUARTERS: u32 = HEAD_DIM / 4u;
const_assert(HEAD_DIM % 4u == 0u);

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let query = call.query_begin + group.y;
    let key = call.key_begin + group.x * THREADS + thread;
    let head = group.z;
    if key >= call.key_end {
        return;
    }
    let queries = call.query_end - call.query_begin;
    let keys = call.key_end - call.key_begin;
    let q_at = (query * 3u * call.heads + head) * QUARTERS;
    let k_at = ((key * 3u + 1u) * call.heads + head) * QUARTERS;
    var logit = 0.0;
    for (var quarter = 0u; quarter < QUARTERS; quarter++) {
        logit += dot(vec4<f32>(qkv[q_at + quarter]) * call.scale, vec4<f32>(qkv[k_at + quarter]));
    }
    let stat = head * call.tokens + query;
    let probability = exp(logit - stats[stat] - stats[call.heads * call.tokens + stat]);
    let at = (head * queries + group.y) * keys + group.x * THREADS + thread;
    probabilities[at] = select(0.0, probability, visible(query, key, call.half_window));
}
