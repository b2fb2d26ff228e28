#include "stage/rounds.h"

#include "setup/agree.h"
#include "stage/checkpoint.h"

static const char *title_of(nnsm_vote vote)
{
    if (vote == NNSM_VOTE_SECOND)
        return "trust.compare";
    return vote == NNSM_VOTE_WINDOW ? "window" : "ensemble";
}

nnsm_round nnsm_round_make(const nnsm_run *run, const nnsm_ensemble_header *header, size_t block, size_t begin)
{
    size_t n = header->configurations, ranks = (size_t)run->ranks;
    nnsm_round round = {.begin = begin, .block = block};
    round.end = (n - begin) / block < ranks ? n : begin + block * ranks;
    round.first = begin + block * (size_t)run->rank;
    round.first = round.first < round.end ? round.first : round.end;
    round.count = round.end - round.first < block ? round.end - round.first : block;
    return round;
}

nnsm_status nnsm_rounds(nnsm_run *run, const nnsm_ensemble_header *header, const nnsm_round_methods *methods,
                        void *context, nnsm_error *error)
{
    nnsm_status status = NNSM_OK;
    size_t block = methods->block ? methods->block : nnsm_ensemble_block(header);
    for (size_t begin = 0; begin < header->configurations && !status;) {
        nnsm_round round = nnsm_round_make(run, header, block, begin);
        nnsm_request request = begin ? nnsm_stop_vote(&run->stop, methods->vote, run->world) : NNSM_GO_ON;
        if (request > NNSM_CHECKPOINT)
            return nnsm_checkpoint_stop(run, request, error);
        if (nnsm_progress_due(&run->log))
            nnsm_say(&run->log, "%s: configuration %zu of %zu is read", title_of(methods->vote), begin,
                     header->configurations);
        if (round.count)
            status = methods->work(context, &round, error);
        status = nnsm_agree(run->world, status, error);
        if (!status && methods->exchange)
            methods->exchange(context, &round);
        begin = round.end;
    }
    return status;
}
