/* generators.h: which ranks generate while the others train (team.c), from what both cost. */
#ifndef NNSM_STAGE_GENERATORS_H
#define NNSM_STAGE_GENERATORS_H

#include <stdbool.h>
#include <stddef.h>

#include "setup/config.h"

/* How many ranks generate at first: their time for the ensemble should be that of the others for the first epoch; 0
 * where one rank plays every part in turn. Local. */
int nnsm_choose_generators(const nnsm_config *config, size_t sites, int ranks);

/* Whether it takes less time that all ranks generate and then read the file to train, than that some generate for the
 * others: where generation is much longer than an epoch, and there are chains for all. Local. */
bool nnsm_generate_first(const nnsm_config *config, size_t sites, int ranks);

#endif
