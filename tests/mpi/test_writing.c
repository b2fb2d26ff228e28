/* An ensemble written by all ranks at once is the one that was meant, of plain, shifted and wide values; also where
 * rank 1 does not see the file, and where rank 2 sees an old one of the same name, which stays as it is. A file on
 * another device is refused. */
#include "check.h"
#include "stage/writing.h"

#include <errno.h>
#include <unistd.h>

#include "setup/agree.h"

enum { ROWS = 1000, BLOCK = 37, SITES = 35 };

static const char stale[] = "an older file of the same name, longer than the mark in front of a new one";

static int8_t state(const nnsm_alphabet *alphabet, size_t row, size_t site)
{
    int k = (int)((row * 31 + site * 7) % 11) % alphabet->count;
    return (int8_t)(alphabet->count == 2 ? 2 * k - 1 : k);
}

static void fill(const nnsm_alphabet *alphabet, size_t first, int8_t *rows)
{
    for (size_t r = 0; r < BLOCK; r++)
        for (size_t i = 0; i < SITES; i++)
            rows[r * SITES + i] = state(alphabet, first + r, i);
}

/* Of this number of ranks, since several may be tried at once. */
static char path[64], stale_path[64], stale_part[80];

static void name_files(int ranks)
{
    (void)snprintf(path, sizeof path, "test_writing.%d.h5", ranks);
    (void)snprintf(stale_path, sizeof stale_path, "test_writing.%d.stale.h5", ranks);
    (void)snprintf(stale_part, sizeof stale_part, "%s.part", stale_path);
}

/* The path as this rank sees it. */
static const char *place_of(int rank, bool shared)
{
    if (shared || rank == 0 || rank > 2)
        return path;
    return rank == 1 ? "no_such_directory/test_writing.h5" : stale_path;
}

static void write_all(int rank, int ranks, bool shared, const nnsm_ensemble_header *header)
{
    static int8_t rows[BLOCK * SITES];
    nnsm_error error;
    nnsm_h5 h5 = {.file = H5I_INVALID_HID};
    nnsm_writing writing;
    if (rank == 0 && nnsm_h5_create(&h5, path, nnsm_ensemble_bytes(header), &error) == NNSM_OK)
        nnsm_ensemble_define(&h5, header);
    assert_int_equal(nnsm_writing_open(&writing, MPI_COMM_WORLD, &h5, place_of(rank, shared), header, BLOCK, &error),
                     NNSM_OK);
    for (int r = 0; r < ranks; r++)
        assert_int_equal(writing.writer[r] == r, place_of(r, shared) == path);
    if (!shared && ranks > 1)
        assert_int_equal(writing.writer[1], 0);
    if (!shared && ranks > 2) /* in turns */
        assert_int_equal(writing.writer[2], ranks > 3 ? 3 : 0);
    for (size_t block = 0; block * BLOCK < ROWS; block++) {
        fill(&header->alphabet, block * BLOCK, rows);
        int owner = (int)(block * 7 % (size_t)ranks);
        nnsm_writing_put(&writing, owner, block * BLOCK, BLOCK, owner == rank ? rows : NULL);
    }
    assert_int_equal(nnsm_writing_close(&writing, NNSM_OK, &error), NNSM_OK);
    nnsm_h5_set_text(&h5, "/", "said", "after the rows");
    assert_int_equal(nnsm_agree(MPI_COMM_WORLD, nnsm_h5_finish(&h5), &error), NNSM_OK);
}

/* By every rank. */
static void check_all(const nnsm_ensemble_header *written)
{
    static int8_t rows[ROWS * SITES];
    nnsm_error error;
    nnsm_h5 h5;
    nnsm_ensemble_header header;
    char said[32];
    assert_int_equal(nnsm_h5_open(&h5, path, NNSM_H5_OWN, NNSM_ENSEMBLE_KIND, &error), NNSM_OK);
    nnsm_ensemble_read_shape(&h5, &header);
    nnsm_ensemble_read_alphabet(&h5, &header);
    nnsm_ensemble_read_rows(&h5, &header, 0, ROWS, rows);
    nnsm_h5_get_text(&h5, "/", "said", said, sizeof said);
    assert_int_equal(nnsm_h5_finish(&h5), NNSM_OK);
    assert_string_equal(said, "after the rows");
    assert_int_equal(header.configurations, ROWS);
    assert_true(nnsm_alphabet_equal(&header.alphabet, &written->alphabet));
    for (size_t r = 0; r < ROWS; r++)
        for (size_t i = 0; i < SITES; i++)
            assert_int_equal(rows[r * SITES + i], state(&written->alphabet, r, i));
}

