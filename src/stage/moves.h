/* moves.h: which moves the chains of a scan make, by the configuration and the values of the sites. Local. */
#ifndef NNSM_STAGE_MOVES_H
#define NNSM_STAGE_MOVES_H

#include "nnsm/moves.h"
#include "stage/run.h"

/* A list of moves, made in turn, a sweep each; count 0: flips of two values. */
typedef struct {
    size_t count;
    nnsm_move move[NNSM_MOVES];
    nnsm_move_space space;
} nnsm_move_list;

/* Of the run's alphabet and lattice, both known by now. NNSM_USAGE where scan.moves names what they do not have. */
nnsm_status nnsm_move_list_choose(nnsm_move_list *list, const nnsm_run *run, nnsm_error *error);

/* Proposals of this move that a chain makes in the sweeps from first to last - 1. */
double nnsm_move_list_proposals(const nnsm_move_list *list, nnsm_move move, uint32_t first, uint32_t last);

/* Name in the configuration and in results. */
const char *nnsm_move_name(nnsm_move move);

/* Does the configuration state moves for sites of more than two values? Then these are made. */
bool nnsm_move_list_stated(const nnsm_run *run);

/* What chains do where self-learning does not work, for the log. */
const char *nnsm_single_moves(const nnsm_run *run);

#endif
