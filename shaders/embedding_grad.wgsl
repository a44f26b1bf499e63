// Gradient of a look-up in a table: each entry's row is the sum of the rows of dOut where it was
// looked up, in their order. Rows of other entries are left as they are: zero.
//
// Grid: x = quarters of a row, THREADS at a time, y = entries.
// One invocation owns one quarter of one entry.
//
// d_out    [places, width / 4], in
// d_table  [entries, width / 4], filled with zeros
// call.list  for each entry of the grid: its row, and begin and end in the rest; then the places

struct Call {
    width: u32,
    entries: u32,
    list: array<u32>,
}

@group(0) @binding(0) var<storage, read_write> d_out: array<vec4<elem>>;
@group(0) @binding(1) var<storage, read_write> d_table: array<vec4<elem>>;
@group(0) @binding(2) var<storage, read> call: Call;

@compute @workgroup_size(THREADS)
fn main(@builtin(workgroup_id) group: vec3<u32>, @builtin(local_invocation_index) thread: u32) {
    let quarters = call.width / 4u;
    let quarter = group.x * THREADS + thread;
    if quarter >= quarters {
        return;
    }
    let entry = call.list[3u * group.y];
    let begin = call.list[3u * group.y + 1u];
    let end = call.list[3u * group.y + 2u];
    var sum = vec4<f32>();
    for (var index = begin; index < end; index++) {
        let place = call.list[3u * call.entries + index];
        sum += vec4<f32>(d_out[place * quarters + quarter]);
    }
    d_table[entry * quarters + quarter] = vec4<elem>(sum);
}
