#include "lattice/local_plan.h"

#include <stdlib.h>
#include <string.h>

#include "base/memory.h"

enum { MOST_COUNT = 127 };

/* A term of one site. */
typedef struct {
    double coupling;
    int32_t others;
    int32_t row[NNSM_TERM_SITES];
} entry;

static int compare(const void *left, const void *right)
{
    const entry *a = left, *b = right;
    if (a->others != b->others)
        return a->others < b->others ? -1 : 1;
    if (a->coupling != b->coupling)
        return a->coupling < b->coupling ? -1 : 1;
    return memcmp(a->row, b->row, sizeof a->row);
}

static size_t list_entries(const nnsm_local *local, size_t site, entry *entries)
{
    const nnsm_operators *o = local->operators;
    size_t count = 0;
    for (size_t k = o->first[site]; k < o->first[site + 1]; k++) {
        size_t t = (size_t)o->touching[k];
        entry e = {.coupling = local->coupling[o->class_of[t]]};
        for (int j = 0; j < NNSM_TERM_SITES && o->site[t][j] >= 0; j++)
            if ((size_t)o->site[t][j] != site)
                e.row[e.others++] = o->site[t][j];
        if (e.coupling != 0)
            entries[count++] = e;
    }
    if (count)
        qsort(entries, count, sizeof *entries, compare);
    return count;
}

static void fill(nnsm_local_plan *plan, const nnsm_local *local, entry *entries)
{
    size_t groups = 0, rows = 0;
    for (size_t i = 0; i < plan->sites; i++) {
        size_t count = list_entries(local, i, entries);
        plan->first[i] = groups;
        for (size_t k = 0; k < count; k++) {
            nnsm_local_group *last = groups > plan->first[i] ? &plan->group[groups - 1] : NULL;
            if (!last || last->others != entries[k].others || last->coupling != entries[k].coupling ||
                last->count == MOST_COUNT) {
                last = &plan->group[groups++];
                *last = (nnsm_local_group){entries[k].coupling, entries[k].others, 0, rows};
            }
            last->count++;
            for (int32_t j = 0; j < entries[k].others; j++)
                plan->row[rows++] = entries[k].row[j];
        }
    }
    plan->first[plan->sites] = groups;
}

nnsm_status nnsm_local_plan_create(nnsm_local_plan *plan, const nnsm_local *local, nnsm_error *error)
{
    const nnsm_operators *o = local->operators;
    entry *entries = NULL;
    size_t touches = o->first[o->sites], most = 0;
    *plan = (nnsm_local_plan){.sites = o->sites};
    for (size_t c = 0; c < o->classes; c++)
        plan->m2 += o->class[c].order ? 0 : local->coupling[c];
    for (size_t i = 0; i < o->sites; i++)
        most = o->first[i + 1] - o->first[i] > most ? o->first[i + 1] - o->first[i] : most;
    nnsm_status status = NNSM_NEW(&plan->first, o->sites + 1, "local Hamiltonian", error);
    if (!status)
        status = NNSM_NEW(&plan->group, touches, "local Hamiltonian", error);
    if (!status)
        status = NNSM_NEW(&plan->row, touches * (NNSM_TERM_SITES - 1), "local Hamiltonian", error);
    if (!status)
        status = NNSM_NEW(&entries, most, "local Hamiltonian", error);
    if (status)
        nnsm_local_plan_destroy(plan);
    else
        fill(plan, local, entries);
    nnsm_release(entries);
    return status;
}

void nnsm_local_plan_destroy(nnsm_local_plan *plan)
{
    if (!plan)
        return;
    nnsm_release(plan->first);
    nnsm_release(plan->group);
    nnsm_release(plan->row);
    *plan = (nnsm_local_plan){0};
}
