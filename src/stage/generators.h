/* generators.h: which ranks generate while the others train (team.c), from what both cost. */
#ifndef NNSM_STAGE_GENERATORS_H
#define NNSM_STAGE_GENERATORS_H

#include <stdbool.h>
#include <stddef.h>

#include "setup/config.h"

/* How many ranks generate at first: their time for the ensemble should be that of the others for the first epoch; 0
 * where one rank plays every part in turn. Local. */
int nnsm_choose_generators(const nnsm_config *config, size_t sites, int ranks);

/* The largest part of the chains that one of `generators` ranks has. Local. */
double nnsm_generator_share(const nnsm_config *config, int generators);

/* Whether all ranks generate and then read the file to train, instead of some generating for the others: windows and
 * the choice of the reach want all of the data first, and it takes less time where generation is much longer than an
 * epoch. Local. */
bool nnsm_generate_first(const nnsm_config *config, size_t sites, int ranks);

#endif
