template <int stage>
__device__ void update(Cell& cell, const real* sums, const real* xi, real* sample);
template <int stage> __device__ void publish(const Cell& cell, real* sent);

template <> __device__ __forceinline__ void update<0>(Cell& cell, const real* sums, const real* xi, real* sample) {
    const real v_S_E = cell.arrays[0];
    const real v_S_I = cell.arrays[1];
    const real v_w_p_J_N = cell.coefficients[0];  // (v_w_p * v_J_N)
    const real v_G_J_N = cell.coefficients[1];  // (v_G * v_J_N)
    const real v_minus_wIE = cell.coefficients[2];  // (-1.0f * v_wIE)
    const real v_J_N = cell.coefficients[3];
    const real v_sigma_scaled = cell.coefficients[4];  // (0.31622776601683794f * v_sigma)
    const real v_u = sums[0];
    const real v_xi_E = xi[0];
    const real v_xi_I = xi[1];
    const real v_I_E = fma(v_minus_wIE, v_S_I, fma(v_G_J_N, v_u, fma(v_w_p_J_N, v_S_E, 0.382f)));
    const real v_I_I = (fma(v_J_N, v_S_E, 0.26739999999999997f) - v_S_I);
    const real v_r_E = (6.25f * explinear(fma(49.6f, v_I_E, -20.0f)));
    const real v_r_I = (11.49425287356322f * explinear(fma(53.504999999999995f, v_I_I, -15.399f)));
    if (sample) { sample[0 * PLANE] = v_I_E; sample[1 * PLANE] = v_I_I; sample[2 * PLANE] = v_r_E; sample[3 * PLANE] = v_r_I; }
    const real new_S_E = clip((v_S_E + fma(v_sigma_scaled, v_xi_E, fma(0.1f, (fma(-0.000641f, v_S_E, 0.000641f) * v_r_E), (-0.001f * v_S_E)))), 0.0f, 1.0f);
    const real new_S_I = clip((v_S_I + fma(v_sigma_scaled, v_xi_I, fma(0.0001f, v_r_I, (-0.010000000000000002f * v_S_I)))), 0.0f, 1.0f);
    cell.arrays[0] = new_S_E;
    cell.arrays[1] = new_S_I;
}

template <> __device__ __forceinline__ void publish<0>(const Cell& cell, real* sent) {
    const real v_S_E = cell.arrays[0];
    sent[0] = v_S_E;
}

__device__ __forceinline__ void record_arrays(const Cell& cell, real* sample) {
    sample[4 * PLANE] = cell.arrays[0];
    sample[5 * PLANE] = cell.arrays[1];
}

__device__ __forceinline__ real bold_input(const Cell& cell) {
    const real v_S_E = cell.arrays[0];
    return v_S_E;
}
