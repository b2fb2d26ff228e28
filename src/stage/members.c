#include "stage/members.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/memory.h"
#include "base/timer.h"
#include "setup/agree.h"
#include "stage/checkpoint.h"
#include "stage/network_file.h"
#include "stage/train.h"

void nnsm_members_destroy(nnsm_members *members)
{
    for (size_t k = 1; k < members->count; k++)
        nnsm_network_destroy(&members->network[k]);
    *members = (nnsm_members){0};
}

nnsm_status nnsm_members_pause(nnsm_run *run, nnsm_request request, nnsm_error *error)
{
    /* Finished members are in their files, and the checkpoint is that of the end of the training, or of a scan. */
    return request > NNSM_CHECKPOINT ? nnsm_checkpoint_stop(run, request, error) : NNSM_OK;
}

/* NAME.network.h5 -> NAME.memberK.network.h5. */
static void path_beside(const char *network, size_t member, char *path)
{
    static const char ending[] = ".network.h5";
    size_t length = strlen(network), cut = strlen(ending);
    if (length > cut && strcmp(network + length - cut, ending) == 0)
        length -= cut;
    (void)snprintf(path, NNSM_RUN_PATH, "%.*s.member%zu%s", (int)length, network, member, ending);
}

static void path_of(const nnsm_run *run, size_t member, char *path)
{
    char own[NNSM_RUN_PATH];
    nnsm_run_path(run, NNSM_FILE_NETWORK, own);
    path_beside(own, member, path);
}

/* Of the network that a scan takes. */
static void path_to_read(const nnsm_run *run, size_t member, char *path)
{
    if (run->config->network.file[0])
        path_beside(run->config->network.file, member, path);
    else
        path_of(run, member, path);
}

void nnsm_members_forget(nnsm_run *run)
{
    char path[NNSM_RUN_PATH];
    for (size_t k = 1; k < NNSM_MOST_MEMBERS && run->rank == 0; k++) {
        path_of(run, k, path);
        (void)unlink(path);
    }
}

/* Rank 0: is there a file of this member, trained on this ensemble with what `wanted` says? One that cannot be looked
 * for or read is a failure: it must not pass for none, and be replaced or left out. */
static nnsm_status find_usable(nnsm_run *run, const nnsm_config *wanted, const char *path, int *usable,
                               nnsm_error *error)
{
    enum { DIFFERENCES = 256 };
    nnsm_trained *found = NULL;
    nnsm_config before;
    nnsm_error other;
    char differences[DIFFERENCES];
    int64_t network = run->network;
    bool there;
    *usable = 0;
    nnsm_status status = nnsm_h5_exists(path, &there, error);
    if (status || !there)
        return status;
    status = NNSM_NEW(&found, 1, "network", error);
    if (!status)
        status = nnsm_network_file_read(run, path, found, error);
    if (!status && found->ensemble == run->ensemble)
        *usable = nnsm_config_read_text(&before, found->origin, path, &other) == NNSM_OK &&
                  nnsm_config_differences(&before, wanted, NNSM_AFFECTS_DATA, differences, DIFFERENCES) == 0 &&
                  nnsm_config_differences(&before, wanted, NNSM_AFFECTS_NETWORK, differences, DIFFERENCES) == 0;
    run->network = network;
    if (found)
        nnsm_trained_destroy(found);
    nnsm_release(found);
    return status;
}

/* A trained member from rank 0 to all, and into its file. */
static nnsm_status keep(nnsm_run *run, nnsm_trained *trained, const char *path, nnsm_error *error)
{
    size_t count;
    float *parameters = nnsm_network_parameters(&trained->network, &count);
    nnsm_status status = NNSM_OK;
    NNSM_MPI(MPI_Bcast(parameters, (int)count, MPI_FLOAT, 0, run->world));
    if (run->rank == 0)
        status = nnsm_network_file_write(run, trained, path, &(int64_t){0}, error);
    return nnsm_agree(run->world, status, error);
}

static nnsm_status train(nnsm_run *run, nnsm_pool *pool, size_t member, const char *path, nnsm_trained *trained,
                         nnsm_error *error)
{
    nnsm_training training = {0};
    double since = nnsm_seconds();
    nnsm_status status = nnsm_trained_create(run, member, trained->summary.temperature, trained, error);
    if (!status)
        status = nnsm_training_create(&training, run, member, trained, pool->partition.training, error);
    status = nnsm_agree(run->world, status, error);
    if (!status)
        status = nnsm_train_on(run, &training, pool, error);
    if (!status)
        status = keep(run, trained, path, error);
    if (!status)
        nnsm_say(&run->log, "trust: network %zu of %lld is trained, %.1f s", member + 1,
                 (long long)run->config->trust.networks, nnsm_seconds() - since);
    nnsm_training_destroy(&training);
    return status;
}

