#include "stage/moves.h"

const char *nnsm_move_name(nnsm_move move)
{
    static const char *const name[NNSM_MOVES] = {"single", "neighbour", "patch"};
    return name[move];
}

bool nnsm_move_list_stated(const nnsm_run *run)
{
    const nnsm_config *c = run->config;
    return run->alphabet.count > 2 && (c->scan.single || c->scan.neighbour || c->scan.patch);
}

const char *nnsm_single_moves(const nnsm_run *run)
{
    return run->alphabet.count == 2 ? "single flips" : "Metropolis moves";
}

nnsm_status nnsm_move_list_choose(nnsm_move_list *list, const nnsm_run *run, nnsm_error *error)
{
    const nnsm_config *c = run->config;
    bool wanted[NNSM_MOVES] = {c->scan.single, c->scan.neighbour, c->scan.patch};
    *list = (nnsm_move_list){0};
    if (run->alphabet.count == 2 && (wanted[NNSM_MOVE_NEIGHBOUR] || wanted[NNSM_MOVE_PATCH]))
        return nnsm_fail(error, NNSM_USAGE,
                         "scan.moves: sites of two values know only \"single\", the flip; remove \"%s\"",
                         nnsm_move_name(wanted[NNSM_MOVE_PATCH] ? NNSM_MOVE_PATCH : NNSM_MOVE_NEIGHBOUR));
    if (run->alphabet.labels && (wanted[NNSM_MOVE_NEIGHBOUR] || wanted[NNSM_MOVE_PATCH]))
        return nnsm_fail(error, NNSM_USAGE, "scan.moves: labels have no neighbouring values; take \"single\"");
    if (run->alphabet.count == 2)
        return NNSM_OK;
    if (!wanted[NNSM_MOVE_SINGLE] && !wanted[NNSM_MOVE_NEIGHBOUR] && !wanted[NNSM_MOVE_PATCH]) {
        wanted[NNSM_MOVE_SINGLE] = true;
        wanted[NNSM_MOVE_NEIGHBOUR] = !run->alphabet.labels;
    }
    if (wanted[NNSM_MOVE_PATCH] && !wanted[NNSM_MOVE_SINGLE] && !wanted[NNSM_MOVE_NEIGHBOUR] && run->lattice.periodic)
        return nnsm_fail(
            error, NNSM_USAGE,
            "scan.moves: on a periodic lattice \"patch\" alone keeps alternating sums, and does not reach all "
            "configurations; add \"single\" or \"neighbour\"");
    list->space = nnsm_move_space_make(&run->lattice, run->alphabet.count);
    for (int m = 0; m < NNSM_MOVES; m++)
        if (wanted[m])
            list->move[list->count++] = (nnsm_move)m;
    return NNSM_OK;
}

double nnsm_move_list_proposals(const nnsm_move_list *list, nnsm_move move, uint32_t first, uint32_t last)
{
    for (uint32_t i = 0; i < list->count; i++)
        if (list->move[i] == move) {
            uint32_t n = (uint32_t)list->count; /* sweeps s < x with s mod n = i: (x + n - 1 - i) / n */
            double sweeps = (double)((last + n - 1 - i) / n) - (double)((first + n - 1 - i) / n);
            return sweeps * (double)nnsm_move_proposals(&list->space, move);
        }
    return 0;
}
