#include "statistics/bennett.h"

#include <math.h>

#include "base/memory.h"

nnsm_status nnsm_bennett_create(nnsm_bennett *bennett, size_t temperatures, const double *temperature,
                                nnsm_error *error)
{
    *bennett = (nnsm_bennett){.temperatures = temperatures, .temperature = temperature};
    return NNSM_NEW(&bennett->centre, temperatures, "free energy", error);
}

void nnsm_bennett_destroy(nnsm_bennett *bennett)
{
    nnsm_release(bennett->centre);
    *bennett = (nnsm_bennett){0};
}

void nnsm_bennett_centre(nnsm_bennett *bennett, const double *energy)
{
    bennett->centred++;
    for (size_t t = 0; t < bennett->temperatures; t++)
        bennett->centre[t] += (energy[t] - bennett->centre[t]) / (double)bennett->centred;
}

bool nnsm_same_temperature(double a, double b)
{
    return fabs(a - b) < 1e-9 * b;
}

bool nnsm_bennett_target(const nnsm_bennett *bennett, size_t t, int direction, double *temperature, double *middle)
{
    const nnsm_bennett *b = bennett;
    double own = b->temperature[t];
    bool edge = direction == NNSM_UP ? t + 1 == b->temperatures : t == 0;
    size_t next = direction == NNSM_UP ? t + 1 : t - 1;
    double beyond = edge ? 0 : b->temperature[next];
    bool ahead = b->anchor > 0 && !nnsm_same_temperature(own, b->anchor) &&
                 (direction == NNSM_UP ? b->anchor > own : b->anchor < own);
    bool nearer = direction == NNSM_UP ? b->anchor < beyond : b->anchor > beyond;
    if (ahead && (edge || (nearer && !nnsm_same_temperature(beyond, b->anchor)))) {
        *temperature = b->anchor;
        *middle = 0.5 * (b->centre[t] + b->anchor_energy);
        return true;
    }
    if (edge)
        return false;
    *temperature = beyond;
    *middle = 0.5 * (b->centre[t] + b->centre[next]);
    return true;
}

double nnsm_bennett_function(double from, double to, double middle, double energy)
{
    return 1 / (1 + exp((1 / to - 1 / from) * (energy - middle)));
}

void nnsm_bennett_functions(const nnsm_bennett *bennett, size_t t, double energy, double *f)
{
    for (int direction = NNSM_DOWN; direction <= NNSM_UP; direction++) {
        double to, middle;
        f[direction] = nnsm_bennett_target(bennett, t, direction, &to, &middle)
                           ? nnsm_bennett_function(bennett->temperature[t], to, middle, energy)
                           : 0;
    }
}
