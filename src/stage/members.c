#include "stage/members.h"

#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/member.h"
#include "stage/network_file.h"
#include "stage/opening.h"
#include "stage/train.h"

/* Of a training's time on one rank, what more ranks do not shorten. A cautious guess: the only pair of runs so far, two
 * members on two ranks of a busy machine, took 46 s side by side and 62 s one after the other. */
static const double unshared = 0.05;

void nnsm_members_destroy(nnsm_members *members)
{
    for (size_t k = 1; k < members->count; k++)
        nnsm_network_destroy(&members->network[k]);
    *members = (nnsm_members){0};
}

/* NAME.network.h5 -> NAME.memberK.network.h5, or another ending of the same. */
static void path_beside(const char *network, size_t member, const char *kind, char *path)
{
    static const char ending[] = ".network.h5";
    size_t length = strlen(network), cut = strlen(ending);
    if (length > cut && strcmp(network + length - cut, ending) == 0)
        length -= cut;
    (void)snprintf(path, NNSM_RUN_PATH, "%.*s.member%zu.%s.h5", (int)length, network, member, kind);
}

static void path_of(const nnsm_run *run, size_t member, const char *kind, char *path)
{
    char own[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_NETWORK, own);
    path_beside(own, member, kind, path);
}

/* Of the network that a scan takes. */
static void path_to_read(const nnsm_run *run, size_t member, char *path)
{
    if (run->config->network.file[0])
        path_beside(run->config->network.file, member, "network", path);
    else
        path_of(run, member, "network", path);
}

void nnsm_members_forget(nnsm_run *run)
{
    char path[NNSM_RUN_PATH];
    for (size_t k = 1; k < NNSM_MOST_MEMBERS && run->rank == 0; k++) {
        path_of(run, k, "network", path);
        (void)unlink(path);
        path_of(run, k, "checkpoint", path);
        (void)unlink(path);
    }
}

/* Of the same sites as those of the run? */
static bool same_sites(const nnsm_run *run, const nnsm_network *network)
{
    nnsm_network_shape a = nnsm_network_shape_of(network);
    return nnsm_run_has_lattice(run, a.dimensions, a.extent) && a.periodic == run->lattice.periodic &&
           nnsm_alphabet_equal(&a.alphabet, &run->alphabet);
}

/* Is there a file of this member, trained on this ensemble with what `wanted` says? It changes nothing of the run, of
 * which only rank 0 looks. A file that cannot be looked for or read is a failure: it must not pass for none, and be
 * replaced or left out. Local. */
static nnsm_status find_usable(const nnsm_run *run, int64_t ensemble, const nnsm_config *wanted, const char *path,
                               int *usable, nnsm_error *error)
{
    enum { DIFFERENCES = 256 };
    nnsm_trained *found = NULL;
    nnsm_config before;
    nnsm_error other;
    char differences[DIFFERENCES];
    bool there;
    *usable = 0;
    nnsm_status status = nnsm_h5_exists(path, &there, error);
    if (status || !there)
        return status;
    status = NNSM_NEW(&found, 1, "network", error);
    if (!status)
        status = nnsm_network_file_read_apart(path, found, error);
    if (!status && found->ensemble == ensemble && same_sites(run, &found->network))
        *usable = nnsm_config_read_text(&before, found->origin, path, &other) == NNSM_OK &&
                  nnsm_config_differences(&before, wanted, NNSM_AFFECTS_DATA, differences, DIFFERENCES) == 0 &&
                  nnsm_config_differences(&before, wanted, NNSM_AFFECTS_NETWORK, differences, DIFFERENCES) == 0;
    if (found)
        nnsm_trained_destroy(found);
    nnsm_release(found);
    return status;
}

/* Collective on run->world. */
static nnsm_status read_member(const nnsm_run *run, const char *path, nnsm_network *network, nnsm_error *error)
{
    nnsm_trained *found = NULL;
    nnsm_status status = nnsm_agree_on_file(run, path, error);
    if (status)
        return status;
    status = NNSM_NEW(&found, 1, "network", error);
    if (!status)
        status = nnsm_network_file_read_apart(path, found, error);
    if (found) {
        *network = found->network;
        found->network = (nnsm_network){0};
        nnsm_trained_destroy(found);
    }
    nnsm_release(found);
    return nnsm_agree(run->world, status, error);
}

/* ---- how many at once */

/* The time of a member's training on `ranks` ranks, with that on one rank for unit: shards that the busiest rank has,
 * and a part that ranks do not share. */
static double time_of(const nnsm_config *config, int ranks)
{
    double shards = (double)config->train.shards_per_batch;
    return unshared + (1 - unshared) * ceil(shards / ranks) / shards;
}

