@plain
def couple(nodes, size, weights, values, sums, first):
    """Coupling sums of every target."""
    for lane in range(0, 8, 8):
        for target in range(0, nodes, 4):
            sum_0_0 = zeros(values)
            sum_1_0 = zeros(values)
            sum_2_0 = zeros(values)
            sum_3_0 = zeros(values)
            at = target * nodes
            for source in range(nodes):
                value_0 = load(values, source * 8 + lane + 0)
                weight = broadcast(weights, at + 0)
                sum_0_0 = fma(weight, value_0, sum_0_0)
                weight = broadcast(weights, at + 1)
                sum_1_0 = fma(weight, value_0, sum_1_0)
                weight = broadcast(weights, at + 2)
                sum_2_0 = fma(weight, value_0, sum_2_0)
                weight = broadcast(weights, at + 3)
                sum_3_0 = fma(weight, value_0, sum_3_0)
                at += 4
            store(sums, first + (target + 0) * 8 + lane + 0, sum_0_0)
            store(sums, first + (target + 1) * 8 + lane + 0, sum_1_0)
            store(sums, first + (target + 2) * 8 + lane + 0, sum_2_0)
            store(sums, first + (target + 3) * 8 + lane + 0, sum_3_0)

@plain
def hemodynamics(nodes, size, states, balloon):
    """One step of the Balloon-Windkessel model."""
    for node in range(nodes):
        for at in range(node * 8, (node + 1) * 8, 8):
            S_E = load_wide(states, 0 * size + at)
            z = S_E
            balloon_x = load_wide(balloon, 0 * size + at)
            x = narrow(balloon_x)
            balloon_v = load_wide(balloon, 1 * size + at)
            v = narrow(balloon_v)
            balloon_q = load_wide(balloon, 2 * size + at)
            q = narrow(balloon_q)
            balloon_f = load_wide(balloon, 3 * size + at)
            f = narrow(balloon_f)
            balloon_x = fma(0.001, widen(fma(-2.4390243902439024, f, fma(-1.5384615384615383, x, z))), balloon_x)
            x = narrow(balloon_x)
            store(balloon, 0 * size + at, balloon_x)
            balloon_v = fma(0.001, widen(fma(-1.0204081632653061, powm1_25(v), (1.0204081632653061 * f))), balloon_v)
            v = narrow(balloon_v)
            store(balloon, 1 * size + at, balloon_v)
            balloon_q = fma(0.001, widen(fma(-1.0204081632653061, q, fma(-1.0204081632653061, (powm1_17(v) * (1.0 + q)), fma(-1.9807923169267705, ((1.0 + f) * expm1((0.41551544396166595 * (f / (1.0 + f))))), (1.0204081632653061 * f))))), balloon_q)
            q = narrow(balloon_q)
            store(balloon, 2 * size + at, balloon_q)
            balloon_f = fma(0.001, widen(x), balloon_f)
            f = narrow(balloon_f)
            store(balloon, 3 * size + at, balloon_f)

@plain
def accumulate(nodes, size, states, sums, recorded, totals):
    """Add what can be recorded to its running sums."""
    for node in range(nodes):
        for at in range(node * 8, (node + 1) * 8, 8):
            store(totals, 0 * size + at, load_wide(totals, 0 * size + at) + widen(load_wide(recorded, 0 * size + at)))
            store(totals, 1 * size + at, load_wide(totals, 1 * size + at) + widen(load_wide(recorded, 1 * size + at)))
            store(totals, 2 * size + at, load_wide(totals, 2 * size + at) + widen(load_wide(recorded, 2 * size + at)))
            store(totals, 3 * size + at, load_wide(totals, 3 * size + at) + widen(load_wide(recorded, 3 * size + at)))
            store(totals, 4 * size + at, load_wide(totals, 4 * size + at) + widen(load_wide(states, 0 * size + at)))
            store(totals, 5 * size + at, load_wide(totals, 5 * size + at) + widen(load_wide(states, 1 * size + at)))

