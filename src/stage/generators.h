/* generators.h: which ranks generate while the others train (team.c), from what both cost. */
#ifndef NNSM_STAGE_GENERATORS_H
#define NNSM_STAGE_GENERATORS_H

#include <stddef.h>

#include "setup/config.h"

/* How many ranks generate at first: their time for the ensemble should be that of the others for the first epoch; 0
 * where one rank plays every part in turn. Local. */
int nnsm_choose_generators(const nnsm_config *config, size_t sites, int ranks);

#endif