int nnsm_members_at_once(const nnsm_config *config, size_t members, int ranks, double *time)
{
    double best[NNSM_MOST_MEMBERS + 1] = {0}; /* of the first m members, in rounds */
    int chosen[NNSM_MOST_MEMBERS + 1] = {0};
    for (int m = 1; m <= (int)members; m++) {
        best[m] = INFINITY;
        for (int groups = 1; groups <= m && groups <= ranks; groups++) {
            double all = time_of(config, ranks / groups) + best[m - groups];
            if (all < best[m] * (1 + 1e-9)) { /* of rounds that take the same together, the largest first */
                best[m] = all;
                chosen[m] = groups;
            }
        }
    }
    *time = best[members];
    return chosen[members];
}

/* ---- what is there, and what is missing */

typedef struct {
    nnsm_run *run;
    nnsm_members *members;
    nnsm_summary summary;
    double reach;
    nnsm_pool pool;                                           /* spread over all ranks */
    int trained[NNSM_MOST_MEMBERS], saved[NNSM_MOST_MEMBERS]; /* its network file, its checkpoint is there */
    size_t missing[NNSM_MOST_MEMBERS], lacking;               /* which have no network file, and how many */
} gathering;

/* Of what is lost least: one network, which --fresh and the files of all others are not worth. */
static nnsm_status advise(nnsm_status status, nnsm_error *error)
{
    char before[NNSM_MESSAGE_LENGTH];
    memcpy(before, error->message, sizeof before);
    return nnsm_fail(error, status, "%.800s; or remove this file alone, and its network is trained anew", before);
}

static nnsm_status look(gathering *e, nnsm_error *error)
{
    nnsm_run *run = e->run;
    char path[NNSM_RUN_PATH];
    nnsm_status status = NNSM_OK;
    for (size_t k = 1; k < e->members->count && run->rank == 0 && !status; k++) {
        path_of(run, k, "network", path);
        status = find_usable(run, run->ensemble, run->config, path, &e->trained[k], error);
        path_of(run, k, "checkpoint", path);
        if (!status && !e->trained[k])
            status = nnsm_checkpoint_fits(run, path, &e->saved[k], error);
    }
    if (status)
        status = advise(status, error);
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(e->trained, NNSM_MOST_MEMBERS, MPI_INT, 0, run->world));
    NNSM_MPI(MPI_Bcast(e->saved, NNSM_MOST_MEMBERS, MPI_INT, 0, run->world));
    for (size_t k = 1; k < e->members->count; k++)
        if (!e->trained[k])
            e->missing[e->lacking++] = k;
    return status;
}

static nnsm_status read_those_there(gathering *e, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_status status = NNSM_OK;
    for (size_t k = 1; k < e->members->count && !status; k++)
        if (e->trained[k]) {
            path_of(e->run, k, "network", path);
            status = read_member(e->run, path, &e->members->network[k], error);
        }
    return status;
}

/* ---- a round: some members, side by side */

/* What every group needs before it can work on its own. Collective on all ranks. */
static nnsm_status deal(gathering *e, nnsm_groups *g, nnsm_pool *pool, nnsm_trained **trained, nnsm_error *error)
{
    nnsm_status status = NNSM_NEW(trained, 1, "network", error);
    if (!status && g->count > 1)
        status = nnsm_pool_create(pool, &e->pool.partition, e->pool.sites, g->own.rank, g->own.ranks,
                                  e->run->config->run.scratch, error);
    status = nnsm_agree(e->run->world, status, error);
    if (status)
        return status;
    if (g->count > 1)
        nnsm_pool_deal(&e->pool, pool, g->first, g->count, e->run->world);
    (*trained)->summary = e->summary;
    (*trained)->reach.reach = e->reach;
    (*trained)->ensemble = e->run->ensemble;
    return NNSM_OK;
}

/* Every group's network to all ranks. trained: this rank's. */
static nnsm_status share(gathering *e, const nnsm_groups *g, size_t begin, nnsm_trained *trained, nnsm_error *error)
{
    nnsm_run *run = e->run;
    nnsm_network *network = e->members->network;
    const nnsm_reach_choice reach = {.reach = e->reach};
    nnsm_status status = NNSM_OK;
    size_t count;
    for (int i = 0; i < g->count && !status; i++) {
        size_t k = e->missing[begin + (size_t)i];
        if (i == g->mine) {
            network[k] = trained->network;
            trained->network = (nnsm_network){0};
        } else
            status = nnsm_network_create(&network[k], run->config, nnsm_member_seed(run->config, k),
                                         nnsm_reach_of(run->config, &reach), &run->lattice, &run->alphabet,
                                         nnsm_windowing_masked(&run->windowing), e->summary.temperature, error);
    }
    status = nnsm_agree(run->world, status, error);
    for (int i = 0; i < g->count && !status; i++) {
        float *parameters = nnsm_network_parameters(&network[e->missing[begin + (size_t)i]], &count);
        NNSM_MPI(MPI_Bcast(parameters, (int)count, MPI_FLOAT, g->first[i], run->world));
    }
    return status;
}

