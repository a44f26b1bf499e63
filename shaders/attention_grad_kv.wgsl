// Attention, backward, third pass: dV = Pᵀ dO and dK = scale · dSᵀ q, with P and dS as in
// attention_grad_q.wgsl. No two workgroups write the same element: no atomics, one order of sums.
//
// Grid: x = tiles of keys, y = heads.
// One workgroup owns ROWS keys of one head and visits the queries that see them, COLUMNS at a time.
// One invocation owns a part of each block and of dK and dV: attention_tile.wgsl.
//
// qkv           [tokens, 3, heads, HEAD_DIM / 4], in
// d_out         [tokens, heads, HEAD_DIM / 4], in
// stats, delta  [2, heads, tokens] and [heads, tokens], in
// d_qkv         [tokens, 3, heads, HEAD_DIM / 4]: the second and the last third are written

@group(0) @binding(0) var<storage, read_write> qkv: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> d_out: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read_write> stats: array<f32>;
@group(0) @binding(3) var<storage, read_write> delta: array<f32>;
@group(0) @binding(4) var<storage, read_write> d_qkv: array<vec4<elem>>;
@group(0) @binding(5) var<storage, read> call: Call;

// Where the tiles lie in workgroup memory.
const K: u32 = 0u;
const V: u32 = ROWS * QUARTERS;
// dO, then q, then dO again: with both at once tiles would have half the columns.
const QUERY: u32 = 2u * ROWS * QUARTERS;
const WEIGHTS: u32 = QUERY + COLUMNS * QUARTERS;
const_assert(MEMORY == WEIGHTS + COLUMNS * ROWS / 4u);

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let tile = call.tiles[group.x];
    let head = group.y;
    let thread_row = thread / COLUMN_THREADS;
    let thread_column = thread % COLUMN_THREADS;

    var d_k: Results;
    var d_v: Results;
    load_qkv(thread, K, ROWS, tile.row_begin, tile.row_end, 1u, head, 1.0);
    load_qkv(thread, V, ROWS, tile.row_begin, tile.row_end, 2u, head, 1.0);
    for (var query_begin = tile.column_begin; query_begin < tile.column_end; query_begin += COLUMNS) {
        load_d_out(thread, QUERY, COLUMNS, query_begin, tile.column_end, head);
        workgroupBarrier();
        var d_block = products(V, QUERY, thread_row, thread_column);
        workgroupBarrier();
        // The scale goes into q, so that the logits round as in the forward pass, and with it
        // into dK.
        load_qkv(thread, QUERY, COLUMNS, query_begin, tile.column_end, 0u, head, call.scale);
        workgroupBarrier();
        var block = products(K, QUERY, thread_row, thread_column);
        for (var n = 0u; n < COLUMN_PART; n++) {
            let query = query_begin + thread_column + n * COLUMN_THREADS;
            let of_query = kept(query, tile.column_end, head);
            for (var m = 0u; m < ROW_QUARTERS; m++) {
                let at = m * COLUMN_PART + n;
                let key = tile.row_begin + thread_row * ROW_PART + 4u * m;
                let seen = vec4<bool>(
                    visible(query, key, call.half_window),
                    visible(query, key + 1u, call.half_window),
                    visible(query, key + 2u, call.half_window),
                    visible(query, key + 3u, call.half_window),
                ) & vec4<bool>(query < tile.column_end);
                let weights = exp(block[at] - of_query.largest - of_query.log_sum);
                block[at] = select(vec4<f32>(), weights, seen);
                d_block[at] = select(vec4<f32>(), weights * (d_block[at] - of_query.delta), seen);
            }
        }
        store_weights(WEIGHTS, &d_block, thread_row, thread_column);
        workgroupBarrier();
        accumulate(&d_k, WEIGHTS, QUERY, thread_row, thread_column);
        workgroupBarrier();
        load_d_out(thread, QUERY, COLUMNS, query_begin, tile.column_end, head);
        store_weights(WEIGHTS, &block, thread_row, thread_column);
        workgroupBarrier();
        accumulate(&d_v, WEIGHTS, QUERY, thread_row, thread_column);
        workgroupBarrier();
    }

    for (var i = 0u; i < ROW_PART; i++) {
        let row = tile.row_begin + thread_row * ROW_PART + i;
        if row < tile.row_end {
            for (var n = 0u; n < OUT_PART; n++) {
                let quarter = thread_column + n * COLUMN_THREADS;
                let k_at = ((row * 3u + 1u) * call.heads + head) * QUARTERS + quarter;
                let v_at = ((row * 3u + 2u) * call.heads + head) * QUARTERS + quarter;
                var k_sum = d_k[i * OUT_PART + n];
                var v_sum = d_v[i * OUT_PART + n];
                if CONTINUED {
                    k_sum += vec4<f32>(d_qkv[k_at]);
                    v_sum += vec4<f32>(d_qkv[v_at]);
                }
                d_qkv[k_at] = vec4<elem>(k_sum);
                d_qkv[v_at] = vec4<elem>(v_sum);
            }
        }
    }
}
