#include "stage/pseudo_search.h"

static void add_block(void *context, size_t block, double *sums)
{
    nnsm_pseudo_search *s = context;
    nnsm_pseudo_add(s->pseudo, s->request->coupling, s->request->hessian, s->data->configuration[block],
                    s->data->rows[block], sums);
}

/* Without the Hessian only the pulls and the value pass between ranks. */
static nnsm_status sum_blocks(void *context, const nnsm_pseudo_request *request, nnsm_error *error)
{
    nnsm_pseudo_search *s = context;
    size_t k = s->operators->classes;
    s->request = request;
    return nnsm_samples_sum(s->run, NNSM_BLOCKS / request->part, add_block, s,
                            request->hessian ? nnsm_pseudo_sums(s->pseudo) : k + 1, request->total, k, request->pulls,
                            error);
}

nnsm_status nnsm_pseudo_search_run(nnsm_pseudo_search *search, double *coupling, double *error_bars, bool *converged,
                                   nnsm_error *error)
{
    return nnsm_pseudo_maximise(search->pseudo, search->data->configurations, sum_blocks, search, coupling, error_bars,
                                converged, error);
}