/* As many members as there are groups, from place `begin` of those missing. */
static nnsm_status train_round(gathering *e, size_t begin, int groups, nnsm_error *error)
{
    nnsm_run *run = e->run;
    nnsm_groups g;
    nnsm_pool pool = {0};
    nnsm_trained *trained = NULL;
    char network[NNSM_RUN_PATH], checkpoint[NNSM_RUN_PATH];
    nnsm_status status = nnsm_groups_split(&g, run, groups, NNSM_VOTE_TRAIN, error);
    if (status)
        return status;
    size_t member = e->missing[begin + (size_t)g.mine];
    path_of(run, member, "network", network);
    path_of(run, member, "checkpoint", checkpoint);
    nnsm_member_task task = {member, e->saved[member], network, checkpoint};
    if (groups > 1)
        nnsm_say(&run->log, "trust: networks %zu to %zu side by side, by groups of %d ranks", e->missing[begin] + 1,
                 e->missing[begin + (size_t)groups - 1] + 1, run->ranks / groups);
    status = deal(e, &g, &pool, &trained, error);
    if (!status) {
        status = nnsm_member_train(&g, groups > 1 ? &pool : &e->pool, &task, trained, error);
        nnsm_groups_wait(&g, status);
        status = nnsm_agree(run->world, status, error);
    }
    if (!status)
        status = share(e, &g, begin, trained, error);
    nnsm_groups_join(&g);
    nnsm_pool_destroy(&pool);
    if (trained)
        nnsm_trained_destroy(trained);
    nnsm_release(trained);
    return status;
}

static nnsm_status train_those_missing(gathering *e, nnsm_error *error)
{
    double time;
    int64_t expected = e->run->ensemble;
    nnsm_status status = nnsm_pool_load(e->run, &e->pool, &e->summary, &(nnsm_evidence){0}, error);
    if (!status && e->run->ensemble != expected)
        status = nnsm_fail(error, NNSM_DATA,
                           "the ensemble is not the one that the network was trained on, its checksum differs; "
                           "restore its file, or start anew with --fresh");
    for (size_t done = 0; done < e->lacking && !status;) {
        int groups = nnsm_members_at_once(e->run->config, e->lacking - done, e->run->ranks, &time);
        status = train_round(e, done, groups, error);
        done += (size_t)groups;
    }
    nnsm_pool_destroy(&e->pool);
    return status;
}

nnsm_status nnsm_stage_members(nnsm_run *run, const nnsm_trained *trained, nnsm_members *members, nnsm_error *error)
{
    gathering e = {.run = run, .members = members};
    *members = (nnsm_members){.count = 1};
    run->ensemble = trained->ensemble;
    if (run->config->trust.networks < 2)
        return NNSM_OK;
    members->count = (size_t)run->config->trust.networks;
    /* That of the run's own network, which may have been chosen from the data. */
    if (trained->network.frontier)
        e.reach = nnsm_frontier_architecture_of(trained->network.frontier)->reach;
    nnsm_run_begin(run, NNSM_STAGE_MEMBERS);
    nnsm_status status = look(&e, error);
    if (!status)
        status = read_those_there(&e, error);
    if (!status && e.lacking)
        status = train_those_missing(&e, error);
    nnsm_run_end(run, NNSM_STAGE_MEMBERS);
    return status;
}

/* Rank 0: the run's own network, and files from the first member on that belong to it; it tells its configuration. */
static nnsm_status count_usable(nnsm_run *run, const nnsm_trained *trained, int *count, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_config own;
    nnsm_error other;
    nnsm_status status = NNSM_OK;
    *count = 1;
    if (!trained->origin[0] || nnsm_config_read_text(&own, trained->origin, "network file", &other))
        return NNSM_OK;
    for (int usable = 1; usable && *count < run->config->trust.networks && !status; *count += usable) {
        path_to_read(run, (size_t)*count, path);
        status = find_usable(run, trained->ensemble, &own, path, &usable, error);
    }
    return status;
}

nnsm_status nnsm_members_read(nnsm_run *run, const nnsm_trained *trained, nnsm_members *members, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_status status = NNSM_OK;
    int64_t wanted = run->config->trust.networks;
    int count = 0;
    *members = (nnsm_members){.count = 1};
    if (wanted < 2)
        return NNSM_OK;
    if (run->rank == 0)
        status = count_usable(run, trained, &count, error);
    status = nnsm_agree(run->world, status, error);
    if (status)
        return status;
    NNSM_MPI(MPI_Bcast(&count, 1, MPI_INT, 0, run->world));
    if (count < wanted)
        nnsm_warn(&run->log, "trust: %d of %lld networks are there; nnsm run trains the others", count,
                  (long long)wanted);
    if (count < 3) /* one network more has no spread */
        return NNSM_OK;
    for (; members->count < (size_t)count && !status; members->count++) {
        path_to_read(run, members->count, path);
        status = read_member(run, path, &members->network[members->count], error);
    }
    return status;
}
