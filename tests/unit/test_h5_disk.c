/* A file that was written through our driver of HDF5 is what HDF5 reads by its own; and one that cannot be written in
 * the middle, for which no room was reserved, is a clear failure, after which HDF5 works on and ends as ever; as is one
 * that somebody takes away. */
#include "check.h"
#include "io/h5.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { VALUES = 100000, LIMIT = 200000 };

static const char path[] = "test_h5_disk.h5", part[] = "test_h5_disk.h5.part";
static double values[VALUES];

/* Returns what it was. */
static rlim_t limit_file_size(rlim_t bytes)
{
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    rlim_t before = limit.rlim_cur;
    limit.rlim_cur = bytes;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    return before;
}

/* Groups and attributes before and behind 0.8 MB, with `bytes` reserved. */
static void write_all(nnsm_h5 *h5, const char *name, size_t bytes, nnsm_error *error)
{
    if (nnsm_h5_create(h5, name, bytes, error) != NNSM_OK)
        return;
    nnsm_h5_set_text(h5, "/", "kind", "test");
    nnsm_h5_write_doubles(h5, "/first/values", 1, (size_t[]){VALUES}, values, "1", "what is read back");
    for (int k = 0; k < 200; k++) {
        char group[32];
        (void)snprintf(group, sizeof group, "/many/of_%d", k);
        nnsm_h5_set_double(h5, group, "number", k);
    }
    nnsm_h5_write_doubles(h5, "/last", 1, (size_t[]){3}, (double[]){1, 2, 3}, "1", "behind it");
}

static nnsm_status write_file(size_t bytes, nnsm_error *error)
{
    nnsm_h5 h5;
    write_all(&h5, path, bytes, error);
    return nnsm_h5_finish(&h5);
}

static void read_file(const char *name)
{
    nnsm_h5 h5;
    nnsm_error error;
    static double found[VALUES];
    double last[3];
    assert_int_equal(nnsm_h5_open(&h5, name, NNSM_H5_OWN, "test", &error), NNSM_OK);
    nnsm_h5_read_doubles(&h5, "/first/values", VALUES, found);
    nnsm_h5_read_doubles(&h5, "/last", 3, last);
    for (int k = 0; k < 200; k++) {
        char group[32];
        (void)snprintf(group, sizeof group, "/many/of_%d", k);
        assert_true(nnsm_h5_get_double(&h5, group, "number") == k);
    }
    assert_int_equal(nnsm_h5_finish(&h5), NNSM_OK);
    assert_memory_equal(found, values, sizeof values);
    assert_true(last[0] == 1 && last[1] == 2 && last[2] == 3);
}

static void what_is_written_is_read(void **state)
{
    static const char other[] = "test_h5_disk.other.h5";
    nnsm_error error;
    nnsm_h5 h5, second;
    (void)state;
    assert_int_equal(write_file(0, &error), NNSM_OK);
    read_file(path);
    assert_int_equal(write_file(1 << 24, &error), NNSM_OK); /* more than it needs, which is given back */
    read_file(path);
    write_all(&h5, path, 0, &error); /* two at once */
    write_all(&second, other, 0, &error);
    assert_int_equal(nnsm_h5_finish(&h5), NNSM_OK);
    read_file(path);
    assert_int_equal(nnsm_h5_finish(&second), NNSM_OK);
    read_file(other);
    assert_int_equal(remove(other), 0);
    assert_int_not_equal(access(part, F_OK), 0);
}

static void a_full_disk_is_a_failure_and_no_crash(void **state)
{
    nnsm_error error;
    (void)state;
    assert_int_equal(write_file(0, &error), NNSM_OK);
    rlim_t before = limit_file_size(LIMIT);
    assert_int_equal(write_file(0, &error), NNSM_FAILURE); /* in the middle */
    assert_non_null(strstr(error.message, path));
    assert_non_null(strstr(error.message, strerror(EFBIG)));
    assert_int_equal(write_file(LIMIT + 1, &error), NNSM_FAILURE); /* before it begins */
    assert_non_null(strstr(error.message, strerror(EFBIG)));
    (void)limit_file_size(before);
    assert_int_not_equal(access(part, F_OK), 0);
    read_file(path); /* the earlier one */
    assert_true(H5close() >= 0);
    assert_int_equal(write_file(0, &error), NNSM_OK); /* HDF5 begins anew */
    read_file(path);
}

static void what_others_put_in_its_place_is_not_published(void **state)
{
    nnsm_error error;
    nnsm_h5 h5;
    (void)state;
    write_all(&h5, path, 0, &error);
    assert_int_equal(remove(part), 0);
    assert_int_equal(nnsm_h5_finish(&h5), NNSM_FAILURE);
    assert_non_null(strstr(error.message, "removed or replaced"));
    write_all(&h5, path, 0, &error);
    assert_int_equal(remove(part), 0);
    FILE *file = fopen(part, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    assert_int_equal(nnsm_h5_finish(&h5), NNSM_FAILURE);
    assert_non_null(strstr(error.message, "removed or replaced"));
    assert_int_equal(remove(part), 0); /* which is not ours to remove */
    read_file(path);
    assert_int_equal(remove(path), 0);
}

int main(void)
{
    (void)signal(SIGXFSZ, SIG_IGN); /* an error of the call instead */
    for (int i = 0; i < VALUES; i++)
        values[i] = sqrt(i);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(a_full_disk_is_a_failure_and_no_crash),
        cmocka_unit_test(what_others_put_in_its_place_is_not_published),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
