// What both gradients of attention need besides the tiles: dO as a tile, and the weights again.
//
// Needs attention_tile.wgsl, visible.wgsl, and bindings `d_out`, `stats` and `delta`.

// Fills the tile at `base` with rows `first..end` of one head of dO; rows from `end` on become 0.
fn load_d_out(thread: u32, base: u32, rows: u32, first: u32, end: u32, head: u32) {
    for (var index = thread; index < rows * QUARTERS; index += THREADS) {
        let row = index / QUARTERS;
        let quarter = index % QUARTERS;
        var value = vec4<f32>();
        if first + row < end {
            value = vec4<f32>(d_out[((first + row) * call.heads + head) * QUARTERS + quarter]);
        }
        memory[base + slot(row, quarter)] = value;
    }
}

// What the forward pass and the first backward pass kept of one query.
struct Kept {
    largest: f32,
    log_sum: f32,
    delta: f32,
}

fn kept(query: u32, end: u32, head: u32) -> Kept {
    if query >= end {
        return Kept();
    }
    let at = head * call.tokens + query;
    return Kept(stats[at], stats[call.heads * call.tokens + at], delta[at]);
}
