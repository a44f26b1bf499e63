// The sum of one number of every invocation of a workgroup, for all of them, in one order.
//
// Needs the constant THREADS, a power of two.

var<workgroup> partial: array<f32, THREADS>;

fn workgroup_sum(thread: u32, value: f32) -> f32 {
    partial[thread] = value;
    workgroupBarrier();
    for (var half = THREADS / 2u; half > 0u; half /= 2u) {
        if thread < half {
            partial[thread] += partial[thread + half];
        }
        workgroupBarrier();
    }
    let sum = partial[0];
    // The next sum may be written only when all have read this one.
    workgroupBarrier();
    return sum;
}
