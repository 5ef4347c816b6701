def sent(S_E, S_I, w_p_J_N, G_J_N, minus_wIE, J_N, sigma_scaled):
    u = S_E
    return (u, )


def advance(S_E, S_I, w_p_J_N, G_J_N, minus_wIE, J_N, sigma_scaled, u, xi_E, xi_I):
    I_E = (((0.382 + (w_p_J_N * S_E)) + (G_J_N * u)) + (minus_wIE * S_I))
    I_I = ((0.26739999999999997 + (J_N * S_E)) + (-1.0 * S_I))
    r_E = (6.25 * explinear((-20.0 + (49.6 * I_E))))
    r_I = (11.49425287356322 * explinear((-15.399 + (53.504999999999995 * I_I))))
    new_S_E = clip((S_E + (((-0.001 * S_E) + (0.1 * ((0.000641 + (-0.000641 * S_E)) * r_E))) + (sigma_scaled * xi_E))), 0.0, 1.0)
    new_S_I = clip((S_I + (((-0.010000000000000002 * S_I) + (0.0001 * r_I)) + (sigma_scaled * xi_I))), 0.0, 1.0)
    return (new_S_E, new_S_I, I_E, I_I, r_E, r_I, )