static nnsm_ensemble_header header_of(const nnsm_alphabet *alphabet)
{
    return (nnsm_ensemble_header){.configurations = ROWS,
                                  .sites = SITES,
                                  .dimensions = 2,
                                  .extent = {5, 7},
                                  .temperature = 2.5,
                                  .chains = 1,
                                  .alphabet = *alphabet};
}

static void write_and_check(const nnsm_alphabet *alphabet, bool shared)
{
    int rank, ranks;
    const nnsm_ensemble_header header = header_of(alphabet);
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    write_all(rank, ranks, shared, &header);
    check_all(&header);
    (void)MPI_Barrier(MPI_COMM_WORLD);
}

/* -1 and 1; 0 and 1; four, some of which are beyond a byte. */
static void all_alphabets(bool shared)
{
    static const int64_t values[] = {0, 1, -40000, 300};
    nnsm_alphabet spins = nnsm_alphabet_spins(), bits, wide;
    nnsm_error error;
    assert_int_equal(nnsm_alphabet_create(&bits, 2, values, false, &error), NNSM_OK);
    assert_int_equal(nnsm_alphabet_create(&wide, 4, values, false, &error), NNSM_OK);
    write_and_check(&spins, shared);
    write_and_check(&bits, shared);
    write_and_check(&wide, shared);
}

static void every_rank_writes(void **context)
{
    (void)context;
    all_alphabets(true);
}

static void ranks_without_the_file_send(void **context)
{
    char found[sizeof stale] = "";
    int rank;
    (void)context;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    FILE *file = rank == 0 ? fopen(stale_part, "w") : NULL;
    if (rank == 0) {
        assert_non_null(file);
        assert_int_equal(fputs(stale, file) < 0 || fclose(file) != 0, 0);
    }
    (void)MPI_Barrier(MPI_COMM_WORLD);
    all_alphabets(false);
    if (rank == 0) {
        file = fopen(stale_part, "r");
        assert_non_null(file);
        assert_int_equal(fread(found, 1, sizeof found, file), sizeof found - 1);
        assert_int_equal(fclose(file), 0);
        assert_string_equal(found, stale);
        assert_int_equal(unlink(stale_part), 0);
        assert_int_equal(unlink(path), 0);
    }
}

/* The same file through another mount has pages of its own: as if it were another file. */
static void another_mount_is_another_file(void **context)
{
    const nnsm_alphabet spins = nnsm_alphabet_spins();
    const nnsm_ensemble_header header = header_of(&spins);
    int rank;
    nnsm_error error;
    nnsm_h5 h5;
    nnsm_ensemble_place place;
    nnsm_ensemble_rows rows;
    (void)context;
    (void)MPI_Comm_rank(MPI_COMM_WORLD, &rank);
    if (rank != 0)
        return;
    assert_int_equal(nnsm_h5_create(&h5, path, nnsm_ensemble_bytes(&header), &error), NNSM_OK);
    nnsm_ensemble_define(&h5, &header);
    nnsm_ensemble_offer(&h5, &place);
    assert_int_equal(h5.status, NNSM_OK);
    assert_int_equal(nnsm_ensemble_rows_open(&rows, path, &header, &place), 0);
    assert_int_equal(nnsm_ensemble_rows_close(&rows, false, &error), NNSM_OK);
    place.device++;
    assert_int_equal(nnsm_ensemble_rows_open(&rows, path, &header, &place), ESTALE);
    assert_int_equal(nnsm_ensemble_rows_close(&rows, false, &error), NNSM_OK);
    assert_int_equal(nnsm_h5_finish(&h5), NNSM_OK);
    assert_int_equal(unlink(path), 0);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(every_rank_writes),
                                       cmocka_unit_test(ranks_without_the_file_send),
                                       cmocka_unit_test(another_mount_is_another_file)};
    int ranks;
    (void)MPI_Init(&argc, &argv);
    (void)MPI_Comm_size(MPI_COMM_WORLD, &ranks);
    name_files(ranks);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    (void)MPI_Finalize();
    return failed;
}
