/* frontier_units.h: the fixed units of a fit: what its outputs can say beyond terms that are linear in single spins.
 *
 * Products. Where sites within each other's reach can be coupled in threes and fours, the conditional of a spin holds
 * products of two and three of its frontier spins. A unit with equal weights on them is one, up to what other features
 * have: on s = -1, +1 the functions of a + b are spanned by 1, a + b and tanh(a + b + e), e not 0; the odd functions of
 * a + b + c by a + b + c and tanh(a + b + c). Of sites that are all within the reach of each other and of the output;
 * at reach 1 on a square lattice there are none. Where there are, also of the nearest frontier sites.
 * Shapes. All others: random, w = amplitude exp(-distance / length) on each side of the output: what the unvisited
 * part of the lattice does is a smooth saturating function of the frontier. Where there are products, every other
 * shape has an amplitude for each site.
 * Values. Of q > 2 values a unit sees g(s), of mean 0 and variance 1 over them. Labels: one against all others; q
 * neighbouring units have the same shape and offset and take every label in turn, so that the units as a whole tell no
 * label from another. Numbers v: half of the units the value itself, half cos(phi) v + sin(phi) w with w the part of
 * v^2 that is orthogonal to 1 and v, phi random. There are no products, whose place rough shapes take beyond a reach
 * of 1. Measured, nats a configuration held out: four-spin plaquettes on 10 x 10 42.577 by smooth shapes alone, 42.360
 * so; Baxter-Wu on 9 x 9 43.355 and 40.490. Local. */
#ifndef NNSM_MADE_FRONTIER_UNITS_H
#define NNSM_MADE_FRONTIER_UNITS_H

#include "nnsm/frontier.h"

/* How many units a fit with so many frontier sites has; of more than two labels a multiple of their number. */
size_t nnsm_frontier_units(const nnsm_frontier_architecture *architecture, size_t frontier);

/* Draw weights and offsets of the fit number `index`, whose output is at position `p`. */
void nnsm_frontier_draw(const nnsm_frontier *frontier, size_t index, size_t p, nnsm_fit *fit);

#endif