static nnsm_status read_member(nnsm_run *run, const char *path, nnsm_trained *trained, nnsm_error *error)
{
    int64_t network = run->network;
    nnsm_status status = nnsm_network_file_read(run, path, trained, error);
    run->network = network;
    return nnsm_agree(run->world, status, error);
}

/* One member, from its file or by training. `pool` is filled when it is needed for the first time. */
static nnsm_status get(nnsm_run *run, nnsm_pool *pool, nnsm_summary *summary, double reach, size_t member,
                       nnsm_network *network, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_trained *trained = NULL;
    int there = 0;
    path_of(run, member, path);
    nnsm_status status = NNSM_NEW(&trained, 1, "network", error);
    if (!status && run->rank == 0)
        status = find_usable(run, run->config, path, &there, error);
    status = nnsm_agree(run->world, status, error);
    NNSM_MPI(MPI_Bcast(&there, 1, MPI_INT, 0, run->world));
    if (!status && !there && !pool->piece)
        status = nnsm_pool_load(run, pool, summary, &(nnsm_evidence){0}, error);
    if (!status && !there) {
        trained->summary = *summary;
        trained->reach.reach = reach;
        trained->ensemble = run->ensemble;
        status = train(run, pool, member, path, trained, error);
    } else if (!status)
        status = read_member(run, path, trained, error);
    *network = trained ? trained->network : (nnsm_network){0};
    if (trained) {
        trained->network = (nnsm_network){0};
        nnsm_trained_destroy(trained);
        nnsm_release(trained);
    }
    return status;
}

nnsm_status nnsm_stage_members(nnsm_run *run, const nnsm_trained *trained, nnsm_members *members, nnsm_error *error)
{
    nnsm_pool pool = {0};
    nnsm_summary summary;
    nnsm_status status = NNSM_OK;
    /* That of the run's own network, which may have been chosen from the data. */
    double reach = trained->network.frontier ? nnsm_frontier_architecture_of(trained->network.frontier)->reach : 0;
    *members = (nnsm_members){.count = 1};
    run->ensemble = trained->ensemble;
    if (run->config->trust.networks < 2)
        return NNSM_OK;
    nnsm_run_begin(run, NNSM_STAGE_MEMBERS);
    while (members->count < (size_t)run->config->trust.networks && !status) {
        status = get(run, &pool, &summary, reach, members->count, &members->network[members->count], error);
        members->count++;
        if (!status && run->ensemble != trained->ensemble)
            status = nnsm_fail(error, NNSM_DATA,
                               "the ensemble is not the one that the network was trained on, its checksum differs; "
                               "restore its file, or start anew with --fresh");
    }
    nnsm_pool_destroy(&pool);
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
        status = find_usable(run, &own, path, &usable, error);
    }
    return status;
}

nnsm_status nnsm_members_read(nnsm_run *run, const nnsm_trained *trained, nnsm_members *members, nnsm_error *error)
{
    char path[NNSM_RUN_PATH];
    nnsm_trained *found = NULL;
    nnsm_status status = NNSM_OK;
    int64_t ensemble = run->ensemble, wanted = run->config->trust.networks;
    *members = (nnsm_members){.count = 1};
    if (wanted < 2)
        return NNSM_OK;
    run->ensemble = trained->ensemble;
    int count = 0;
    if (run->rank == 0)
        status = count_usable(run, trained, &count, error);
    run->ensemble = ensemble;
    status = nnsm_agree(run->world, status, error);
    if (status)
        return status;
    NNSM_MPI(MPI_Bcast(&count, 1, MPI_INT, 0, run->world));
    if (count < wanted)
        nnsm_warn(&run->log, "trust: %d of %lld networks are there; nnsm run trains the others", count,
                  (long long)wanted);
    if (count < 3) /* one network more has no spread */
        return NNSM_OK;
    status = nnsm_agree(run->world, NNSM_NEW(&found, 1, "network", error), error);
    while (members->count < (size_t)count && !status) {
        path_to_read(run, members->count, path);
        status = read_member(run, path, found, error);
        members->network[members->count++] = found->network;
        found->network = (nnsm_network){0};
        nnsm_trained_destroy(found);
    }
    nnsm_release(found);
    return status;
}