@plain
def update_and_record_0(nodes, size, states, sums, coefficients, noise, noise_at, recorded):
    """One time step of every node."""
    for node in range(nodes):
        for at in range(node * 8, (node + 1) * 8, 8):
            S_E = load_wide(states, 0 * size + at)
            S_I = load_wide(states, 1 * size + at)
            u = load_wide(sums, 0 * size + at)
            w_p_J_N = load_wide(coefficients, 0 * size + at)  # (w_p * J_N)
            G_J_N = load_wide(coefficients, 1 * size + at)  # (G * J_N)
            minus_wIE = load_wide(coefficients, 2 * size + at)  # (-1.0 * wIE)
            J_N = load_wide(coefficients, 3 * size + at)
            sigma_scaled = load_wide(coefficients, 4 * size + at)  # (0.31622776601683794 * sigma)
            xi_E = broadcast_wide(noise, noise_at + 0 * nodes + node)
            xi_I = broadcast_wide(noise, noise_at + 1 * nodes + node)
            I_E = fma(minus_wIE, S_I, fma(G_J_N, u, fma(w_p_J_N, S_E, 0.382)))
            I_I = (fma(J_N, S_E, 0.26739999999999997) - S_I)
            r_E = (6.25 * explinear(fma(49.6, I_E, -20.0)))
            r_I = (11.49425287356322 * explinear(fma(53.504999999999995, I_I, -15.399)))
            store(recorded, 0 * size + at, I_E)
            store(recorded, 1 * size + at, I_I)
            store(recorded, 2 * size + at, r_E)
            store(recorded, 3 * size + at, r_I)
            new_S_E = clip((S_E + fma(sigma_scaled, xi_E, fma(0.1, (fma(-0.000641, S_E, 0.000641) * r_E), (-0.001 * S_E)))), 0.0, 1.0)
            new_S_I = clip((S_I + fma(sigma_scaled, xi_I, fma(0.0001, r_I, (-0.010000000000000002 * S_I)))), 0.0, 1.0)
            store(states, 0 * size + at, new_S_E)
            store(states, 1 * size + at, new_S_I)

@plain
def update_0(nodes, size, states, sums, coefficients, noise, noise_at, recorded):
    """One time step of every node."""
    for node in range(nodes):
        for at in range(node * 8, (node + 1) * 8, 8):
            S_E = load_wide(states, 0 * size + at)
            S_I = load_wide(states, 1 * size + at)
            u = load_wide(sums, 0 * size + at)
            w_p_J_N = load_wide(coefficients, 0 * size + at)  # (w_p * J_N)
            G_J_N = load_wide(coefficients, 1 * size + at)  # (G * J_N)
            minus_wIE = load_wide(coefficients, 2 * size + at)  # (-1.0 * wIE)
            J_N = load_wide(coefficients, 3 * size + at)
            sigma_scaled = load_wide(coefficients, 4 * size + at)  # (0.31622776601683794 * sigma)
            xi_E = broadcast_wide(noise, noise_at + 0 * nodes + node)
            xi_I = broadcast_wide(noise, noise_at + 1 * nodes + node)
            I_E = fma(minus_wIE, S_I, fma(G_J_N, u, fma(w_p_J_N, S_E, 0.382)))
            I_I = (fma(J_N, S_E, 0.26739999999999997) - S_I)
            r_E = (6.25 * explinear(fma(49.6, I_E, -20.0)))
            r_I = (11.49425287356322 * explinear(fma(53.504999999999995, I_I, -15.399)))
            new_S_E = clip((S_E + fma(sigma_scaled, xi_E, fma(0.1, (fma(-0.000641, S_E, 0.000641) * r_E), (-0.001 * S_E)))), 0.0, 1.0)
            new_S_I = clip((S_I + fma(sigma_scaled, xi_I, fma(0.0001, r_I, (-0.010000000000000002 * S_I)))), 0.0, 1.0)
            store(states, 0 * size + at, new_S_E)
            store(states, 1 * size + at, new_S_I)

@njit(nogil=True, cache=True, error_model="numpy")
def advance(
    first, last, inner_steps, sample_steps, first_counted, nodes, size,
    weights, states, published, sums, coefficients, balloon,
    noise, draws, fine_steps, stream, keys, recorded, totals,
):
    """Advance a tile by haemodynamic steps `first` to `last`; it can be recorded every `sample_steps`."""
    step = first * inner_steps
    flat_noise = noise.reshape(-1)
    per_step = flat_noise.size // noise.shape[0]
    for outer in range(first + 1, last + 1):
        samples = outer % sample_steps == 0
        for inner in range(inner_steps):
            here = step % noise.shape[0]
            if draws and here == 0:
                draw(noise, step, fine_steps, stream, keys)
            records = samples and inner == inner_steps - 1
            couple(nodes, size, weights, states[0 * size : 1 * size], sums, 0 * size)
            if records:
                update_and_record_0(nodes, size, states, sums, coefficients, flat_noise, here * per_step, recorded)
            else:
                update_0(nodes, size, states, sums, coefficients, flat_noise, here * per_step, recorded)
            step += 1
        hemodynamics(nodes, size, states, balloon)
        if samples and outer >= first_counted:
            accumulate(nodes, size, states, sums, recorded, totals)
